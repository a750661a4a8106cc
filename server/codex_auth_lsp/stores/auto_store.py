"""The `auto` store mode: the keyring where it can be had, else the file, and the report says which.

Reading and writing go in the Codex CLI's order: the keyring's login before the file's; a save to
the keyring removes the file. Beyond the CLI, what the keyring cannot take never leaves an older
login in it that would win, a locked keyring with no login in the file is not taken for signed out,
and a logout clears the file also where there is no keyring.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.errors import Remediation, StoreError
from codex_auth_lsp.stores.base import unreadable
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.keyring_entry import TOO_LARGE
from codex_auth_lsp.stores.keyring_mode import KeyringMode
from codex_auth_lsp.stores.keyring_store import remove_leftover

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.stores.base import Merge, Snapshot
    from codex_auth_lsp.stores.document import Document
    from codex_auth_lsp.stores.keyring_entry import KeyringEntry, Stored

_FALLBACK_ADVICE = (
    Remediation('Set cli_auth_credentials_store = "file" in config.toml to keep it there'),
    Remediation('Set cli_auth_credentials_store = "keyring" in config.toml to refuse that'),
)

logger = logging.getLogger(__name__)


class AutoStore(KeyringMode):
    """The `auto` store mode."""

    keyring_required = False

    def __init__(
        self,
        home: CodexHome,
        entry: KeyringEntry,
        file: FileStore | None = None,
        *,
        is_in_file: bool = False,
    ) -> None:
        super().__init__(home, entry, file or FileStore(home))
        self._is_in_file = is_in_file  # the login that is written over, as far as that is known

    def read(self) -> Snapshot:
        """Return the login of the keyring, as the last `sync` found it, else the file's."""
        return self._choose(self._entry.read())

    def _choose(self, keyring: Snapshot) -> Snapshot:
        if not keyring.known or self._entry.problem() is not None:
            return _in_mode_auto(keyring)
        if keyring.document is not None:
            unused = f"The login in {self._file.path} is not used: the keyring has one."
            return _in_mode_auto(keyring, unused if self._file.exists() else None)
        file = self._file.read()
        file_is_empty = file.version == "" and file.report.health in {"ok", "readOnly"}
        if file_is_empty and keyring.report.backend != "none":
            return _in_mode_auto(keyring)
        return self._noting_fallback(keyring, file)

    def _noting_fallback(self, keyring: Snapshot, file: Snapshot) -> Snapshot:
        """Say why the file is used; a person hears of it where a login had to go there."""
        cause: str | None = keyring.report.health
        if keyring.report.detail is not None:
            reason = keyring.report.detail
        elif file.document is None or self._entry.holds(file.document):
            reason, cause = "The keyring holds no login.", None
        else:
            reason, cause = TOO_LARGE, "tooLarge"
        text = f"{reason} Logins are kept in {self._file.path}, unencrypted."
        snapshot = _in_mode_auto(file, text)
        if cause is None or file.document is None:
            return snapshot
        notice = Notice("plaintextFallback", cause, "warning", text, _FALLBACK_ADVICE)
        notices = (notice, *snapshot.report.notices)
        return replace(snapshot, report=replace(snapshot.report, notices=notices))

    def pinned(self) -> AutoStore:
        """Return the store of the entry and the real file, and remember where the login is."""
        is_in_file = self.read().source.kind == "file"
        return AutoStore(self._home, self._entry, self._file.pinned(), is_in_file=is_in_file)

    def check_writable(self, *, may_prompt: bool = True) -> None:
        """Find out whether the file could be written; unlock the keyring if that may be asked."""
        self._entry.ensure_writable()
        self._file.check_writable()
        if may_prompt:
            try:
                self._entry.unlock()
            except StoreError as exc:
                logger.info("The login will be kept in a file: %s", exc.message)

    def update(self, merge: Merge, *, over_unreadable: bool = False) -> Document | None:
        """Replace what is stored by what `merge` makes of it; nobody is asked for anything."""
        self._entry.ensure_writable()
        self._home.ensure()
        with self._file.exclusive():
            stored = self._entry.load()
            # A login takes the place of whatever is there, so that it can be revoked.
            chosen = self._choose(stored.snapshot if over_unreadable else stored.in_force)
            trouble = unreadable(chosen.report)
            if chosen.document is None and not self._is_in_file:
                # What is not in the file may be in there.
                trouble = stored.error or unreadable(stored.in_force.report) or trouble
            if trouble is not None and not over_unreadable:
                raise trouble
            document = merge(chosen.document)
            if document is not None:
                self._save(document, stored, None if over_unreadable else document.credential)
        return document

    def _save(self, document: Document, stored: Stored, renewed: Credential | None) -> None:
        error = stored.error
        if error is None:
            try:
                self._entry.save(document, stored)
            except StoreError as exc:
                error = exc
            else:
                remove_leftover(self._file, renewed)
                return
        logger.info("The login goes to a file: %s", error.message)
        self._file.replace(document)
        if stored.kept is not None:
            self._forget()

    def _forget(self) -> None:
        """Delete an older login from the keyring, where it would win over the file's."""
        try:
            self._entry.delete()
        except StoreError as exc:
            logger.warning("An older login may still be in the keyring: %s", exc.message)


def _in_mode_auto(snapshot: Snapshot, detail: str | None = None) -> Snapshot:
    told = " ".join(filter(None, (detail, snapshot.report.detail))) or None
    report = replace(snapshot.report, mode="auto", detail=told)
    return replace(snapshot, report=report)
