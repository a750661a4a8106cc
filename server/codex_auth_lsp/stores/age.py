"""How old a stored login is: by its own word when it was renewed, and for a logout when written.

A login of tokens says when it was made or last renewed; an API key says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.credential import Credential

_RESOLUTION_SECONDS = 1.0  # of the times that a keyring keeps, which have no fractions
_CLOCK_DISTANCE = timedelta(minutes=5)  # what is further in the future says nothing


@dataclass(frozen=True)
class Age:
    """When a login was last renewed, and when it was written, in POSIX seconds; None if unknown."""

    last_refresh: datetime | None = None
    written_at: float | None = None

    def is_newer_than(self, other: Age, now: datetime) -> bool | None:
        """Say whether this login was renewed later than another one; None where nobody can say.

        When something was written counts for nothing: a copy that is restored is written now.
        """
        mine, theirs = self.last_refresh, other.last_refresh
        if mine is None or theirs is None or mine == theirs:
            return None
        if max(mine, theirs) > now + _CLOCK_DISTANCE:
            return None
        return mine > theirs

    def is_before(self, moment: float) -> bool:
        """Say whether this one, of a keyring, is certainly from before a moment."""
        if self.written_at is not None:
            return self.written_at + _RESOLUTION_SECONDS <= moment
        return self.last_refresh is not None and self.last_refresh.timestamp() < moment


def age_of(credential: Credential | None, written_at: float | None = None) -> Age:
    """Return the age of a login."""
    if isinstance(credential, ChatGptCredential):
        return Age(credential.last_refresh, written_at)
    return Age(None, written_at)
