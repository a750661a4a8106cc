"""What every credential store promises.

Reading never changes anything. Writing either puts the whole new document in place or leaves the
old one as it was, byte for byte. Calls block for as long as a disk takes; `update` and `remove`
also wait for locks, at most `LOCK_SECONDS`, so they belong in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from codex_auth_lsp.errors import StoreCorrupt, StoreUnavailable
from codex_auth_lsp.stores.document import Document

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
    from codex_auth_lsp.errors import StoreError

LOCK_SECONDS = 5.0
"""How long a write waits for another program's lock: the Codex CLI's own limit."""


@dataclass(frozen=True)
class Snapshot:
    """The store at one moment.

    `version` differs between two snapshots whose content differs and is equal otherwise;
    `document` is None where nothing is stored or nothing can be read (see `report.health`).
    """

    report: StoreReport
    source: CredentialSource
    version: str
    document: Document | None = None

    @property
    def credential(self) -> Credential | None:
        """The stored credential, None where there is none to use."""
        return self.document.credential if self.document else None


Merge = Callable[[Document | None], Document | None]
"""Given the document that is stored now, return the one to store, or None to change nothing."""


@dataclass(frozen=True)
class Removed:
    """What a logout took away; `credential` is None where nobody could read it."""

    credential: Credential | None


def unreadable(report: StoreReport) -> StoreError | None:
    """Return the error of a store whose content nobody can read, None where it can be read."""
    if report.health == "corrupt":
        return StoreCorrupt(report.detail)
    return StoreUnavailable(report.detail) if report.health == "unavailable" else None


class CredentialStore(Protocol):
    """One place where logins are kept."""

    def read(self) -> Snapshot:
        """Return what is stored; troubles are told in the snapshot's report, never raised."""
        ...

    def check_writable(self) -> None:
        """Find out, without a trace, whether a login could be stored now.

        Raises:
            StoreUnavailable, StoreReadOnly, StoreWriteFailed: It could not.
        """
        ...

    def update(self, merge: Merge, *, over_unreadable: bool = False) -> Document | None:
        """Store what `merge` makes of the current document, which nobody can change meanwhile.

        Args:
            merge: Gets None where nothing is stored.
            over_unreadable: Take what is there and cannot be read for nothing, as a login does.

        Returns:
            The document that was stored, None where `merge` wanted no change.

        Raises:
            StoreCorrupt, StoreUnavailable, StoreReadOnly, StoreWriteFailed, LockTimedOut: Nothing
                was changed.
        """
        ...

    def remove(self) -> Removed | None:
        """Remove the stored login, whatever it is.

        Returns:
            What was removed, None where there was nothing.

        Raises:
            StoreUnavailable, StoreReadOnly, StoreWriteFailed, LockTimedOut: It is still there.
        """
        ...
