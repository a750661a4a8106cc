"""What the store modes `keyring` and `auto` have in common: one entry in the keyring, one file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.stores.clearing import clear
from codex_auth_lsp.stores.leftover import Leftover

if TYPE_CHECKING:
    from codex_auth_lsp.stores.base import Removed, Snapshot


class KeyringMode(Leftover):
    """A store mode that uses the keyring."""

    keyring_required: ClassVar[bool]
    """Whether a logout fails where there is no keyring."""

    def remove(self) -> Removed | None:
        """Remove the file, the entry and its duplicates."""
        problem = self._home.problem()
        if problem is not None:
            raise problem
        return clear(self._file, self._entry, keyring_required=self.keyring_required)

    def _noting_read_only(self, snapshot: Snapshot) -> Snapshot:
        """Say of a healthy store that no lock can be made, without which nothing is written."""
        detail = self._file.read_only_folder() if snapshot.report.health == "ok" else None
        if detail is None:
            return snapshot
        return replace(snapshot, report=replace(snapshot.report, health="readOnly", detail=detail))
