"""The store that `cli_auth_credentials_store` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.memory import MemoryStore
from codex_auth_lsp.stores.unavailable import UnavailableStore

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore


def select_store(mode: str, home: CodexHome) -> CredentialStore:
    """Return the store for one of the modes `file`, `keyring`, `auto` and `ephemeral`."""
    if mode == "file":
        return FileStore(home)
    if mode == "ephemeral":
        return MemoryStore()
    return UnavailableStore(
        mode,
        f'`cli_auth_credentials_store = "{mode}"` asks for the system\'s keyring, which this '
        'version of codex-auth-lsp does not use yet; set it to "file" to sign in here.',
    )
