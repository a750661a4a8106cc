"""A logout where logins rest in one place: other places may still hold one from before.

Somebody who changed `cli_auth_credentials_store` left a login behind, which would come back with
the old value. Looking there is quick and asks nobody, and is no reason to fail: many machines have
no keyring.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import StoreError
from codex_auth_lsp.stores.base import Remaining, Removed, join
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.memory import MemoryStore

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore

logger = logging.getLogger(__name__)


def remove_everywhere(
    store: CredentialStore,
    memory: MemoryStore,
    home: CodexHome,
    *,
    secret_auth_storage: bool | None = None,
    may_prompt: bool = True,
) -> Removed | None:
    """Remove the login from the configured store, and what rests in the places beside it.

    Args:
        store: The configured one; `keyring` and `auto` look at keyring and file by themselves.
        memory: What this process keeps.
        home: Whose login it is.
        secret_auth_storage: What `[features]` says of Codex's encrypted store.
        may_prompt: Whether the person may be asked to unlock the keyring of the configured store.

    Raises:
        StoreError: Nothing could be removed, and something may still be there.
    """
    error: StoreError | None = None
    removed: Removed | None = None
    try:
        removed = store.remove(may_prompt=may_prompt)
    except StoreError as exc:
        error = exc
    found = [removed, memory.remove()]
    if isinstance(store, FileStore | MemoryStore):
        found.append(_remove_from_keyring(home, secret_auth_storage))
    if error is not None and (not isinstance(store, FileStore) or not any(found)):
        raise error
    remaining = [place for one in found if one is not None for place in one.remaining]
    if error is not None:
        remaining.append(Remaining("file", error.kind))
    return join(found, tuple(remaining))


def _remove_from_keyring(home: CodexHome, secret_auth_storage: bool | None) -> Removed | None:
    # Imported here: most windows never need them.
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry
    from codex_auth_lsp.stores.system import system_vault

    vault = system_vault(home.path)
    entry = KeyringEntry(home, vault, secret_auth_storage=secret_auth_storage)
    if entry.problem() is not None or entry.load().kept is None:
        return None  # the usual case takes no lock
    try:
        with FileStore(home).exclusive():
            credential = entry.load().snapshot.credential
            removed = entry.delete()
    except StoreError as exc:
        logger.warning("A login may still be in the keyring: %s", exc.message)
        return None
    return Removed(credential, ("keyring",)) if removed else None
