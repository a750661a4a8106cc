"""What could not be done in a keyring that was locked or silent, and is made good when it is open.

A logout leaves a login behind there. It goes later only if it is certainly the one that was to go:
nobody may lose a login that was made since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.stores.age import Age

if TYPE_CHECKING:
    from codex_auth_lsp.stores.base import Snapshot


@dataclass(frozen=True)
class Ended:
    """A login that a logout could not reach.

    `at` is when, in POSIX seconds; `seen` are the versions of what was known to be there, `late`
    those of writes that nobody waits for any more and that may land yet.
    """

    at: float
    seen: frozenset[str]
    late: frozenset[str]

    def covers(self, found: Snapshot, now: float) -> bool:
        """Say whether what was found is certainly what was to go, at a moment in POSIX seconds."""
        if found.version in self.late:
            return True
        if now < self.at:  # the clock was set back, and times tell nothing
            return found.version in self.seen
        age = found.age or Age()
        if age.written_at is not None and age.written_at > self.at:
            return False
        return found.version in self.seen or age.is_before(self.at)
