"""Signing out: the local part always first, the issuer told afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import LoginCancelled
from codex_auth_lsp.stores.abandon import in_own_thread

if TYPE_CHECKING:
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.logins import Logins
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper
    from codex_auth_lsp.stores.base import Remaining, Removed


@dataclass(frozen=True, slots=True)
class LogoutResult:
    """What was removed from which stores, and what the issuer said."""

    removed: tuple[str, ...]
    remaining: tuple[Remaining, ...]
    revoked: str
    status: dict[str, Any]

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's result of `auth/logout`."""
        return {
            "removed": list(self.removed),
            "remaining": [{"store": place.store, "kind": place.kind} for place in self.remaining],
            "revoked": self.revoked,
            "status": self.status,
        }


class Logout:
    """Removes the stored login and revokes the tokens that were in it at that moment."""

    def __init__(
        self, cache: LoginCache, keeper: StatusKeeper, logins: Logins, revoker: Revoker
    ) -> None:
        self._cache = cache
        self._keeper = keeper
        self._logins = logins
        self._revoker = revoker
        self._running: set[asyncio.Task[LogoutResult]] = set()

    async def __call__(self, *, revoke: bool = True) -> LogoutResult:
        """Sign out. A running login is cancelled first; nothing stored is a success.

        What has begun is finished, also when nobody waits for the result any more.

        Raises:
            StoreError: The login could not be removed and is still there.
        """
        task = asyncio.ensure_future(self._sign_out(revoke=revoke))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self, seconds: float) -> None:
        """Wait for what is under way, and no longer than `seconds`."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def _sign_out(self, *, revoke: bool) -> LogoutResult:
        await self._logins.stop(LoginCancelled())
        await self._cache.sync()
        self._keeper.look()  # what others did until now is told under its own cause
        with self._keeper.own_change():
            removed = await in_own_thread(self._cache.remove)
        self._keeper.look("logout")
        revoked = await self._revoke(removed, revoke=revoke)
        return LogoutResult(
            removed=removed.stores if removed is not None else (),
            remaining=removed.remaining if removed is not None else (),
            revoked=revoked,
            status=self._keeper.look(),
        )

    async def _revoke(self, removed: Removed | None, *, revoke: bool) -> str:
        credentials = (removed.credential, *removed.others) if removed is not None else ()
        logins = [login for login in credentials if isinstance(login, ChatGptCredential)]
        if not logins:
            return "notApplicable"
        if not revoke:
            return "skipped"
        return "yes" if all(await asyncio.gather(*map(self._revoker.revoke, logins))) else "failed"
