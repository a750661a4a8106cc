"""The parts of the service that only a window in which something is done needs.

Each is made, and what it imports is imported, when it is first asked for: an idle window has none
of them, and one that waits for another's renewal not what a sign-in takes, which is most of it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from codex_auth_lsp.config.endpoints import EndpointOverrides, resolve_overrides
from codex_auth_lsp.service.revocation import REVOCATION_SECONDS, Revoker
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.service.auth_service import ServiceOptions
    from codex_auth_lsp.service.credentials import Credentials
    from codex_auth_lsp.service.events import Events
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.logins import Logins
    from codex_auth_lsp.service.logout import Logout
    from codex_auth_lsp.service.opening import Opening
    from codex_auth_lsp.service.refresher import Refresher
    from codex_auth_lsp.service.settling import Settling
    from codex_auth_lsp.service.status_keeper import StatusKeeper

HURRIED_SECONDS = 1.5
"""How long an ending language server waits for each revocation that is under way."""


@frozen
class Actions:
    """Logins, logout, refreshes and credentials, made when they are needed."""

    cache: LoginCache
    keeper: StatusKeeper
    options: ServiceOptions
    clock: Clock
    events: Events
    opening: Opening
    on_issuer_time: Callable[[datetime | None], None]

    @cached_property
    def logins(self) -> Logins:
        """Signing in."""
        from codex_auth_lsp.service.logins import Logins
        from codex_auth_lsp.service.sign_in import SignIn

        self._begin_settling()
        sign_in = SignIn(
            self.cache,
            self.keeper,
            self.options.issuer,
            self.clock,
            self.events,
            self._revoker,
            self.on_issuer_time,
            check_api_keys=self.options.check_api_keys,
        )
        return Logins(sign_in, self.cache, self.keeper, self.clock, self.events, self.opening)

    @cached_property
    def logout(self) -> Logout:
        """Signing out."""
        from codex_auth_lsp.service.logout import Logout

        return Logout(self.cache, self.keeper, self.logins, self._revoker)

    @cached_property
    def refresher(self) -> Refresher:
        """Renewing the login.

        With it comes what gives out the renewed one: later there may be no file left to be opened.
        """
        from codex_auth_lsp.service import credentials  # noqa: F401
        from codex_auth_lsp.service.refresher import Refresher

        self._begin_settling()
        return Refresher(
            self.cache,
            self.keeper,
            self.clock,
            self._revoker,
            self._overrides,
            self.on_issuer_time,
        )

    @cached_property
    def credentials(self) -> Credentials:
        """Credentials for requests to a provider."""
        from codex_auth_lsp.service.credentials import Credentials

        return Credentials(self.keeper, self.refresher, self.clock, self.options.home.path)

    @cached_property
    def settling(self) -> Settling:
        """What makes good what a logout or a save had to leave in a keyring."""
        from codex_auth_lsp.service.settling import Settling

        return Settling(self.cache, self.keeper, self._revoker)

    @property
    def made_logins(self) -> Logins | None:
        """Signing in, None where nobody has asked for it."""
        return self.logins if "logins" in vars(self) else None

    @property
    def is_settling(self) -> bool:
        """Whether there is already somebody who makes good what was left."""
        return "settling" in vars(self)

    async def stop_logins(self) -> None:
        """End the running login and free its port, since the server is shutting down."""
        if self.made_logins is not None:
            await self.made_logins.shut_down()

    async def close(self, *, hurried: bool) -> None:
        """End what was made, in this order, and wait for what must not be lost."""
        patience = HURRIED_SECONDS if hurried else REVOCATION_SECONDS
        made = vars(self)
        if "credentials" in made:
            await self.credentials.close()
        if self.made_logins is not None:
            await self.made_logins.close(hurried=hurried)
        if "refresher" in made:
            await self.refresher.close()
        if "logout" in made:
            await self.logout.close(patience)
        if "settling" in made:
            await self.settling.close(patience)
        if "_revoker" in made:
            await self._revoker.close(patience)

    def _begin_settling(self) -> None:
        self.settling  # noqa: B018 - made with the first part that may leave something

    @cached_property
    def _overrides(self) -> EndpointOverrides:
        return resolve_overrides(self.options.environment)

    @cached_property
    def _revoker(self) -> Revoker:
        return Revoker(self._overrides, self.clock)
