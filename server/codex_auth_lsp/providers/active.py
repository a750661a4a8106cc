"""The model provider in use and the way it authenticates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.config.settings import DEFAULT_PROVIDER, ProviderSettings, Settings
from codex_auth_lsp.domain.provider import ProviderAuth

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUILT_IN: Mapping[str, ProviderSettings] = {
    DEFAULT_PROVIDER: ProviderSettings(name="OpenAI", requires_openai_auth=True),
    "ollama": ProviderSettings(name="Ollama"),
    "lmstudio": ProviderSettings(name="LM Studio"),
}


def active_provider(settings: Settings, environment: Mapping[str, str]) -> ProviderAuth:
    """Return what `model_provider` names; an unknown one is told as a problem of itself.

    With `requires_openai_auth = true`, `env_key` is ignored, as OpenAI's documentation says.
    """
    provider_id = settings.model_provider
    found = _BUILT_IN.get(provider_id) or settings.model_providers.get(provider_id)
    if found is None:
        problem = f"`model_provider` in config.toml names `{provider_id}`, which is not defined."
        return ProviderAuth(provider_id, provider_id, "none", False, problems=(problem,))
    variable = None if found.requires_openai_auth else found.env_key
    present = bool(variable and environment.get(variable, "").strip())
    return ProviderAuth(
        id=provider_id,
        name=found.name,
        auth_kind=_auth_kind(found),
        requires_openai_auth=found.requires_openai_auth,
        base_url=found.base_url,
        environment_key=variable,
        environment_key_present=present,
        problems=tuple(_problems(found, variable, present=present)),
    )


def _auth_kind(provider: ProviderSettings) -> str:
    if provider.requires_openai_auth:
        return "openai"
    return "environmentKey" if provider.env_key else "none"


def _problems(provider: ProviderSettings, variable: str | None, *, present: bool) -> list[str]:
    if provider.requires_openai_auth and provider.env_key:
        return ["`env_key` is ignored because `requires_openai_auth` is true."]
    if variable and not present:
        hint = f" {provider.env_key_instructions}" if provider.env_key_instructions else ""
        return [f"The environment variable {variable} is not set.{hint}"]
    return []
