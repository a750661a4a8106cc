"""The stores of one process, and the one that `cli_auth_credentials_store` asks for.

There is one memory and one keyring entry, whatever modes come and go: what is in the one nobody
else has, and of the other is known what a logout or a login had to leave undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.memory import MemoryStore

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry
    from codex_auth_lsp.stores.leftover import Leftover


class Stores:
    """The places where one home's login may rest."""

    def __init__(self, home: CodexHome) -> None:
        self.home = home
        self.memory = MemoryStore()
        self._entry: KeyringEntry | None = None
        self._leftover: Leftover | None = None

    def choose(self, mode: str, *, secret_auth_storage: bool | None = None) -> CredentialStore:
        """Return the store for one of the modes `file`, `keyring`, `auto` and `ephemeral`.

        Args:
            mode: What `cli_auth_credentials_store` says.
            secret_auth_storage: What `[features]` says of Codex's encrypted store.
        """
        if mode == "file":
            return FileStore(self.home)
        if mode == "ephemeral":
            return self.memory
        # Imported here: most windows never need them.
        from codex_auth_lsp.stores.auto_store import AutoStore
        from codex_auth_lsp.stores.keyring_store import KeyringStore

        entry = self.entry(secret_auth_storage)
        entry.doubt()
        return KeyringStore(self.home, entry) if mode == "keyring" else AutoStore(self.home, entry)

    def entry(self, secret_auth_storage: bool | None) -> KeyringEntry:
        """Return the entry in the keyring."""
        from codex_auth_lsp.stores.keyring_entry import KeyringEntry
        from codex_auth_lsp.stores.system import system_vault

        if self._entry is None:
            self._entry = KeyringEntry(self.home, system_vault(self.home.path))
        self._entry.secret_auth_storage = secret_auth_storage
        return self._entry

    @property
    def leftover(self) -> Leftover | None:
        """What a logout had to leave in the keyring, None where it left nothing."""
        if self._entry is None or self._entry.ended is None:
            return None
        if self._leftover is None:
            from codex_auth_lsp.stores.leftover import Leftover

            self._leftover = Leftover(self.home, self._entry, FileStore(self.home))
        return self._leftover

    def close(self) -> None:
        """Let no call wait for a person any longer: the process ends."""
        if self._entry is not None:
            self._entry.close()
