"""What a logout had to leave in a keyring, and what becomes of it.

It is deleted when the keyring opens, whatever store mode is configured meanwhile. Nothing goes but
what the logout was about: nobody may lose a login that was made since.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.errors import StoreLocked
from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.keyring_watch import KeyringWatch
from codex_auth_lsp.stores.vault import VaultLocked

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import StoreWatch
    from codex_auth_lsp.stores.file import FileStore
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry


class Leftover:
    """The entry of one home, as far as a logout is concerned; `file` has the locks."""

    reads_at_once = False

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

    def remove_ended(self) -> Removed | None:
        """Ask the person to unlock the keyring, and delete what `remove` could not reach.

        Raises:
            StoreError: It is still there; it goes when the keyring opens.
        """
        ended, saves = self._entry.ended, self._entry.saves
        self._entry.unlock(for_writing=False)
        with self._file.exclusive():
            stored = self._entry.load()
            if stored.error is not None:
                raise stored.error
            is_ended = ended is not None and self._entry.was_ended(stored.snapshot, ended)
            if self._entry.saves != saves or not is_ended:
                return None  # somebody signed in while the person was asked
            is_deleted = self._delete_unasked()
        if not is_deleted:
            self._entry.delete(may_prompt=True)
        return Removed(stored.snapshot.credential, ("keyring",))

    def _delete_unasked(self) -> bool:
        """Delete the entry; return False where the keyring is open and wants to ask first."""
        try:
            self._entry.delete()
        except StoreLocked as exc:
            if not isinstance(exc.__cause__, VaultLocked):
                raise
            return False
        return True
