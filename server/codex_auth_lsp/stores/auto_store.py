"""The `auto` store mode: the keyring where it can be had, else the file, and the report says which.

Invariant: of a login in the keyring and one in the file the newer one is in force, and the next
save leaves one alone. Where nothing tells which is newer it is the keyring's, as for the Codex CLI,
which always takes that. So that the CLI takes the newer one too, a login that had to go to the file
is moved over an older one when the keyring opens (`settle`). A locked keyring that is known to hold
the newer login is waited for; one of which nothing is known gives way to a login in the file.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential, is_same_login
from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.errors import Remediation, StoreError
from codex_auth_lsp.stores.age import age_of
from codex_auth_lsp.stores.base import Removed, unreadable
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.keyring_entry import TOO_LARGE
from codex_auth_lsp.stores.keyring_mode import KeyringMode
from codex_auth_lsp.stores.keyring_store import remove_leftover

if TYPE_CHECKING:
    from pathlib import Path

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
        file = self._file.read()
        is_newer = self._is_newer(file, keyring)
        if keyring.document is not None and is_newer:
            return _in_mode_auto(file, "The keyring still holds an older login.")
        is_known = keyring.age is not None and keyring.report.health != "corrupt"
        if keyring.document is not None or (file.document and is_known and not is_newer):
            unused = f"The login in {self._file.path} is not used: the keyring has one."
            return _in_mode_auto(keyring, unused if self._file.exists() else None)
        file_is_empty = file.version == "" and file.report.health in {"ok", "readOnly"}
        if file_is_empty and keyring.report.backend != "none":
            return _in_mode_auto(keyring)
        return self._noting_fallback(keyring, file)

    def _is_newer(self, file: Snapshot, keyring: Snapshot) -> bool:
        """Say whether the file's login is newer than the one that the keyring is known to hold."""
        if file.document is None or keyring.age is None:
            return False
        age = age_of(file.credential, _written_at(self._file.path))
        if file.version != self._entry.newest_in_file:
            return age.is_newer_than(keyring.age)
        # This process knows, unless another program has written to the keyring since; a write that
        # was given up, and came through in the end, was there before.
        return not keyring.age.is_after(age) or self._entry.may_be_late(keyring.version)

    def _noting_fallback(self, keyring: Snapshot, file: Snapshot) -> Snapshot:
        """Say why the file is used; a person hears of it where a login had to go there."""
        cause = keyring.report.health
        if keyring.report.detail is not None:
            reason = keyring.report.detail
        elif file.document is None or self._entry.holds(file.document):
            text = (
                f"The keyring holds no login, so {self._file.path} is used, unencrypted; the next "
                "sign-in goes to the keyring."
            )
            return _in_mode_auto(file, text)
        else:
            reason, cause = TOO_LARGE, "tooLarge"
        text = f"{reason} Logins are kept in {self._file.path}, unencrypted."
        snapshot = _in_mode_auto(file, text)
        if file.document is None:
            return snapshot
        notice = Notice("plaintextFallback", cause, "warning", text, _FALLBACK_ADVICE)
        notices = (notice, *snapshot.report.notices)
        return replace(snapshot, report=replace(snapshot.report, notices=notices))

    def pinned(self) -> AutoStore:
        """Return the store of the entry and the real file, and remember where the login is."""
        is_in_file = self.read().source.kind == "file"
        return AutoStore(self._home, self._entry, self._file.pinned(), is_in_file=is_in_file)

    def check_writable(self) -> None:
        """Find out whether the file could be written, and unlock the keyring if that can be had."""
        self._entry.ensure_writable()
        self._file.check_writable()
        try:
            self._entry.unlock()
        except StoreError as exc:
            logger.info("The login will be kept in a file: %s", exc.message)

    def reserve(self) -> None:
        """Take the room for a login in the file, which is what the keyring may not take."""
        self._entry.ensure_writable()
        self._file.reserve()

    def release(self) -> None:
        """Give back what was not used of the room."""
        self._file.release()

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
        self._entry.newest_in_file = self._file.read().version
        if stored.kept is not None:
            self._forget()

    def _forget(self) -> None:
        """Delete an older login from the keyring, where it would win over the file's."""
        try:
            self._entry.delete()
        except StoreError as exc:
            logger.warning("An older login may still be in the keyring: %s", exc.message)

    @property
    def is_unsettled(self) -> bool:
        """Whether the keyring holds a login that is not in force, as far as this process knows."""
        return super().is_unsettled or self._is_behind(self._entry.read())

    def settle(self) -> Removed | None:
        """Delete such a login, or put the newer one of the file in its place."""
        removed = super().settle()
        with self._file.exclusive():
            stored = self._entry.load()
            newer = self._file.read().document
            if newer is None or not self._is_behind(stored.in_force):
                return removed
            self._save(newer, stored, newer.credential)
        older = stored.snapshot.credential
        is_same = isinstance(older, ChatGptCredential) and is_same_login(newer.credential, older)
        return removed if is_same else Removed(older, ("keyring",))

    def _is_behind(self, keyring: Snapshot) -> bool:
        """Say whether the keyring holds an older login than a file which this process wrote."""
        if keyring.document is None or self._entry.newest_in_file is None:
            return False
        file = self._file.read()
        return file.version == self._entry.newest_in_file and self._is_newer(file, keyring)


def _written_at(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def _in_mode_auto(snapshot: Snapshot, detail: str | None = None) -> Snapshot:
    told = " ".join(filter(None, (detail, snapshot.report.detail))) or None
    report = replace(snapshot.report, mode="auto", detail=told)
    return replace(snapshot, report=report)
