"""A logout where logins rest in one place: other places may still hold one from before.

Somebody who changed `cli_auth_credentials_store` left a login behind, which would come back with
the old value. Looking there is quick and asks nobody, and is no reason to fail: many machines have
no keyring. One that is locked is told only where it is known to hold an entry.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import StoreError, StoreLocked
from codex_auth_lsp.stores.base import Remaining, Removed, join
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.memory import MemoryStore

if TYPE_CHECKING:
    from codex_auth_lsp.stores.base import CredentialStore
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry
    from codex_auth_lsp.stores.select import Stores

logger = logging.getLogger(__name__)


def remove_everywhere(
    store: CredentialStore, stores: Stores, *, secret_auth_storage: bool | None = None
) -> Removed | None:
    """Remove the login from the configured store, and what rests in the places beside it.

    Args:
        store: The configured one; `keyring` and `auto` look at keyring and file by themselves.
        stores: All that there are.
        secret_auth_storage: What `[features]` says of Codex's encrypted store.

    Raises:
        StoreError: Nothing could be removed, and something may still be there.
    """
    if not isinstance(store, FileStore | MemoryStore):
        return join([store.remove(), stores.memory.remove()])
    found: list[Removed | None] = []
    error: StoreError | None = None
    file = store if isinstance(store, FileStore) else FileStore(stores.home)
    try:
        if file is store or file.exists():
            found.append(file.remove())
    except StoreError as exc:
        error = exc
    found += [stores.memory.remove(), _remove_from_keyring(file, stores.entry(secret_auth_storage))]
    if error is not None:
        if not any(one.stores for one in found if one is not None):
            raise error
        found.append(Removed(None, (), remaining=(Remaining("file", error.kind),)))
    return join(found)


def _remove_from_keyring(file: FileStore, entry: KeyringEntry) -> Removed | None:
    if entry.problem() is not None:
        return None
    stored = entry.load()
    if isinstance(stored.error, StoreLocked) and entry.is_there():
        return _left_behind(entry, stored.error)
    if stored.kept is None:
        return None  # the usual case takes no lock
    try:
        with file.exclusive():
            credential = entry.load().snapshot.credential
            removed = entry.delete()
    except StoreError as exc:
        return _left_behind(entry, exc)
    return Removed(credential, ("keyring",)) if removed else None


def _left_behind(entry: KeyringEntry, error: StoreError) -> Removed:
    logger.warning("A login may still be in the keyring: %s", error.message)
    if isinstance(error, StoreLocked):
        entry.end_later()
    return Removed(None, (), remaining=(Remaining("keyring", error.kind),))
