"""The login's entry in a vault: known without waiting, looked at within a deadline, written safely.

What `read` returns is what the last look found. A vault that is locked or does not answer is
`locked`, one that is not there or refuses is `unavailable`, and what it holds counts as unchanged
until it can be seen again. A write is read back; one that failed is taken back where that works.
What a logout could not delete counts as gone, see `unfinished` and `ended_record`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_auth_lsp.clock import Clock, SystemClock
from codex_auth_lsp.errors import (
    Remediation,
    StoreError,
    StoreLocked,
    StoreUnavailable,
    StoreWriteFailed,
)
from codex_auth_lsp.stores.base import READABLE, Snapshot
from codex_auth_lsp.stores.ended_record import EndedRecord
from codex_auth_lsp.stores.fallback import Fallbacks
from codex_auth_lsp.stores.hanging import Hanging
from codex_auth_lsp.stores.keyring_calls import KeyringCalls
from codex_auth_lsp.stores.keyring_snapshot import (
    entry_snapshot,
    hidden,
    judged,
    value_of,
    version_of,
)
from codex_auth_lsp.stores.secret_auth_storage import secret_auth_storage_problem
from codex_auth_lsp.stores.unfinished import Ended, owner_of
from codex_auth_lsp.stores.vault import READ_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.document import Document
    from codex_auth_lsp.stores.fallback import Fallback
    from codex_auth_lsp.stores.vault import Kept, Vault

TOO_LARGE = "The login is too large for the system's keyring."
_TOO_LARGE_ADVICE = (
    Remediation('Set cli_auth_credentials_store = "auto" in config.toml'),
    Remediation('Set cli_auth_credentials_store = "file" in config.toml'),
)
_NOT_LOOKED_YET = "The keyring has not been looked at yet."
_SILENT = "The keyring does not answer."

logger = logging.getLogger(__name__)


def _not_looked_yet() -> Snapshot:
    return replace(entry_snapshot("locked", detail=_NOT_LOOKED_YET), known=False)


@dataclass(frozen=True)
class Stored:
    """What stands in the entry, or why that cannot be seen.

    `in_force` is what it counts as: nothing where a logout was to delete it.
    """

    snapshot: Snapshot
    in_force: Snapshot
    kept: Kept | None = None
    error: StoreError | None = None

    @property
    def is_leftover(self) -> bool:
        """Whether a logout was to delete it."""
        return self.in_force is not self.snapshot


class KeyringEntry:
    """One CODEX_HOME's entry in a vault.

    Args:
        home: Whose login it is.
        vault: Where it rests.
        secret_auth_storage: What `[features]` of config.toml says of Codex's encrypted store.
        clock: The source of time.
    """

    def __init__(
        self,
        home: CodexHome,
        vault: Vault,
        *,
        secret_auth_storage: bool | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._home = home
        self.secret_auth_storage = secret_auth_storage
        self._clock = clock or SystemClock()
        self._calls = KeyringCalls(vault, self._clock, self._on_return)
        self._changing = threading.Lock()
        self._changes = 0
        self._looking = asyncio.Lock()
        self._asked = 0
        self._answered = 0
        self._snapshot = _not_looked_yet()
        self._owner: str | None = None
        self._ended = EndedRecord(home.path)
        self._late: frozenset[str] = frozenset()
        self.saves = 0
        """How many logins this process has stored here."""
        self.fallbacks = Fallbacks(self._clock)
        """What the keyring did not take."""
        self.on_change: Callable[[], None] | None = None
        """Called from any thread when a call came back that nobody waits for any more."""

    def read(self) -> Snapshot:
        """Return what the last look found."""
        problem = self._home.problem()
        if problem is not None:
            return entry_snapshot("unavailable", detail=problem.message)
        return self._in_force(self._snapshot)

    @property
    def ended(self) -> Ended | None:
        """What a logout was to delete."""
        return self._ended.ended

    @property
    def has_leftover(self) -> bool:
        """Whether the last look found what a logout was to delete."""
        snapshot = self._snapshot
        return self._in_force(snapshot) is not snapshot

    def note_fallback(self, file_version: str, renewed: Fallback | None = None) -> None:
        """Remember that a file was written since the keyring did not take the login.

        Args:
            file_version: Its version.
            renewed: The one before, of which this is a renewal.
        """
        with self._changing:
            self.fallbacks.note(self._snapshot, file_version, renewed)

    def was_ended(self, found: Snapshot, ended: Ended) -> bool:
        """Say whether a logout was about this, after the person has answered its question."""
        return ended.covers(found, self._clock.now().timestamp(), in_doubt=True)

    def is_there(self) -> bool:
        """Say whether it is known that there is an entry, also in a locked vault."""
        try:
            return bool(self._snapshot.version) or self._calls.is_there()
        except StoreError:
            return False

    def doubt(self) -> None:
        """Say nothing of what is there before the next look: nobody has looked for a while."""
        with self._changing:
            last = self._snapshot
            self._snapshot = replace(_not_looked_yet(), version=last.version, age=last.age)
            self._changes += 1

    async def sync(self) -> None:
        """Look at the vault, for 3 s at most and without asking anybody.

        One look answers everybody who asked before it began.
        """
        self._asked += 1
        mine, changes = self._asked, self._changes
        try:
            async with asyncio.timeout(READ_SECONDS), self._looking:
                while self._answered < mine:
                    asked, changes = self._asked, self._changes
                    found = await self._look()
                    if self._remember(found, unless_changed_since=changes):
                        self._answered = asked
        except TimeoutError:
            silent = hidden(StoreLocked(_SILENT), self._snapshot)
            self._remember(silent, unless_changed_since=changes)

    def problem(self) -> str | None:
        """Return why this entry is not the place where Codex keeps the login, None where it is."""
        return secret_auth_storage_problem(self._home.path, self.secret_auth_storage)

    def ensure_writable(self) -> None:
        """Raise StoreUnavailable where a login must not be written beside another one."""
        problem = self.problem()
        if problem is not None:
            raise StoreUnavailable(problem)

    def unlock(self, *, for_writing: bool = True) -> None:
        """Make the vault ready; the person may be asked, so nobody may wait for us meanwhile.

        Args:
            for_writing: Also make what is missing, such as a first keyring.

        Raises:
            StoreLocked, StoreUnavailable, StoreWriteFailed: It is not.
        """
        self._calls.unlock(for_writing=for_writing)

    def close(self) -> None:
        """Wait for no person any longer."""
        self._calls.close()

    def load(self) -> Stored:
        """Return what stands in the entry now, for a holder of the locks."""
        kept: Kept | None = None
        error: StoreError | None = None
        try:
            kept = self._calls.get()
            snapshot = judged(kept, self._snapshot)
        except StoreError as exc:
            error, snapshot = exc, hidden(exc, self._snapshot)
        self._remember(snapshot)
        return Stored(snapshot, self._in_force(snapshot), kept, error)

    def holds(self, document: Document) -> bool:
        """Say whether a login of this size can be kept."""
        return self._calls.fits(value_of(document))

    def save(self, document: Document, before: Stored) -> None:
        """Write the document and read it back, for a holder of the locks.

        Args:
            document: What to write.
            before: What stands there, to be put back where the write fails halfway.

        Raises:
            StoreLocked, StoreUnavailable, StoreWriteFailed: It was not stored.
        """
        value = value_of(document)
        if not self._calls.fits(value):
            raise StoreWriteFailed(TOO_LARGE, remediation=_TOO_LARGE_ADVICE)
        try:
            self._calls.set(value)
            found = self._calls.get()
            if found is None or found.value != value:
                raise StoreWriteFailed("The keyring did not keep the login that was written to it.")
        except StoreError as exc:
            if isinstance(exc.__cause__, Hanging):  # of a silent keyring nothing is known
                self._late |= {version_of(value)}
                self._remember(hidden(exc, self._snapshot))
            else:
                self._take_back(before.kept)
            raise
        self.saves += 1
        self._settle(judged(found, self._snapshot))

    def delete(self, *, may_prompt: bool = False) -> bool:
        """Delete the entry with its duplicates; return whether there was any.

        Raises:
            StoreLocked, StoreUnavailable, StoreWriteFailed: It is still there, or may be.
        """
        removed = self._calls.delete(may_prompt=may_prompt)
        if removed and self._calls.get() is not None:
            raise StoreWriteFailed("The keyring did not delete the login.")
        self._settle(judged(None, self._snapshot))
        return removed

    def end_later(self) -> None:
        """Let what could not be deleted count as gone, as soon as it is seen that it is that."""
        with self._changing:
            last, before = self._snapshot, self.ended
            seen = before.seen if before else frozenset()
            owners = before.owners if before else frozenset()
            if last.version:
                seen |= {(last.version, last.age.written_at if last.age else None)}
                owners |= {self._owner} if self._owner else set()
            self._ended.write(Ended(self._clock.now().timestamp(), seen, owners, self._late))
            self._snapshot = replace(self._snapshot, version="", age=None)
            self._changes += 1

    async def _look(self) -> Snapshot:
        problem = self.problem()
        if problem is not None:
            return hidden(StoreUnavailable(problem), self._snapshot)
        try:
            return judged(await self._calls.look(), self._snapshot)
        except StoreError as exc:
            return hidden(exc, self._snapshot)

    def _in_force(self, snapshot: Snapshot) -> Snapshot:
        """Return what a snapshot counts as: an empty entry where a logout was to delete it."""
        if not snapshot.version or snapshot.report.health not in READABLE:
            return snapshot
        ended, now = self.ended, self._clock.now().timestamp()
        if ended is None or not ended.covers(snapshot, now):
            return snapshot
        return entry_snapshot("ok")

    def _take_back(self, old: Kept | None) -> None:
        """Put back what stood there, unless it still does."""
        try:
            found = self._calls.get()
            if (found and found.value) == (old and old.value):
                return
            if old is None:
                self._calls.delete()
            elif old.value is not None:
                self._calls.set(old.value)
        except StoreError as exc:
            logger.warning("The keyring's entry may not be what it was: %s", exc.message)

    def _settle(self, snapshot: Snapshot) -> None:
        """Take what was just written, after which nothing earlier counts any more."""
        self._ended.done()
        self._late = frozenset()
        self.fallbacks.end()
        self._remember(snapshot)

    def _remember(self, snapshot: Snapshot, *, unless_changed_since: int | None = None) -> bool:
        """Take a snapshot for the current one, unless a later one was taken meanwhile."""
        with self._changing:
            if unless_changed_since not in {None, self._changes}:
                return False
            self._changes += 1
            self._snapshot = snapshot
            self.fallbacks.look(snapshot, self._late)
            if snapshot.report.health in READABLE:
                self._owner = owner_of(snapshot.credential)
                if self._in_force(snapshot) is snapshot:
                    self._ended.forget()  # somebody else has deleted or replaced it
            return True

    def _on_return(self) -> None:
        if self.on_change is not None:
            self.on_change()
