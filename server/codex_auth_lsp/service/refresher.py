"""Renewing a ChatGPT login (RFC 6749 section 6): one request for all windows that want it.

In the process a task, among our processes a lock: enter, read again, record, one request, compare
again, write, leave. Beside Codex CLI processes, which take no lock before they send, the decisions
of `refresh_rules` recover. A failed refresh never changes the store; what the disk refuses to take
is kept in memory and written as soon as it takes it, and until then nobody else gets a turn.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import (
    AuthError,
    IssuerError,
    IssuerResponseInvalid,
    LockTimedOut,
    NeedsReauth,
    NetworkUnreachable,
    RateLimited,
    RefreshTokenExpired,
    RefreshTokenRevoked,
    StoreError,
    StoreWriteFailed,
)
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.service.issuer_talk import renew
from codex_auth_lsp.service.refresh_record import (
    DONE,
    FAILED,
    RETRIED,
    SENT,
    RecordPlace,
    RefreshRecord,
    read_record,
    write_record,
)
from codex_auth_lsp.service.refresh_rules import (
    Refusal,
    Success,
    Turn,
    judge_refusal,
    judge_success,
    judge_turn,
)
from codex_auth_lsp.stores.base import unreadable
from codex_auth_lsp.stores.document import Document, refreshed_document
from codex_auth_lsp.stores.file import write_error
from codex_auth_lsp.stores.lock import Turnstile
from codex_auth_lsp.stores.lock_holder import who_keeps

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.endpoints import EndpointOverrides
    from codex_auth_lsp.oauth.token import RenewedTokens
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper
    from codex_auth_lsp.stores.base import CredentialStore

DEFAULT_VALIDITY_SECONDS = 300

OPAQUE_TOKEN_AGE = timedelta(days=8)
"""After how long a token that does not say when it ends is renewed, as by the Codex CLI."""

FINISH_SECONDS = 30.0
"""How long the process stays for a token request under way, whose answer must not be lost."""

TURN_SECONDS = 30.0
"""How long to wait for another window that renews the login: as long as a request may take."""

OWN_DISTANCE = timedelta(seconds=30)
"""Between two requests for one login that nobody asked for, whoever of our processes makes them."""

HURRY_SECONDS = 5.0
"""How long a request waits for what could not be written before."""

_DEFECT = "The renewed login could not be stored; the log has the details."

_SHARE = 0.9  # of a token's lifetime that can be asked for
_LONGEST_WAIT = 3600.0
_LOOK_SECONDS = 0.05  # between two looks at whether the other window is done
_WINNER_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)  # a Codex CLI writes within milliseconds
_SAVE_DELAYS = (0.5, 1.0, 2.0, 5.0, 10.0)  # and then again and again at the last

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Place:
    """Where a login was read from: there its rotation goes, whatever is configured meanwhile."""

    store: CredentialStore
    record_place: RecordPlace


@dataclass(frozen=True)
class _Rotation:
    """Tokens that the issuer has given for spent ones."""

    place: _Place
    spent: ChatGptCredential
    renewed: ChatGptCredential
    sent: RefreshRecord


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
        self._revoker = revoker
        self._overrides = overrides
        self._on_issuer_time = on_issuer_time
        self._turnstile = Turnstile(lambda: cache.refresh_lock_path)
        self._running: asyncio.Task[None] | None = None
        self._asked = False  # whether somebody waits for the running one who asked for it
        self._saving: asyncio.Task[None] | None = None
        self._ending = False
        self._hurry, self._tried = asyncio.Event(), asyncio.Event()
        self._not_before: tuple[datetime, IssuerError] | None = None

    async def __call__(
        self,
        *,
        force_since: datetime | None = None,
        min_validity_seconds: float = DEFAULT_VALIDITY_SECONDS,
    ) -> dict[str, Any]:
        """Return the status of a login that is valid for long enough; a static key always is.

        Args:
            force_since: Renew even a valid one, unless it was renewed after this moment.
            min_validity_seconds: How long is long enough.

        Raises:
            NotSignedIn, NeedsReauth: There is nothing to renew, or not any more.
            IssuerError, StoreError: It did not work this time, or the issuer has asked to wait.
        """
        if self._saving is not None:
            await self._hurry_saving()
        await self._cache.sync()
        self._keeper.look()
        credential = self._keeper.stored_credential()
        if isinstance(credential, ChatGptCredential) and (
            self._is_older(credential, force_since)
            or self._is_needed(credential, min_validity_seconds)
        ):
            foreign = self._keeper.foreign(credential)
            if foreign is not None:
                raise foreign
            if self._keeper.unsaved_error is not None:
                raise self._keeper.unsaved_error.with_traceback(None)
            self._obey_retry_after(credential)
            await self._join(credential, _reason(credential, forced=force_since is not None))
            self._keeper.stored_credential()  # raises where somebody signed out meanwhile
        return self._keeper.wire()

    async def of_own_accord(self, credential: ChatGptCredential) -> None:
        """Renew without being asked, unless one of our processes just tried.

        Raises:
            AuthError: It did not work this time.
        """
        self._obey_retry_after(credential)
        if self._is_far_enough(credential):
            await self._join(credential, _reason(credential, forced=False), unasked=True)

    def broke_off(self, credential: ChatGptCredential) -> bool | None:
        """Say whether a renewal of this login broke off; None while one is under way."""
        record = read_record(self._cache.refresh_record_place)
        if record is None or not record.wants_retry(credential.refresh_token.fingerprint()):
            return False
        try:
            is_free = self._turnstile.try_enter()
        except OSError:
            return False
        if is_free:
            self._turnstile.leave()
        return True if is_free else None

    async def close(self) -> None:
        """Wait for the answer to a request that is on its way, and until it is stored."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=FINISH_SECONDS)
        if self._saving is not None:
            self._ending = True
            self._hurry.set()
            await asyncio.wait([self._saving], timeout=FINISH_SECONDS)

    def _is_far_enough(self, credential: ChatGptCredential) -> bool:
        """Say whether the last request of our processes is long enough ago for an unasked one."""
        record = read_record(self._cache.refresh_record_place)
        return (
            record is None
            or record.wants_retry(credential.refresh_token.fingerprint())
            or abs(self._clock.now() - record.sent_at) >= OWN_DISTANCE
        )

    def _is_older(self, credential: ChatGptCredential, moment: datetime | None) -> bool:
        if moment is None:
            return False
        refreshed_at = self._refreshed_at(credential)
        return refreshed_at is None or refreshed_at < moment

    def _is_needed(self, credential: ChatGptCredential, min_validity_seconds: float) -> bool:
        now = self._clock.now()
        if credential.expires_at is not None:
            lifetime = credential.lifetime
            if lifetime is not None:
                # No token can be valid for longer; asking again and again would only spend them.
                min_validity_seconds = min(min_validity_seconds, _SHARE * lifetime.total_seconds())
            wanted = timedelta(seconds=min_validity_seconds)
            if credential.expires_at - now >= wanted:
                return False
            # By a clock that is ahead, each new token has ended already, and another one would.
            made_at = self._refreshed_at(credential)
            is_hopeless = made_at is not None and credential.expires_at - made_at < wanted
            return not is_hopeless or self._is_far_enough(credential)
        refreshed_at = self._refreshed_at(credential)
        return refreshed_at is None or now - refreshed_at >= OPAQUE_TOKEN_AGE

    def _refreshed_at(self, credential: ChatGptCredential) -> datetime | None:
        """Return `last_refresh`, unless a clock that went wrong has put it into the future."""
        moment = credential.last_refresh
        return moment if moment is not None and moment <= self._clock.now() else None

    def _obey_retry_after(self, credential: ChatGptCredential) -> None:
        if self._not_before is not None:
            moment, error = self._not_before
            if seconds := self._seconds_until(moment):
                raise type(error)(error.message, retry_after_seconds=seconds)
        record = read_record(self._cache.refresh_record_place)
        fingerprint = credential.refresh_token.fingerprint()
        if record is None or record.not_before is None or record.fingerprint != fingerprint:
            return
        if seconds := self._seconds_until(record.not_before):
            raise RateLimited(
                "The issuer has asked to wait before the login is renewed.",
                retry_after_seconds=seconds,
            )

    def _seconds_until(self, moment: datetime) -> int:
        """Return whole seconds, 0 where it is past; a clock that jumped makes no wait of years."""
        seconds = (moment - self._clock.now()).total_seconds()
        return int(seconds) + 1 if 0 < seconds <= _LONGEST_WAIT else 0

    async def _join(self, seen: ChatGptCredential, reason: str, *, unasked: bool = False) -> None:
        if self._running is None or self._running.done():
            self._asked = False
            self._running = asyncio.ensure_future(self._refresh(seen, reason))
            # Nobody may be left to hear how it ends.
            self._running.add_done_callback(lambda task: task.cancelled() or task.exception())
        self._asked = self._asked or not unasked
        await asyncio.shield(self._running)

    async def _refresh(self, seen: ChatGptCredential, reason: str) -> None:
        if not await self._enter(seen):
            return  # another window has renewed it, or somebody signed out
        try:
            await self._cache.sync()
            self._keeper.look()
            place = _Place(self._cache.store.pinned(), self._cache.refresh_record_place)
            # While this one waited for its turn, another window may have tried in vain.
            is_wanted = self._asked or self._is_far_enough(seen)
            if is_wanted and judge_turn(seen, self._stored()) is Turn.SPEND:
                try:
                    await self._spend(place, seen, reason)
                finally:
                    place.store.release()
        finally:
            if self._saving is None:
                self._turnstile.leave()

    async def _enter(self, seen: ChatGptCredential) -> bool:
        """Wait for our turn; return False as soon as there is nothing left to do in it."""
        deadline = self._clock.monotonic() + TURN_SECONDS
        try:
            while not self._turnstile.try_enter():
                await self._cache.sync()
                self._keeper.look()
                if judge_turn(seen, self._stored()) is not Turn.SPEND:
                    return False
                if self._clock.monotonic() >= deadline:
                    keeper = who_keeps(self._cache.refresh_lock_path, otherwise="Another window")
                    raise LockTimedOut(f"{keeper} keeps renewing the login; try again soon.")
                await self._clock.sleep(_LOOK_SECONDS)
        except OSError as exc:
            path = self._cache.refresh_lock_path or self._cache.home.path
            raise write_error(exc, path) from exc
        return True

    async def _spend(self, place: _Place, seen: ChatGptCredential, reason: str) -> None:
        fingerprint = seen.refresh_token.fingerprint()
        before = read_record(place.record_place)
        try:
            if before is not None and before.fingerprint == fingerprint and before.refusal:
                raise before.refusal  # one of our windows was told so
            await asyncio.to_thread(place.store.reserve)
            retried = before is not None and before.is_interrupted(fingerprint)
            sent = RefreshRecord(fingerprint, self._clock.now(), RETRIED if retried else SENT)
            await self._record(place, sent)
            renewed = await self._request(seen, reason)
        except NeedsReauth as error:
            await self._take_refusal(place, seen, error, before)
        except AuthError as error:
            # A lost answer may have been a rotation: then the record goes on to say "sent".
            if not isinstance(error, NetworkUnreachable | IssuerResponseInvalid | StoreError):
                wait = self._take_retry_after(error)
                await self._record(place, replace(sent, outcome=FAILED, not_before=wait))
            self._take_failure(seen, error)
        else:
            self._not_before = None
            await self._commit(_Rotation(place, seen, renewed, sent))

    async def _request(self, spent: ChatGptCredential, reason: str) -> ChatGptCredential:
        if not spent.refresh_token:
            raise NeedsReauth("This sign-in cannot be renewed; sign in again.")
        from codex_auth_lsp.oauth.token import (  # they are not needed before this
            answered_at,
            judge_refresh,
        )

        reply, spent = await renew(spent, reason, self._clock, self._overrides.refresh)
        self._on_issuer_time(answered_at(reply))
        return self._renewed(spent, judge_refresh(reply))

    def _renewed(self, spent: ChatGptCredential, tokens: RenewedTokens) -> ChatGptCredential:
        renewed = replace(
            spent,
            id_token=tokens.id_token or spent.id_token,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token or spent.refresh_token,
            last_refresh=self._clock.now(),
        )
        # OpenID Connect Core section 12.2: a refresh never changes who is signed in.
        before = account_from_claims(spent.id_claims, spent.account_id).id
        subjects = {claims.get("sub") for claims in (spent.id_claims, renewed.id_claims)} - {None}
        if account_from_claims(renewed.id_claims, before).id != before or len(subjects) > 1:
            raise IssuerResponseInvalid("The issuer answered with the login of another account.")
        return renewed

    async def _take_refusal(
        self,
        place: _Place,
        spent: ChatGptCredential,
        error: NeedsReauth,
        before: RefreshRecord | None,
    ) -> None:
        """Say that the login is dead, unless another program turns out to have renewed it.

        The refusal is true of the token whatever the store says, so it is recorded also where
        nobody can read that: no window sends the token again.
        """
        hopeless = isinstance(error, RefreshTokenExpired | RefreshTokenRevoked)
        trouble: StoreError | None = None
        for delay in (0.0,) if hopeless else _WINNER_DELAYS:
            await self._cache.sync()
            self._keeper.look()
            await place.store.sync()
            found = place.store.read()
            trouble = unreadable(found.report)
            if trouble is None and judge_refusal(spent, found.credential) is not Refusal.DEAD:
                return
            await self._clock.sleep(delay)
        fingerprint = spent.refresh_token.fingerprint()
        if before is not None and before.is_interrupted(fingerprint):
            error = type(error)(
                f"A renewal of this sign-in was interrupted at {before.sent_at:%H:%M} UTC, and the "
                "issuer does not accept it any more; sign in again.",
                oauth_error=error.oauth_error,
            )
        with self._keeper.own_change():
            await self._record(place, RefreshRecord(fingerprint, self._clock.now(), error.kind))
        if trouble is not None:
            raise trouble
        self._take_failure(spent, error)

    def _take_retry_after(self, error: AuthError) -> datetime | None:
        """Remember how long the issuer has asked to wait, and return until when."""
        if not isinstance(error, IssuerError) or error.retry_after_seconds is None:
            return None
        moment = self._clock.now() + timedelta(seconds=error.retry_after_seconds)
        self._not_before = (moment, error)
        return moment

    def _take_failure(self, spent: ChatGptCredential, error: AuthError) -> None:
        """Remember a failure, tell of it, and raise it."""
        self._keeper.refresh_failed(spent, error)
        self._keeper.look("refresh")
        raise error

    async def _commit(self, rotation: _Rotation) -> None:
        try:
            await self._save(rotation)
        except StoreError as error:
            self._hold(rotation, error)
        except Exception as exc:  # noqa: BLE001 - whatever it is, these are the only tokens
            defect = StoreWriteFailed(_DEFECT)
            defect.correlation_id = log_defect(logger, exc)
            self._hold(rotation, defect)
        else:
            await self._record_done(rotation)

    def _hold(self, rotation: _Rotation, error: StoreError) -> None:
        """Keep what could not be written, and go on trying."""
        self._saving = asyncio.ensure_future(self._save_later(rotation))
        self._keeper.hold_unsaved(rotation.spent, rotation.renewed, error)
        self._keeper.look("refresh")

    async def _save(self, rotation: _Rotation) -> None:
        decision = Success.WRITE

        def merge(old: Document | None) -> Document | None:
            nonlocal decision
            decision = judge_success(rotation.spent, old.credential if old else None)
            if old is None or decision is not Success.WRITE:
                return None
            return refreshed_document(old, rotation.renewed)

        with self._keeper.own_change():
            await asyncio.to_thread(rotation.place.store.update, merge)
        self._keeper.refresh_worked()
        self._keeper.look("refresh" if decision is Success.WRITE else None)
        if decision is Success.REVOKE:
            self._revoker.revoke_later(rotation.renewed)

    async def _save_later(self, rotation: _Rotation) -> None:
        """Write what could not be written, when the disk takes it; nobody else has a turn before.

        At the end of the process it tries for a last time.
        """
        delays = chain(_SAVE_DELAYS, repeat(_SAVE_DELAYS[-1]))
        try:
            while not self._ending:
                await self._sleep_unless_hurried(next(delays))
                saved = await self._save_again(rotation)
                self._tried.set()
                self._tried = asyncio.Event()
                if saved:
                    return
            logger.error("The renewed login could not be stored and is lost.")
        finally:
            self._saving = None
            self._turnstile.leave()

    async def _save_again(self, rotation: _Rotation) -> bool:
        try:
            await self._save(rotation)
        except StoreError:
            return False
        except Exception as exc:  # noqa: BLE001 - as at the first try
            log_defect(logger, exc)
            return False
        await self._record_done(rotation)
        return True

    async def _hurry_saving(self) -> None:
        """Somebody wants the login now: let the disk be tried once more at once."""
        self._hurry.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(HURRY_SECONDS):
                await self._tried.wait()

    async def _sleep_unless_hurried(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()
        if not self._ending:
            self._hurry.clear()

    async def _record_done(self, rotation: _Rotation) -> None:
        await self._record(rotation.place, replace(rotation.sent, outcome=DONE))

    async def _record(self, place: _Place, record: RefreshRecord) -> None:
        """Write the record; only before a token is sent does it have to work.

        Raises:
            StoreError: The disk takes nothing, so the token must not be spent.
        """
        try:
            await asyncio.to_thread(write_record, place.record_place, record)
        except StoreError as error:
            if record.outcome in {SENT, RETRIED}:
                raise
            logger.info("The record of the refresh was not written: %s", error.message)

    def _stored(self) -> Any:
        return self._keeper.view.snapshot.credential


def _reason(credential: ChatGptCredential, *, forced: bool) -> str:
    if forced:
        return "forced"
    return "scheduled" if credential.expires_at is None else "proactive_expiry"
