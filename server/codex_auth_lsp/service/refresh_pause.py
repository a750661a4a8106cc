"""The time that an issuer has asked to wait (`Retry-After`, RFC 9110 section 10.2.3).

It binds every window, by the record, until it is over or the login is another one. The window that
was told also remembers with which error.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import IssuerError, RateLimited

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.errors import AuthError
    from codex_auth_lsp.service.refresh_record import RefreshRecord

_LONGEST_SECONDS = 3600.0


class RefreshPause:
    """Remembers until when nobody may ask about which token."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: tuple[str, datetime, IssuerError] | None = None

    def take(self, fingerprint: str, error: AuthError) -> datetime | None:
        """Remember how long the issuer has asked to wait, and return until when."""
        if not isinstance(error, IssuerError) or error.retry_after_seconds is None:
            return None
        moment = self._clock.now() + timedelta(seconds=error.retry_after_seconds)
        self._told = (fingerprint, moment, error)
        return moment

    def obey(self, fingerprint: str, record: RefreshRecord | None) -> None:
        """Raise while the time is not over.

        Raises:
            IssuerError: With the seconds that are left.
        """
        if self._told is not None and self._told[0] == fingerprint:
            _, moment, error = self._told
            if seconds := self._seconds_until(moment):
                raise type(error)(error.message, retry_after_seconds=seconds)
        if record is None or record.not_before is None or record.fingerprint != fingerprint:
            return
        if seconds := self._seconds_until(record.not_before):
            raise RateLimited(
                "The issuer has asked to wait before the login is renewed; try again later.",
                retry_after_seconds=seconds,
            )

    def _seconds_until(self, moment: datetime) -> int:
        """Return whole seconds, 0 where it is past; a clock that jumped makes no wait of years."""
        seconds = (moment - self._clock.now()).total_seconds()
        return int(seconds) + 1 if 0 < seconds <= _LONGEST_SECONDS else 0
