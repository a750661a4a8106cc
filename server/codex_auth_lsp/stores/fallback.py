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

    from codex_auth_lsp.stores.base import Snapshot


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
