"""How old a stored login is, by its own word or else by when it was written.

A login of tokens says when it was made or last renewed; an API key says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.credential import Credential

_RESOLUTION_SECONDS = 1.0  # of the times that a keyring keeps, which have no fractions


@dataclass(frozen=True)
class Age:
    """When a login was last renewed, and when it was written, in POSIX seconds; None if unknown."""

    last_refresh: datetime | None = None
    written_at: float | None = None

    def is_newer_than(self, kept: Age) -> bool:
        """Say whether this one, of a file, is certainly newer than one that a keyring keeps."""
        if self.last_refresh and kept.last_refresh and self.last_refresh != kept.last_refresh:
            return self.last_refresh > kept.last_refresh
        if self.written_at is None or kept.written_at is None:
            return False
        return self.written_at >= kept.written_at + _RESOLUTION_SECONDS

    def is_after(self, age: Age) -> bool:
        """Say whether this one, of a keyring, was certainly written after one of a file."""
        if self.written_at is None or age.written_at is None:
            return False
        return self.written_at > age.written_at

    def is_before(self, moment: float) -> bool:
        """Say whether this one, of a keyring, is certainly from before a moment."""
        if self.written_at is not None:
            return self.written_at + _RESOLUTION_SECONDS <= moment
        return self.last_refresh is not None and self.last_refresh.timestamp() < moment


def age_of(credential: Credential | None, written_at: float | None) -> Age:
    """Return the age of a login."""
    if isinstance(credential, ChatGptCredential):
        return Age(credential.last_refresh, written_at)
    return Age(None, written_at)
