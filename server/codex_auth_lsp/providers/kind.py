"""The one interface behind which every kind of authentication stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime

    from codex_auth_lsp.config.model_providers import CommandSettings
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.request_credential import RequestCredential
    from codex_auth_lsp.providers.surroundings import Surroundings
    from codex_auth_lsp.secret import Secret


@frozen
class Examination:
    """What can be said of a provider without asking anybody; sentences, without values.

    `problems` do no harm; `obstacles` are of the configuration and keep the provider from being
    used; `missing` says what else keeps a credential from being there.
    """

    problems: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    missing: str | None = None


@frozen
class Sources:
    """Where credentials come from: the surroundings, the login cache, a command."""

    surroundings: Surroundings
    login: Callable[[], Credential]
    login_request: Callable[[Credential], RequestCredential | None]
    run: Callable[[str, CommandSettings], Awaitable[Secret]]


@frozen
class Given:
    """What authenticates a request; `base_url` is where a login goes unless the provider says."""

    headers: Mapping[str, Secret]
    base_url: str = ""
    expires_at: datetime | None = None


class Kind(Protocol):
    """A kind of authentication."""

    auth_kind: ClassVar[str]

    def examine(self, definition: Definition, surroundings: Surroundings) -> Examination:
        """Return what is wrong with what it needs."""
        ...

    async def give(self, definition: Definition, sources: Sources) -> Given:
        """Return what authenticates a request.

        Raises:
            AuthError: There is nothing to give.
        """
        ...
