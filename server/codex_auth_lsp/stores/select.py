"""The store that `cli_auth_credentials_store` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.memory import MemoryStore

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore


def select_store(
    mode: str, home: CodexHome, *, secret_auth_storage: bool | None = None
) -> CredentialStore:
    """Return the store for one of the modes `file`, `keyring`, `auto` and `ephemeral`.

    Args:
        mode: What `cli_auth_credentials_store` says.
        home: Where the file is, and whose keyring entry it is.
        secret_auth_storage: What `[features]` says of Codex's encrypted store.
    """
    if mode == "file":
        return FileStore(home)
    if mode == "ephemeral":
        return MemoryStore()
    # Imported here: most windows never need them.
    from codex_auth_lsp.stores.auto_store import AutoStore
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry
    from codex_auth_lsp.stores.keyring_store import KeyringStore
    from codex_auth_lsp.stores.system import system_vault

    entry = KeyringEntry(home, system_vault(home.path), secret_auth_storage=secret_auth_storage)
    return KeyringStore(home, entry) if mode == "keyring" else AutoStore(home, entry)
