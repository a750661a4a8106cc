"""What our processes tell one another of the last refresh: one small file beside the login.

Of a login that only one process has, it stays in that process.

It names no token, only its fingerprint. Written before a token is sent, so that a crash between
the request and the rename is known as such; kept afterwards, so that a refusal is asked for once
for all windows, and so that refreshes of our own accord keep their distance.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from codex_auth_lsp.domain.timestamps import format_rfc3339, parse_rfc3339
from codex_auth_lsp.errors import (
    NeedsReauth,
    RefreshTokenExpired,
    RefreshTokenReused,
    RefreshTokenRevoked,
    StoreError,
)
from codex_auth_lsp.stores.disk import read_regular_file
from codex_auth_lsp.stores.file import write_error
from codex_auth_lsp.stores.replacement import replace_durably
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from datetime import datetime, timedelta

SENT = "sent"
RETRIED = "retried"
DONE = "done"
FAILED = "failed"

_REFUSALS: dict[str, type[NeedsReauth]] = {
    error.kind: error
    for error in (NeedsReauth, RefreshTokenExpired, RefreshTokenReused, RefreshTokenRevoked)
}
_MAXIMUM_BYTES = 4096

logger = logging.getLogger(__name__)


@frozen
class RefreshRecord:
    """One refresh.

    `outcome` is `sent` while nobody knows, `retried` while nobody knows and there was a retry at
    once or an answer that said nothing (any more keep their distance), `done`, `failed` (it may
    work later), or the kind of a permanent refusal. `fingerprint` is that of the refresh token
    that was sent; `not_before` is how long the issuer has asked to wait. `uptime` is when it was
    sent by a clock that never jumps, in seconds since this computer was started. `doubted` is the
    fingerprint of a refresh token that came with somebody else's login, and may be theirs.
    """

    fingerprint: str
    sent_at: datetime
    outcome: str
    not_before: datetime | None = None
    uptime: float | None = None
    doubted: str | None = None

    @property
    def refusal(self) -> type[NeedsReauth] | None:
        """The permanent refusal, None where there was none."""
        return _REFUSALS.get(self.outcome)

    def is_interrupted(self, fingerprint: str) -> bool:
        """Say whether this token was sent by somebody who never learned, or stored, the answer."""
        return self.outcome in {SENT, RETRIED} and self.fingerprint == fingerprint

    def wants_retry(self, fingerprint: str) -> bool:
        """Say whether it should be sent once more at once: some issuers answer again for a time."""
        return self.outcome == SENT and self.fingerprint == fingerprint

    def seconds_within(self, distance: timedelta, now: datetime, uptime: float) -> float:
        """Return for how many seconds more it was sent less than `distance` ago, by either clock.

        A wall clock that was set would otherwise permit one more at each jump.
        """
        ages = [abs(now - self.sent_at).total_seconds()]
        if self.uptime is not None and self.uptime <= uptime:  # above: of another start
            ages.append(uptime - self.uptime)
        return max(0.0, distance.total_seconds() - min(ages))


class RecordInMemory:
    """The place of the record of a login that no other process has."""

    def __init__(self) -> None:
        self.record: RefreshRecord | None = None


RecordPlace: TypeAlias = Path | RecordInMemory


def read_record(place: RecordPlace) -> RefreshRecord | None:
    """Return the last record, None where there is none that can be read."""
    return place.record if isinstance(place, RecordInMemory) else parse_record(read_raw(place))


def read_raw(path: Path) -> bytes:
    """Return the content of a record's file, nothing where it cannot be read."""
    try:
        return read_regular_file(path, _MAXIMUM_BYTES)
    except OSError:
        return b""


def parse_record(raw: bytes) -> RefreshRecord | None:
    """Return the record that a file holds, None where it holds none."""
    try:
        values: Any = json.loads(raw)
        not_before, uptime = values.get("notBefore"), values.get("uptime")
        doubted = values.get("doubted")
        return RefreshRecord(
            str(values["fingerprint"]),
            parse_rfc3339(values["sentAt"]),
            str(values["outcome"]),
            parse_rfc3339(not_before) if not_before is not None else None,
            uptime if isinstance(uptime, float) else None,
            doubted if isinstance(doubted, str) else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write_record(place: RecordPlace, record: RefreshRecord) -> None:
    """Replace the record, durably.

    Raises:
        StoreReadOnly, StoreUnavailable, StoreWriteFailed: The old one is as it was.
    """
    if isinstance(place, RecordInMemory):
        place.record = record
        return
    values: dict[str, Any] = {
        "fingerprint": record.fingerprint,
        "sentAt": format_rfc3339(record.sent_at),
        "outcome": record.outcome,
    }
    if record.not_before is not None:
        values["notBefore"] = format_rfc3339(record.not_before)
    if record.uptime is not None:
        values["uptime"] = record.uptime
    if record.doubted is not None:
        values["doubted"] = record.doubted
    try:
        replace_durably(place, json.dumps(values).encode("ascii"), prefix=".refresh-")
    except OSError as exc:
        raise write_error(exc, place) from exc


async def keep_record(place: RecordPlace, record: RefreshRecord) -> None:
    """Write the record; only before a token is sent does it have to work.

    Raises:
        StoreError: The disk takes nothing, so the token must not be spent.
    """
    try:
        await asyncio.to_thread(write_record, place, record)
    except StoreError as error:
        if record.outcome in {SENT, RETRIED}:
            raise
        logger.info("The record of the refresh was not written: %s", error.message)
