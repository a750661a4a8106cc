"""The providers that there are: those of `config.toml` and those that Codex brings along.

Facts are those of the Codex CLI 0.169.0: its ids, addresses, and what may be changed of them.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.config.model_providers import ProviderSettings
from codex_auth_lsp.config.settings import DEFAULT_PROVIDER
from codex_auth_lsp.providers import bedrock
from codex_auth_lsp.providers.definition import Definition
from codex_auth_lsp.providers.openai import API_BASE_URL
from codex_auth_lsp.values import replace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.providers.surroundings import Surroundings

_OPENAI = ProviderSettings(
    name="OpenAI",
    requires_openai_auth=True,
    environment_headers=MappingProxyType(
        {"OpenAI-Organization": "OPENAI_ORGANIZATION", "OpenAI-Project": "OPENAI_PROJECT"}
    ),
)
_LOCAL: Mapping[str, tuple[str, str]] = {
    "ollama": ("Ollama", "11434"),
    "lmstudio": ("LM Studio", "1234"),
}
_VERTEX = "gcp"
_VERTEX_URL = (
    "https://aiplatform.googleapis.com/v1/projects/{project}/locations/{location}"
    "/publishers/openai/v1"
)

BUILT_IN = (DEFAULT_PROVIDER, *_LOCAL, *bedrock.ENDPOINTS, _VERTEX)
"""The ids that no `[model_providers.<id>]` table can take for itself."""

_PATH_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9:.-]{0,126}[A-Za-z0-9])?")


def provider_ids(settings: Settings) -> list[str]:
    """Return every id, the built-in ones first, the others as they stand in the file."""
    return [*BUILT_IN, *(name for name in settings.model_providers if name not in BUILT_IN)]


def define(settings: Settings, surroundings: Surroundings, provider_id: str) -> Definition | None:
    """Return the provider with this id, None where there is none."""
    own = settings.model_providers.get(provider_id)
    if provider_id == DEFAULT_PROVIDER:
        openai = replace(_OPENAI, base_url=settings.openai_base_url)
        return Definition(provider_id, openai, _redefined(provider_id, own))
    if provider_id in _LOCAL:
        local = _local(provider_id, surroundings.environment)
        return Definition(provider_id, local, _redefined(provider_id, own))
    if provider_id in bedrock.ENDPOINTS:
        return bedrock.define(provider_id, own, surroundings)
    if provider_id == _VERTEX:
        return _vertex(own)
    return Definition(provider_id, _addressed(own)) if own is not None else None


def _addressed(own: ProviderSettings) -> ProviderSettings:
    """Return a table with OpenAI's address where it names none and no login decides."""
    if own.base_url is not None or own.requires_openai_auth:
        return own
    return replace(own, base_url=API_BASE_URL)


def _redefined(provider_id: str, own: ProviderSettings | None) -> tuple[str, ...]:
    if own is None:
        return ()
    return (
        f"`model_providers.{provider_id}` in config.toml is ignored, since `{provider_id}` is "
        "built in; give that provider another id.",
    )


def _local(provider_id: str, environment: Mapping[str, str]) -> ProviderSettings:
    name, port = _LOCAL[provider_id]
    port = environment.get("CODEX_OSS_PORT", "").strip() or port
    url = environment.get("CODEX_OSS_BASE_URL", "").strip() or f"http://localhost:{port}/v1"
    return ProviderSettings(name=name, base_url=url)


def _vertex(own: ProviderSettings | None) -> Definition:
    """Return Vertex AI with a command; Google's application default credentials are not read."""
    changed = own or ProviderSettings(name="")
    location = changed.location or "global"
    project = changed.project_id
    obstacles = []
    base_url = changed.base_url
    if base_url is None and project is None:
        obstacles.append("`model_providers.gcp.project_id` in config.toml is not set.")
    elif base_url is None and project is not None:
        if _PATH_SEGMENT.fullmatch(project) and _PATH_SEGMENT.fullmatch(location):
            base_url = _VERTEX_URL.format(project=project, location=location)
        else:
            obstacles.append("`project_id` or `location` of `model_providers.gcp` is not a name.")
    if changed.command is None:
        obstacles.append(
            "Google's application default credentials are not read here; with "
            "`model_providers.gcp.auth` a command such as `gcloud auth print-access-token` "
            "gives the token."
        )
    defined = ProviderSettings(
        name="Google Cloud Vertex AI",
        base_url=base_url,
        command=changed.command,
        headers=changed.headers,
    )
    return Definition(_VERTEX, defined, (), tuple(obstacles))
