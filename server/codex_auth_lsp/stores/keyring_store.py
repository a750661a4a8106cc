"""The `keyring` store mode: the login rests in the system's keyring, and nowhere else.

As the Codex CLI does, a save removes `auth.json`, under the same two locks. Nothing ever steps
down to a file: what cannot be kept in the keyring is an error that says so.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential, is_same_login
from codex_auth_lsp.stores.base import unreadable
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.keyring_mode import KeyringMode

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.stores.base import Merge, Snapshot
    from codex_auth_lsp.stores.document import Document
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry

logger = logging.getLogger(__name__)


class KeyringStore(KeyringMode):
    """The `keyring` store mode."""

    keyring_required = True

    def __init__(self, home: CodexHome, entry: KeyringEntry) -> None:
        super().__init__(home, entry, FileStore(home))

    def read(self) -> Snapshot:
        """Return what the last `sync` found, and say so where a login in a file lies unused."""
        snapshot = self._noting_read_only(self._entry.read())
        if snapshot.report.health != "ok" or not self._file.exists():
            return snapshot
        detail = (
            f"{self._file.path} is not used while logins are kept in the keyring; "
            "signing in or out removes it."
        )
        return replace(snapshot, report=replace(snapshot.report, detail=detail))

    def pinned(self) -> KeyringStore:
        """Return itself: there is one entry."""
        return self

    def check_writable(self) -> None:
        """Unlock the keyring, and find out whether locks can be made."""
        self._entry.ensure_writable()
        self._file.check_locks()
        self._entry.unlock()

    def reserve(self) -> None:
        """Find out whether the entry can be saved without asking anybody: there is no more."""
        self._entry.ensure_writable()
        self._home.ensure()
        self._file.pass_locks()
        if (error := self._entry.load().error) is not None:
            raise error

    def release(self) -> None:
        """Do nothing: a keyring keeps no room."""

    def update(
        self,
        merge: Merge,
        *,
        over_unreadable: bool = False,
        at_last: bool = False,  # noqa: ARG002 - there is one place
    ) -> Document | None:
        """Replace the entry by what `merge` makes of it, and remove `auth.json`."""
        self._entry.ensure_writable()
        self._home.ensure()
        if over_unreadable:  # a login: a renewal asks nobody, and is tried again later
            self._entry.unlock()  # before the locks: nobody waits while a person is asked
        with self._file.exclusive():
            stored = self._entry.load()
            if stored.error is not None:
                raise stored.error
            # A login takes the place of whatever is there, so that it can be revoked.
            found = stored.snapshot if over_unreadable else stored.in_force
            trouble = unreadable(found.report)
            if trouble is not None and not over_unreadable:
                raise trouble
            document = merge(found.document)
            if document is not None:
                self._entry.save(document, stored)
                remove_leftover(self._file, None if over_unreadable else document.credential)
        return document


def remove_leftover(file: FileStore, renewed: Credential | None) -> None:
    """Delete `auth.json` after a save to the keyring, which is done whatever becomes of this.

    Args:
        file: Where it is.
        renewed: What was saved, if no person signed in: then anything else stays as it is.
    """
    if renewed is not None and not _is_same(file.read().credential, renewed):
        return
    try:
        file.delete_leftover()
    except OSError as exc:
        logger.warning("%s is still there: %s", file.path, exc.strerror)


def _is_same(found: Credential | None, renewed: Credential) -> bool:
    if isinstance(renewed, ChatGptCredential):
        return is_same_login(found, renewed)
    return found == renewed
