"""A login that this process had to write to the file, since the keyring would not take it.

It is in force for as long as nobody else has changed either place. Where the keyring could not be
seen then, what is found first when it can be is taken for what was there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_auth_lsp.stores.base import READABLE

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.stores.base import Snapshot

MOVE_DISTANCE_SECONDS = 30.0
"""Between two tries of a process to move a login from the file into the keyring."""


@dataclass(frozen=True)
class Fallback:
    """The versions of the file and of the entry at that moment.

    `entry` is None while it could not be seen; `was_seen` says whether it could at that moment.
    """

    file: str
    entry: str | None
    was_seen: bool

    @classmethod
    def beside(cls, keyring: Snapshot, file_version: str) -> Fallback:
        """Return one that is made now, beside what is known of the keyring."""
        was_seen = bool(keyring.version) or keyring.report.health in READABLE
        return cls(file_version, keyring.version if was_seen else None, was_seen)

    def after_look(self, keyring: Snapshot, late: AbstractSet[str]) -> Fallback | None:
        """Return what is left of it after a look at the keyring; None where it has ended.

        Args:
            keyring: What was found.
            late: The versions of writes that nobody waited for any more: they were before this.
        """
        if keyring.report.health not in READABLE or keyring.version in late:
            return self
        if self.entry is None:
            return replace(self, entry=keyring.version)
        return self if keyring.version == self.entry else None


class Fallbacks:
    """The last one of a process, and what it tried to move into the keyring."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: Fallback | None = None
        self._moves: set[tuple[str, str]] = set()
        self._last_move: float | None = None

    @property
    def now(self) -> datetime:
        """The time by which logins are compared."""
        return self._clock.now()

    def of(self, file_version: str) -> Fallback | None:
        """Return how this process came to write this file in the keyring's place, if it did."""
        last = self._last
        return last if last is not None and last.file == file_version else None

    def note(self, keyring: Snapshot, file_version: str, renewed: Fallback | None) -> None:
        """Remember a new one, or the renewal of one."""
        self._last = (
            Fallback.beside(keyring, file_version)
            if renewed is None
            else replace(renewed, file=file_version)
        )

    def look(self, keyring: Snapshot, late: AbstractSet[str]) -> None:
        """Take note of what was found in the keyring."""
        if self._last is not None:
            self._last = self._last.after_look(keyring, late)

    def end(self) -> None:
        """Forget the last one: the keyring has taken a login, or holds none any more."""
        self._last = None

    def may_move(self, entry_version: str, file_version: str) -> bool:
        """Say whether a login may be moved: once for these two, and seldom at all."""
        if (entry_version, file_version) in self._moves:
            return False
        last = self._last_move
        return last is None or self._clock.monotonic() - last >= MOVE_DISTANCE_SECONDS

    def begin_move(self, entry_version: str, file_version: str) -> None:
        """Remember that a login is moved now."""
        self._moves.add((entry_version, file_version))
        self._last_move = self._clock.monotonic()
