"""What every credential store promises.

Reading never changes anything. Writing either puts the whole new document in place or leaves the
old one as it was, byte for byte. Calls block for as long as a disk takes; `update` and
`remove` also wait for locks, at most `LOCK_SECONDS`; `update` and `check_writable` wait, where
logins rest in a keyring, for the person's answer to its question, at most `vault.PROMPT_SECONDS`.
So they belong in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from codex_auth_lsp.errors import StoreCorrupt, StoreLocked, StoreUnavailable
from codex_auth_lsp.stores.document import Document
from codex_auth_lsp.values import field, frozen

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
    from codex_auth_lsp.errors import StoreError
    from codex_auth_lsp.stores.age import Age

LOCK_SECONDS = 5.0
"""How long a write waits for another program's lock: the Codex CLI's own limit."""

MAXIMUM_BYTES = 1024 * 1024
"""What is larger is no login, and is not read to its end."""


@frozen
class Snapshot:
    """The store at one moment.

    `version` differs between two snapshots whose content differs and is equal otherwise;
    `document` is None where nothing is stored or nothing can be read (see `report.health`).
    `known` is false only before the first `sync` of a place that cannot be read at once: nothing
    is said of what is stored, and there is nothing to announce yet.
    `age` is that of a login in a keyring, known also while the keyring cannot be read.
    """

    report: StoreReport
    source: CredentialSource
    version: str
    document: Document | None = None
    known: bool = True
    age: Age | None = field(default=None, compare=False)

    @property
    def credential(self) -> Credential | None:
        """The stored credential, None where there is none to use."""
        return self.document.credential if self.document else None


Merge = Callable[[Document | None], Document | None]
"""Given the document that is stored now, return the one to store, or None to change nothing."""


@frozen
class Remaining:
    """A place (`file`, `keyring`) that a logout could not clear, and the error's kind."""

    store: str
    kind: str


@frozen
class Removed:
    """What a logout took away, and what it could not reach.

    `credential` is the login that was in use, None where nobody could read it; `others` are
    logins that rested unused beside it. `stores` are the places that were cleared.
    """

    credential: Credential | None
    stores: tuple[str, ...]
    others: tuple[Credential, ...] = ()
    remaining: tuple[Remaining, ...] = ()


def join(removals: list[Removed | None]) -> Removed | None:
    """Return several removals as one; None where there was nothing to remove anywhere."""
    found = [one for one in removals if one is not None]
    if not found:
        return None
    logins = [login for one in found for login in (one.credential, *one.others) if login]
    return Removed(
        logins[0] if logins else None,
        tuple(dict.fromkeys(name for one in found for name in one.stores)),
        tuple(login for login in logins[1:] if login != logins[0]),
        tuple(place for one in found for place in one.remaining),
    )


class StoreWatch(Protocol):
    """Notices that a store may hold something else now; they mean "look again"."""

    def start(self) -> None:
        """Begin to watch, on the running event loop."""
        ...

    async def stop(self) -> None:
        """End the watch."""
        ...


READABLE = frozenset({"ok", "readOnly", "corrupt"})
"""The `health` of a place whose content can be looked at."""


def unreadable(report: StoreReport) -> StoreError | None:
    """Return the error of a store whose content nobody can read, None where it can be read."""
    if report.health == "corrupt":
        return StoreCorrupt(report.detail)
    if report.health == "locked":
        return StoreLocked(report.detail)
    return StoreUnavailable(report.detail) if report.health == "unavailable" else None


class CredentialStore(Protocol):
    """One place where logins are kept.

    `reads_at_once` says whether `read` needs no `sync` before it to be up to date.
    """

    reads_at_once: bool

    def read(self) -> Snapshot:
        """Return what is stored, at once; troubles are told in the report, never raised.

        Of a place that cannot be read at once it is what the last `sync` found.
        """
        ...

    async def sync(self) -> None:
        """Look at a place that cannot be read at once; bounded by 3 s, never asks the person."""
        ...

    def pinned(self) -> CredentialStore:
        """Return the place where the login that was last read is, wherever links lead later."""
        ...

    def watch(self, on_change: Callable[[], None]) -> StoreWatch | None:
        """Return what tells of changes beside the watch on CODEX_HOME, None where that does."""
        ...

    def check_writable(self) -> None:
        """Find out, without a trace, whether a login could be stored now.

        The person may be asked to unlock a keyring.

        Raises:
            StoreUnavailable, StoreLocked, StoreReadOnly, StoreWriteFailed: It could not.
        """
        ...

    def reserve(self) -> None:
        """Make as sure as can be that the next `update` finds room, and ask nobody for anything.

        What is taken is kept until that `update`, or `release`.

        Raises:
            StoreUnavailable, StoreLocked, StoreReadOnly, StoreWriteFailed: It could not be stored.
        """
        ...

    def release(self) -> None:
        """Give back what `reserve` took and no `update` used; safe to call at any time."""
        ...

    def update(
        self, merge: Merge, *, over_unreadable: bool = False, at_last: bool = False
    ) -> Document | None:
        """Store what `merge` makes of the current document, which nobody can change meanwhile.

        Args:
            merge: Gets None where nothing is stored.
            over_unreadable: Take what is there and cannot be read for nothing, and ask the person
                to unlock a keyring, as a login does.
            at_last: Take another place that the mode allows, where the one in which the login was
                cannot be had: nobody will try again.

        Returns:
            The document that was stored, None where `merge` wanted no change.

        Raises:
            StoreCorrupt, StoreUnavailable, StoreLocked, StoreReadOnly, StoreWriteFailed,
            LockTimedOut: Nothing was changed.
        """
        ...

    def remove(self) -> Removed | None:
        """Remove the stored login, whatever it is, from every place where it may rest.

        Nobody is asked for anything.

        Returns:
            What was removed and what could not be, None where there was nothing.

        Raises:
            StoreUnavailable, StoreLocked, StoreReadOnly, StoreWriteFailed, LockTimedOut: Nothing
                could be removed, and it may still be there.
        """
        ...

    @property
    def is_unsettled(self) -> bool:
        """Whether the last look found that `settle` has something to do."""
        ...

    def settle(self) -> Removed | None:
        """Make good what earlier calls had to leave undone in a keyring; asks nobody.

        Returns:
            What was removed, None where nothing was.

        Raises:
            StoreError: It is still to be done.
        """
        ...
