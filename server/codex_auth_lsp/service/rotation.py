"""A rotation on its way into the store: written at once, or kept in memory and written later.

Invariant: what an issuer has given for a spent token is kept until it is stored, another program's
is stored in its place, or its login has ended and it is revoked; only the end of the process ends
that, after one more try, for which any place will do. While it is kept nobody else gets a turn.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import LockTimedOut, StoreError, StoreWriteFailed
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.service.refresh_record import DONE, RecordPlace, RefreshRecord, keep_record
from codex_auth_lsp.service.refresh_rules import Success, judge_success
from codex_auth_lsp.stores.document import Document, refreshed_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.service.refresh_answer import Renewal
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper
    from codex_auth_lsp.stores.base import CredentialStore

HURRY_SECONDS = 5.0
"""How long a request waits for what could not be written before."""

_DEFECT = "The renewed login could not be stored; the log has the details."
_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0)  # and then again and again at the last
_LOCK_DELAY = 0.5  # after a try that has waited for a lock

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a login was read from: there its rotation goes, whatever is configured meanwhile."""

    store: CredentialStore
    record_place: RecordPlace


@dataclass(frozen=True)
class Rotation:
    """Tokens that the issuer has given for spent ones."""

    place: Place
    spent: ChatGptCredential
    renewal: Renewal
    sent: RefreshRecord


class RotationWriter:
    """Brings rotations into the store.

    Args:
        on_late_end: Called when one that was kept in memory is stored, or not wanted any more.
    """

    def __init__(
        self, keeper: StatusKeeper, revoker: Revoker, on_late_end: Callable[[], None]
    ) -> None:
        self._keeper = keeper
        self._revoker = revoker
        self._on_late_end = on_late_end
        self._late: asyncio.Task[None] | None = None
        self._ending = False
        self._hurry, self._tried = asyncio.Event(), asyncio.Event()

    @property
    def is_late(self) -> bool:
        """Whether there is a rotation that could not be written yet."""
        return self._late is not None

    async def commit(self, rotation: Rotation) -> bool:
        """Write a rotation, or keep it in memory; return whether its tokens are in force now."""
        try:
            decision = await self._save(rotation)
        except StoreError as error:
            self._hold(rotation, error)
            return True
        except Exception as exc:  # noqa: BLE001 - whatever it is, these are the only tokens
            defect = StoreWriteFailed(_DEFECT)
            defect.correlation_id = log_defect(logger, exc)
            self._hold(rotation, defect)
            return True
        await self._record_done(rotation)
        return decision is Success.WRITE

    async def hurry(self) -> None:
        """Somebody wants the login now: let the disk be tried once more at once."""
        if self._late is None:
            return
        self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(HURRY_SECONDS):
                await self._tried.wait()

    async def close(self, seconds: float) -> None:
        """Try for a last time, at once."""
        if self._late is not None:
            self._ending = True
            self._hurry.set()
            await asyncio.wait([self._late], timeout=seconds)

    def _hold(self, rotation: Rotation, error: StoreError) -> None:
        """Keep what could not be written, and go on trying."""
        self._late = asyncio.ensure_future(self._save_later(rotation, error))
        self._keeper.login.hold_unsaved(rotation.spent, rotation.renewal.login, error)
        self._keeper.look("refresh")

    async def _save(self, rotation: Rotation) -> Success:
        decision = Success.WRITE
        renewal = rotation.renewal

        def merge(old: Document | None) -> Document | None:
            nonlocal decision
            decision = judge_success(rotation.spent, old.credential if old else None)
            if old is None or decision is not Success.WRITE:
                return None
            return refreshed_document(old, renewal.login)

        with self._keeper.own_change():
            update = partial(rotation.place.store.update, merge, at_last=self._ending)
            await asyncio.to_thread(update)
        self._keeper.login.refresh_worked()
        if renewal.trouble is not None:
            self._keeper.login.refresh_failed(
                renewal.login, renewal.trouble, is_fresh=renewal.is_usable
            )
        self._keeper.look("refresh" if decision is Success.WRITE else None)
        if decision is Success.REVOKE:
            self._revoker.revoke_later(renewal.login)
        return decision

    async def _save_later(self, rotation: Rotation, first: StoreError) -> None:
        delays = chain(_DELAYS, repeat(_DELAYS[-1]))
        error: Exception | None = first
        try:
            while not self._ending:
                is_locked = isinstance(error, LockTimedOut)
                await self._sleep_unless_hurried(_LOCK_DELAY if is_locked else next(delays))
                error = await self._save_again(rotation)
                self._tried.set()
                self._tried = asyncio.Event()
                if error is None:
                    return
            logger.error("The renewed login could not be stored and is lost.")
        finally:
            self._late = None
            self._on_late_end()

    async def _save_again(self, rotation: Rotation) -> Exception | None:
        """Return why it did not work this time either, None where it did."""
        try:
            await self._save(rotation)
        except Exception as exc:  # noqa: BLE001 - as at the first try
            if not isinstance(exc, StoreError):
                log_defect(logger, exc)
            self._keeper.look()  # which stood still meanwhile
            return exc
        await self._record_done(rotation)
        return None

    async def _sleep_unless_hurried(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        if not self._ending:
            self._hurry.clear()

    async def _record_done(self, rotation: Rotation) -> None:
        renewal = rotation.renewal
        doubted = renewal.login.refresh_token.fingerprint() if renewal.is_doubted else None
        record = replace(rotation.sent, outcome=DONE, doubted=doubted)
        await keep_record(rotation.place.record_place, record)
