"""What could not be done in a keyring that was locked or silent, and is made good when it is open.

A logout leaves a login behind there. It goes later only if it is certainly the one that was to go:
nobody may lose a login that was made since.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.stores.age import Age

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.stores.base import Snapshot

Seen = tuple[str, float | None]
"""The version of an entry, and when it was written."""


@dataclass(frozen=True)
class Ended:
    """A login that a logout could not reach.

    `at` is when, in POSIX seconds; `seen` and `owners` are what was known to be there, and the
    sign-ins that it came from; `late` are the versions of writes that nobody waits for any more and
    that may land yet.
    """

    at: float
    seen: frozenset[Seen]
    owners: frozenset[str]
    late: frozenset[str]

    def covers(self, found: Snapshot, now: float, *, in_doubt: bool = False) -> bool:
        """Say whether what was found is what was to go.

        Args:
            found: What is in the entry.
            now: A moment in POSIX seconds.
            in_doubt: What to say where nothing was known of the entry, and nothing tells now.
        """
        age = found.age or Age()
        if found.version in self.late or (found.version, age.written_at) in self.seen:
            return True
        if owner_of(found.credential) in self.owners:
            return True  # it was renewed by somebody who did not hear of the logout
        if now < self.at:  # the clock was set back, and times tell nothing
            return False
        if age.written_at is not None and age.written_at > self.at:
            return False
        return age.is_before(self.at) or (in_doubt and not self.seen)


def owner_of(credential: Credential | None) -> str | None:
    """Return which sign-in a login comes from, renewed or not; None where it does not say."""
    return credential.login_owner_id if isinstance(credential, ChatGptCredential) else None
