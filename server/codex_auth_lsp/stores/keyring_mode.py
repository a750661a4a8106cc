"""What the store modes `keyring` and `auto` have in common: one entry in the keyring, one file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.clearing import clear
from codex_auth_lsp.stores.keyring_watch import KeyringWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import Snapshot, StoreWatch
    from codex_auth_lsp.stores.file import FileStore
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry


class KeyringMode:
    """A store mode that uses the keyring."""

    reads_at_once = False

    keyring_required: ClassVar[bool]
    """Whether a logout fails where there is no keyring."""

    def __init__(self, home: CodexHome, entry: KeyringEntry, file: FileStore) -> None:
        self._home = home
        self._entry = entry
        self._file = file

    async def sync(self) -> None:
        """Look at the keyring."""
        await self._entry.sync()

    def watch(self, on_change: Callable[[], None]) -> StoreWatch:
        """Return what tells of changes to the keyring."""
        return KeyringWatch(self._entry, on_change)

    def close(self) -> None:
        """Wait for no person any longer."""
        self._entry.close()

    def remove(self, *, may_prompt: bool = True) -> Removed | None:
        """Remove the file, the entry and its duplicates."""
        problem = self._home.problem()
        if problem is not None:
            raise problem
        return clear(
            self._file,
            self._entry,
            keyring_required=self.keyring_required,
            may_prompt=may_prompt,
        )

    def _noting_read_only(self, snapshot: Snapshot) -> Snapshot:
        """Say of a healthy store that no lock can be made, without which nothing is written."""
        detail = self._file.read_only_folder() if snapshot.report.health == "ok" else None
        if detail is None:
            return snapshot
        return replace(snapshot, report=replace(snapshot.report, health="readOnly", detail=detail))

    @property
    def is_unsettled(self) -> bool:
        """Whether a login is in the keyring that somebody has signed out of."""
        return self._entry.has_leftover

    def settle(self) -> Removed | None:
        """Delete that login."""
        with self._file.exclusive():
            stored = self._entry.load()
            if stored.error is not None:
                raise stored.error
            if not stored.is_leftover:
                return None
            self._entry.delete()
        return Removed(stored.snapshot.credential, ("keyring",))
