"""The model provider in use and the way it authenticates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.provider import ProviderAuth
from codex_auth_lsp.providers.catalogue import find_provider
from codex_auth_lsp.providers.plain import plain

if TYPE_CHECKING:
    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.providers.surroundings import Surroundings


def active_provider(settings: Settings, surroundings: Surroundings) -> ProviderAuth:
    """Return what `model_provider` names; an unknown one is told as a problem of itself.

    Nobody knows how that one authenticates: the login is what is left to look at.
    """
    provider_id = settings.model_provider
    found = find_provider(settings, surroundings, provider_id)
    if found is not None:
        return found.to_auth(surroundings.environment)
    named = plain(provider_id)
    problem = f"`model_provider` in config.toml names `{named}`, which is not defined."
    return ProviderAuth(
        provider_id, named, "openai", True, problems=(problem,), usable=False, defined=False
    )
