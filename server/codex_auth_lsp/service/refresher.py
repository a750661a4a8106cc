"""Renewing a ChatGPT login (RFC 6749 section 6): one request for all windows that want it.

In the process a task, among our processes a lock: enter, read again, record, one request, compare
again, write, leave. Beside Codex CLI processes, which take no lock before they send, the decisions
of `refresh_rules` recover. A refresh that fails leaves the store as it is, but for a new refresh
token that came all the same (`refresh_answer`); what the disk refuses to take is kept by
`rotation`, and until it is written nobody else gets a turn.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import (
    AuthError,
    IssuerResponseInvalid,
    NeedsReauth,
    NetworkUnreachable,
    StoreError,
    StoreReadOnly,
)
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.service.issuer_talk import renew
from codex_auth_lsp.service.refresh_need import (
    DEFAULT_VALIDITY_SECONDS,
    ends_too_soon,
    is_older,
    is_valid,
)
from codex_auth_lsp.service.refresh_pause import RefreshPause
from codex_auth_lsp.service.refresh_record import (
    FAILED,
    RETRIED,
    SENT,
    RefreshRecord,
    keep_record,
    read_record,
)
from codex_auth_lsp.service.refresh_refusal import explained, settle_refusal
from codex_auth_lsp.service.refresh_rules import Refusal, Turn, judge_turn
from codex_auth_lsp.service.refresh_turn import RefreshTurn
from codex_auth_lsp.service.rotation import HURRY_SECONDS, Place, Rotation, RotationWriter
from codex_auth_lsp.service.single_flight import SingleFlight

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.endpoints import EndpointOverrides
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.oauth.http import Reply
    from codex_auth_lsp.secret import Secret
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.refresh_answer import Renewal
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper

FINISH_SECONDS = 30.0
"""How long the process stays for a token request under way, whose answer must not be lost."""

OWN_DISTANCE = timedelta(seconds=30)
"""Between two requests for one login that nobody asked for, whoever of our processes makes them."""

_TRIES = 2  # the second after another window's was in vain

logger = logging.getLogger(__name__)


class Refresher:
    """Keeps the stored ChatGPT login usable."""

    def __init__(
        self,
        cache: LoginCache,
        keeper: StatusKeeper,
        clock: Clock,
        revoker: Revoker,
        overrides: EndpointOverrides,
        on_issuer_time: Callable[[datetime | None], None],
    ) -> None:
        self._cache = cache
        self._keeper = keeper
        self._clock = clock
        self._overrides = overrides
        self._on_issuer_time = on_issuer_time
        self._turn = RefreshTurn(cache, keeper, clock)
        self._flight = SingleFlight(clock)
        self._writer = RotationWriter(keeper, revoker, self._turn.leave)
        self._pause = RefreshPause(clock)
        self._last_sent: RefreshRecord | None = None
        self._ended_on_arrival: Secret | None = None

    async def __call__(
        self,
        *,
        force_since: datetime | None = None,
        min_validity_seconds: float = DEFAULT_VALIDITY_SECONDS,
        patience_seconds: float | None = None,
    ) -> dict[str, Any]:
        """Return the status of a login that is valid for long enough; a static key always is.

        Args:
            force_since: Renew even a valid one, unless it was renewed after this moment.
            min_validity_seconds: How long is long enough.
            patience_seconds: How old a refresh that is under way may become until a token that is
                still valid, if not for long enough, has to do; None to wait for its end.

        Raises:
            NotSignedIn, NeedsReauth: There is nothing to renew, or not any more.
            IssuerError, StoreError: It did not work this time, or the issuer has asked to wait.
        """
        if patience_seconds is None:
            await self._writer.hurry()
        for _ in range(_TRIES):
            await self._look()
            present = self._keeper.login.stored_credential()
            if not self._is_due(present, force_since, min_validity_seconds):
                break
            reason = _reason(present, forced=force_since is not None)
            by_us = await self._renew_for_somebody(present, reason, patience_seconds)
            # Raises where somebody signed out meanwhile.
            found = self._keeper.login.stored_credential()
            if by_us or not _is_left_half(present, found):
                break
        return self._keeper.wire()

    def _is_due(
        self, present: Credential, force_since: datetime | None, min_validity_seconds: float
    ) -> TypeGuard[ChatGptCredential]:
        now = self._clock.now()
        if not isinstance(present, ChatGptCredential):
            return False
        if force_since is not None and is_older(present, force_since, now):
            return True
        # By a clock that is ahead each new token has ended when it comes: one more would, too.
        is_hopeless = present.access_token == self._ended_on_arrival
        return ends_too_soon(present, min_validity_seconds, now) and (
            not is_hopeless or not self._seconds_until_own(present)
        )

    async def _renew_for_somebody(
        self, present: ChatGptCredential, reason: str, patience: float | None
    ) -> bool:
        """Wait for a refresh; return False where it was another window's."""
        foreign = self._keeper.login.foreign(present)
        if foreign is not None:
            raise foreign
        if self._keeper.login.unsaved_error is not None:
            raise self._keeper.login.unsaved_error.with_traceback(None)
        self._obey_pause(present)
        running = self._flight.join(partial(self._refresh, present, reason))
        if patience is not None and is_valid(present, self._clock.now()):
            is_done = await self._flight.is_done_within(patience)
            if not is_done and is_valid(present, self._clock.now()):
                return True
        return await asyncio.shield(running)

    async def of_own_accord(self, credential: ChatGptCredential) -> float:
        """Renew without being asked, unless one of our processes just tried.

        Return the seconds after which it may be tried, 0 where it was.

        Raises:
            AuthError: It did not work this time.
        """
        self._obey_pause(credential)
        seconds = self._seconds_until_own(credential)
        if not seconds:
            work = partial(self._refresh, credential, _reason(credential, forced=False))
            await asyncio.shield(self._flight.join(work, unasked=True))
        return seconds

    def broke_off(self, credential: ChatGptCredential) -> bool | None:
        """Say whether a renewal of this login broke off; None while one is under way."""
        record = read_record(self._cache.refresh_record_place)
        if record is None or not record.wants_retry(credential.refresh_token.fingerprint()):
            return False
        is_free = self._turn.is_free()
        return False if is_free is None else is_free or None

    async def close(self) -> None:
        """Wait for the answer to a request that is on its way, and until it is stored."""
        deadline = self._clock.monotonic() + FINISH_SECONDS
        self._turn.close()
        await self._flight.close(FINISH_SECONDS)
        await self._writer.close(max(deadline - self._clock.monotonic(), HURRY_SECONDS))

    def _seconds_until_own(self, credential: ChatGptCredential) -> float:
        """Return how long the last request of our processes is too recent for an unasked one."""
        record = read_record(self._cache.refresh_record_place)
        if record is not None and record.wants_retry(credential.refresh_token.fingerprint()):
            return 0.0
        now, uptime = self._clock.now(), self._clock.monotonic()
        sent = (one for one in (record, self._last_sent) if one is not None)
        return max((one.seconds_within(OWN_DISTANCE, now, uptime) for one in sent), default=0.0)

    def _obey_pause(self, credential: ChatGptCredential) -> None:
        record = read_record(self._cache.refresh_record_place)
        self._pause.obey(credential.refresh_token.fingerprint(), record)

    async def _refresh(self, seen: ChatGptCredential, reason: str) -> bool:
        """Renew the login unless another window does; return whether this one has asked for it."""
        try:
            is_ours = await self._turn.take(seen)
        except StoreReadOnly as error:
            self._take_failure(seen, error)
        if not is_ours:
            return False  # another window has renewed it, or somebody signed out
        try:
            await self._look()
            place = Place(self._cache.store.pinned(), self._cache.refresh_record_place)
            # While this one waited for its turn, another window may have tried in vain.
            is_wanted = self._flight.is_asked or not self._seconds_until_own(seen)
            if not is_wanted or judge_turn(seen, self._stored()) is not Turn.SPEND:
                return False
            try:
                await self._spend(place, seen, reason)
            finally:
                place.store.release()
            return True
        finally:
            if not self._writer.is_late:
                self._turn.leave()

    async def _spend(self, place: Place, seen: ChatGptCredential, reason: str) -> None:
        # What takes the answer is loaded first: when that comes, no file may be left to be opened.
        from codex_auth_lsp.service import refresh_answer  # noqa: F401

        fingerprint = seen.refresh_token.fingerprint()
        before = read_record(place.record_place)
        sent: RefreshRecord | None = None
        reply: Reply | None = None
        try:
            if before is not None and before.fingerprint == fingerprint and before.refusal:
                raise before.refusal  # one of our windows was told so
            if not seen.refresh_token:
                raise NeedsReauth("This sign-in cannot be renewed; sign in again.")
            await asyncio.to_thread(place.store.reserve)
            outcome = RETRIED if before and before.is_interrupted(fingerprint) else SENT
            is_doubted = before is not None and before.doubted == fingerprint
            doubted = fingerprint if is_doubted else None
            sent = replace(self._record(fingerprint, outcome), doubted=doubted)
            await keep_record(place.record_place, sent)
            self._last_sent = sent
            reply, asked = await renew(seen, reason, self._clock, self._overrides.refresh)
            renewal = self._take(reply, asked, is_doubted=is_doubted)
            if not is_valid(renewal.login, self._clock.now()):
                self._ended_on_arrival = renewal.login.access_token
        except NeedsReauth as error:
            await self._take_refusal(place, seen, error, before)
        except AuthError as error:
            if sent is not None:
                await self._note_failure(place, sent, error, is_answered=reply is not None)
            self._take_failure(seen, error)
        else:
            is_in_force = await self._writer.commit(Rotation(place, seen, renewal, sent))
            if is_in_force and renewal.trouble is not None and not renewal.is_usable:
                raise renewal.trouble

    def _record(self, fingerprint: str, outcome: str) -> RefreshRecord:
        return RefreshRecord(
            fingerprint, self._clock.now(), outcome, uptime=self._clock.monotonic()
        )

    def _take(self, reply: Reply, asked: ChatGptCredential, *, is_doubted: bool) -> Renewal:
        from codex_auth_lsp.service.refresh_answer import take_answer

        try:
            return take_answer(reply, asked, self._clock.now(), is_doubted=is_doubted)
        finally:
            self._tell_issuer_time(reply)

    async def _note_failure(
        self, place: Place, sent: RefreshRecord, error: AuthError, *, is_answered: bool
    ) -> None:
        """Record how it went; where the answer was lost, the record says that nobody knows.

        It may have been a rotation, which an issuer with a grace gives once more, for seconds. An
        answer that came and was of no use is no reason to hurry.
        """
        if not isinstance(error, NetworkUnreachable | IssuerResponseInvalid):
            until = self._pause.take(sent.fingerprint, error)
            noted = replace(sent, outcome=FAILED, not_before=until)
        elif is_answered:
            noted = replace(sent, outcome=RETRIED)
        else:
            return
        with suppress(StoreError):
            await keep_record(place.record_place, noted)

    def _tell_issuer_time(self, reply: Reply) -> None:
        from codex_auth_lsp.oauth.token import answered_at

        try:
            self._on_issuer_time(answered_at(reply))
        except Exception as exc:  # noqa: BLE001 - what came with it has to be stored
            log_defect(logger, exc)

    async def _take_refusal(
        self,
        place: Place,
        spent: ChatGptCredential,
        error: NeedsReauth,
        before: RefreshRecord | None,
    ) -> None:
        """Say that the login is dead, unless another program turns out to have renewed it.

        The refusal is true of the token whatever the store says, so it is recorded also where
        nobody can read that: no window sends the token again.
        """
        trouble: StoreError | None = None
        try:
            meaning = await settle_refusal(place.store, spent, error, self._look, self._clock)
        except StoreError as exc:
            trouble = exc
        else:
            if meaning is not Refusal.DEAD:
                return
        fingerprint = spent.refresh_token.fingerprint()
        with self._keeper.own_change():
            await keep_record(place.record_place, self._record(fingerprint, error.kind))
        if trouble is not None:
            raise trouble
        self._take_failure(spent, explained(error, before, fingerprint))

    async def _look(self) -> None:
        await self._cache.sync()
        self._keeper.look()

    def _take_failure(self, spent: ChatGptCredential, error: AuthError) -> NoReturn:
        """Remember a failure, tell of it, and raise it."""
        self._keeper.login.refresh_failed(spent, error)
        self._keeper.look("refresh")
        raise error

    def _stored(self) -> Any:
        return self._keeper.view.snapshot.credential


def _is_left_half(before: ChatGptCredential, after: Credential) -> bool:
    """Say whether another window got an answer of which only the refresh token was of use."""
    return (
        isinstance(after, ChatGptCredential)
        and after.access_token == before.access_token
        and after.refresh_token != before.refresh_token
    )


def _reason(credential: ChatGptCredential, *, forced: bool) -> str:
    if forced:
        return "forced"
    return "scheduled" if credential.expires_at is None else "proactive_expiry"
