"""What our processes tell one another of the last refresh: one small file beside the login.

Of a login that only one process has, it stays in that process.

It names no token, only its fingerprint. Written before a token is sent, so that a crash between
the request and the rename is known as such; kept afterwards, so that a refusal is asked for once
for all windows, and so that refreshes of our own accord keep their distance.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from codex_auth_lsp.domain.timestamps import format_rfc3339, parse_rfc3339
from codex_auth_lsp.errors import (
    NeedsReauth,
    RefreshTokenExpired,
    RefreshTokenReused,
    RefreshTokenRevoked,
)
from codex_auth_lsp.stores.disk import read_regular_file
from codex_auth_lsp.stores.file import write_error
from codex_auth_lsp.stores.replacement import replace_durably

if TYPE_CHECKING:
    from datetime import datetime

SENT = "sent"
RETRIED = "retried"
DONE = "done"
FAILED = "failed"

_REFUSALS: dict[str, type[NeedsReauth]] = {
    error.kind: error
    for error in (NeedsReauth, RefreshTokenExpired, RefreshTokenReused, RefreshTokenRevoked)
}
_MAXIMUM_BYTES = 4096


@dataclass(frozen=True, slots=True)
class RefreshRecord:
    """One refresh.

    `outcome` is `sent` while nobody knows, `retried` while nobody knows how the retries after that
    went (the first comes at once, the others keep their distance), `done`, `failed` (it may work
    later), or the kind of a permanent refusal. `fingerprint` is that of the refresh token that was
    sent; `not_before` is how long the issuer has asked to wait.
    """

    fingerprint: str
    sent_at: datetime
    outcome: str
    not_before: datetime | None = None

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


@dataclass(slots=True)
class RecordInMemory:
    """The place of the record of a login that no other process has."""

    record: RefreshRecord | None = None


RecordPlace: TypeAlias = Path | RecordInMemory


def read_record(place: RecordPlace) -> RefreshRecord | None:
    """Return the last record, None where there is none that can be read."""
    if isinstance(place, RecordInMemory):
        return place.record
    try:
        values: Any = json.loads(read_regular_file(place, _MAXIMUM_BYTES))
        not_before = values.get("notBefore")
        return RefreshRecord(
            str(values["fingerprint"]),
            parse_rfc3339(values["sentAt"]),
            str(values["outcome"]),
            parse_rfc3339(not_before) if not_before is not None else None,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def write_record(place: RecordPlace, record: RefreshRecord) -> None:
    """Replace the record, durably.

    Raises:
        StoreReadOnly, StoreUnavailable, StoreWriteFailed: The old one is as it was.
    """
    if isinstance(place, RecordInMemory):
        place.record = record
        return
    values = {
        "fingerprint": record.fingerprint,
        "sentAt": format_rfc3339(record.sent_at),
        "outcome": record.outcome,
    }
    if record.not_before is not None:
        values["notBefore"] = format_rfc3339(record.not_before)
    try:
        replace_durably(place, json.dumps(values).encode("ascii"), prefix=".refresh-")
    except OSError as exc:
        raise write_error(exc, place) from exc
