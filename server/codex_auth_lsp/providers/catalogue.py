"""Each provider with its kind: what may be told of it, and its credential.

A credential is bound to the origin of its provider, a login to the providers that ask for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.config.settings import DEFAULT_PROVIDER
from codex_auth_lsp.domain.provider import ProviderAuth
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.providers.address import address_problem, shown
from codex_auth_lsp.providers.bearer_token import BearerToken
from codex_auth_lsp.providers.bedrock import KEY_VARIABLE
from codex_auth_lsp.providers.built_in import define, provider_ids
from codex_auth_lsp.providers.command import Command
from codex_auth_lsp.providers.configured import (
    carries_secrets,
    configured_headers,
    header_problems,
    headers_left_out,
    keys_like_credentials,
    merged,
)
from codex_auth_lsp.providers.environment_key import EnvironmentKey
from codex_auth_lsp.providers.openai_login import OpenAILogin
from codex_auth_lsp.providers.plain import plain
from codex_auth_lsp.providers.request_credential import RequestCredential
from codex_auth_lsp.providers.stored_key import StoredKey
from codex_auth_lsp.providers.unauthenticated import Unauthenticated
from codex_auth_lsp.providers.variable_name import is_set, variable_name
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.config.model_providers import ProviderSettings
    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.kind import Kind, Sources
    from codex_auth_lsp.providers.surroundings import Surroundings

_OPENAI, _STORED, _ENVIRONMENT, _BEARER, _COMMAND, _NONE = (
    OpenAILogin(),
    StoredKey(),
    EnvironmentKey(),
    BearerToken(),
    Command(),
    Unauthenticated(),
)


@frozen
class Provider:
    """A provider, how it authenticates, and what is wrong with it."""

    definition: Definition
    kind: Kind
    problems: tuple[str, ...]
    obstacles: tuple[str, ...]
    missing: str | None

    def to_auth(self, environment: Mapping[str, str]) -> ProviderAuth:
        """Return what may be told."""
        settings = self.definition.settings
        named = variable_name(settings.env_key, environment)
        name = named if self.kind is _ENVIRONMENT else None
        outranked = {_OPENAI: named, _STORED: KEY_VARIABLE}.get(self.kind)
        ignored = outranked if is_set(outranked, environment) else None
        missing = (self.missing,) if self.missing is not None else ()
        return ProviderAuth(
            id=self.definition.id,
            name=plain(settings.name) or self.definition.id,
            auth_kind=self.kind.auth_kind,
            requires_openai_auth=settings.requires_openai_auth,
            base_url=shown(settings.base_url),
            environment_key=name,
            environment_key_present=is_set(name, environment),
            environment_key_instructions=plain(settings.env_key_instructions or "") or None
            if name is not None
            else None,
            problems=(*self.obstacles, *missing, *self.problems),
            usable=not self.obstacles and self.missing is None,
            ignored_environment_key=ignored,
            uses_stored_key=self.kind is _STORED,
        )

    def check(self) -> None:
        """Refuse a provider that cannot be used as it is configured.

        Raises:
            ConfigurationInvalid: It cannot.
        """
        if self.obstacles:
            provider_id = self.definition.id
            raise ConfigurationInvalid(
                f"The provider `{plain(provider_id)}` cannot be used: {self.obstacles[0]}",
                provider_id=provider_id,
            )

    async def give(self, sources: Sources) -> RequestCredential:
        """Return what to put on a request to a provider that can be used.

        Raises:
            AuthError: Its credential is not there.
        """
        settings = self.definition.settings
        given = await self.kind.give(self.definition, sources)
        return RequestCredential(
            provider_id=self.definition.id,
            base_url=(settings.base_url or given.base_url).rstrip("/"),
            headers=merged(
                configured_headers(settings, sources.surroundings.environment), given.headers
            ),
            expires_at=given.expires_at,
            query_params=settings.query_params,
        )


def find_provider(
    settings: Settings, surroundings: Surroundings, provider_id: str
) -> Provider | None:
    """Return the provider with this id, None where there is none."""
    definition = define(settings, surroundings, provider_id)
    return _examined(definition, surroundings) if definition is not None else None


def all_providers(settings: Settings, surroundings: Surroundings) -> list[Provider]:
    """Return every provider, built in or configured."""
    found = (find_provider(settings, surroundings, name) for name in provider_ids(settings))
    return [provider for provider in found if provider is not None]


def _examined(definition: Definition, surroundings: Surroundings) -> Provider:
    settings = definition.settings
    environment = surroundings.environment
    kind = _kind(definition)
    carries = kind is not _NONE or carries_secrets(settings, environment)
    examination = kind.examine(definition, surroundings)
    obstacles = (
        *definition.obstacles,
        *_conflicts(settings),
        *_address_obstacles(settings, carries),
        *examination.obstacles,
    )
    is_openai = definition.id == DEFAULT_PROVIDER  # Codex has put optional headers there
    problems = (
        *definition.problems,
        *examination.problems,
        *header_problems(settings, environment),
        *(() if is_openai else headers_left_out(settings, environment)),
        *(() if carries else _exposures(settings)),
    )
    return Provider(definition, kind, problems, obstacles, examination.missing)


def _kind(definition: Definition) -> Kind:
    settings = definition.settings
    if definition.stored_key is not None:
        return _STORED
    if settings.requires_openai_auth:
        return _OPENAI
    if settings.env_key is not None:
        return _ENVIRONMENT
    if settings.bearer_token is not None:
        return _BEARER
    return _COMMAND if settings.command is not None else _NONE


def _conflicts(settings: ProviderSettings) -> list[str]:
    """Return what the Codex CLI 0.169.0 refuses, and what neither it nor we could guess."""
    conflicts = []
    if settings.command is not None:
        beside = {
            "env_key": settings.env_key is not None,
            "experimental_bearer_token": settings.bearer_token is not None,
            "requires_openai_auth": settings.requires_openai_auth,
        }
        names = ", ".join(f"`{name}`" for name, is_there in beside.items() if is_there)
        if names:
            conflicts.append(f"`auth` cannot be combined with {names}.")
    if settings.gateway_oauth:
        conflicts.append("Tokens of a gateway's own sign-in (`gateway_oauth`) are not given here.")
    return conflicts


def _address_obstacles(settings: ProviderSettings, carries: bool) -> list[str]:
    if settings.base_url is None:
        return []
    problem = address_problem(settings.base_url, carries_credential=carries)
    return [f"`base_url` of the provider {problem}"] if problem is not None else []


def _exposures(settings: ProviderSettings) -> list[str]:
    """Return what the person has decided to send in the clear; the Codex CLI sends it too."""
    url = settings.base_url
    if url is None or address_problem(url, carries_credential=True) is None:
        return []
    return [
        f"`{key}` seems to hold a credential, and `base_url` is plain http: others on the network "
        "can read it."
        for key in keys_like_credentials(settings)
    ]
