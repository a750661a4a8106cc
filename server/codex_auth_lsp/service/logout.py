"""Signing out: the local part always first, the issuer told afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import LoginCancelled, StoreError, StoreLocked
from codex_auth_lsp.stores.abandon import in_own_thread
from codex_auth_lsp.stores.base import join, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.logins import Logins
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper
    from codex_auth_lsp.stores.base import Remaining, Removed


@dataclass(frozen=True, slots=True)
class LogoutResult:
    """What was removed from which stores, and what the issuer said.

    `unread` says that nobody could read what was stored, so that it could not be revoked.
    """

    removed: tuple[str, ...]
    remaining: tuple[Remaining, ...]
    revoked: str
    status: dict[str, Any]
    unread: bool

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
        self._unbegun: dict[bool, asyncio.Task[LogoutResult]] = {}

    async def __call__(self, *, revoke: bool = True) -> LogoutResult:
        """Sign out. A running login is cancelled first; nothing stored is a success.

        What has begun is finished, also when nobody waits for the result any more. Who asks for the
        same before it has begun waits for it, and has nothing left to do.

        Raises:
            StoreError: The login could not be removed and is still there.
        """
        task = self._unbegun.get(revoke)
        if task is not None:
            done = await asyncio.shield(task)
            return replace(done, removed=(), revoked="notApplicable")
        task = self._unbegun[revoke] = asyncio.ensure_future(self._sign_out(revoke=revoke))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def close(self, seconds: float) -> None:
        """Wait for what is under way, and no longer than `seconds`."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def _sign_out(self, *, revoke: bool) -> LogoutResult:
        del self._unbegun[revoke]
        await self._logins.stop(LoginCancelled())
        await self._cache.sync()
        self._keeper.look()  # what others did until now is told under its own cause
        unread = unreadable(self._keeper.view.snapshot.report) is not None
        removals = [await self._remove(self._cache.remove)]
        revocations = self._begin_revocation(removals[0]) if revoke else []
        if removals[0].wants_the_person and not self._cache.store.reads_at_once:
            # What could be removed is gone, and its issuer hears of it; nobody waits for that.
            removals.append(await self._remove(self._cache.remove_ended))
            revocations += self._begin_revocation(removals[1]) if revoke else []
        removed = _joined(removals)
        return LogoutResult(
            removed=removed.stores if removed is not None else (),
            remaining=removed.remaining if removed is not None else (),
            revoked=await _outcome(removed, revocations),
            status=self._keeper.look(),
            unread=unread,
        )

    async def _remove(self, remove: Callable[[], Removed | None]) -> _Removal:
        error: StoreError | None = None
        removed: Removed | None = None
        try:
            with self._keeper.own_change():
                removed = await in_own_thread(remove)
        except StoreError as exc:
            error = exc
        if error is None or isinstance(error, StoreLocked):  # it is gone, or counts as that
            self._keeper.login.drop_unsaved()
        self._keeper.look("logout")
        return _Removal(removed, error)

    def _begin_revocation(self, removal: _Removal) -> list[asyncio.Task[bool]]:
        logins = _revocable(removal.removed)
        return [asyncio.ensure_future(self._revoker.revoke(login)) for login in logins]


@dataclass(frozen=True)
class _Removal:
    """How it went to remove a login once."""

    removed: Removed | None = None
    error: StoreError | None = None

    @property
    def wants_the_person(self) -> bool:
        """Whether unlocking a keyring could help."""
        remaining = self.removed.remaining if self.removed is not None else ()
        kinds = {place.kind for place in remaining if place.store == "keyring"}
        return isinstance(self.error, StoreLocked) or StoreLocked.kind in kinds


def _joined(removals: list[_Removal]) -> Removed | None:
    """Return what was removed at all tries, and what remains after the last one.

    Raises:
        StoreError: None worked.
    """
    errors = [removal.error for removal in removals if removal.error is not None]
    if len(errors) == len(removals):
        raise errors[-1]
    removed = join([removal.removed for removal in removals])
    is_reached = len(removals) > 1 and removals[-1].error is None
    if removed is None or not is_reached:
        return removed
    remaining = tuple(place for place in removed.remaining if place.store != "keyring")
    return replace(removed, remaining=remaining)


def _revocable(removed: Removed | None) -> list[ChatGptCredential]:
    logins = (removed.credential, *removed.others) if removed is not None else ()
    return [login for login in logins if isinstance(login, ChatGptCredential)]


async def _outcome(removed: Removed | None, revocations: list[asyncio.Task[bool]]) -> str:
    if not _revocable(removed):
        return "notApplicable"
    if not revocations:
        return "skipped"
    return "yes" if all(await asyncio.gather(*revocations)) else "failed"
