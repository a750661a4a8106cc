"""The `auto` store mode: the keyring where it can be had, else the file, and the report says which.

Of a login in the keyring and one in the file, in force is the file's that this process wrote since
the keyring would not take it (`fallback`); else the one with the later `last_refresh`; else the
keyring's, as for the Codex CLI, which always takes that. So that the CLI takes the same, the file's
is moved into the opened keyring (`settle`), once. A locked keyring that is known to hold the login
in force is waited for; one of which nothing is known gives way to a login in the file.
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
        origin: Snapshot | None = None,
    ) -> None:
        super().__init__(home, entry, file or FileStore(home))
        self._origin = origin  # the login that is written over, as far as that is known

    def read(self) -> Snapshot:
        """Return the login of the keyring, as the last `sync` found it, else the file's."""
        return self._noting_read_only(self._choose(self._entry.read()))

    def _choose(self, keyring: Snapshot) -> Snapshot:
        if not keyring.known or self._entry.problem() is not None:
            return _in_mode_auto(keyring)
        file = self._file.read()
        file_wins = self._file_wins(file, keyring)
        if keyring.document is not None and file_wins:
            return _in_mode_auto(file, "The keyring still holds an older login.")
        held_a_login = keyring.age is not None and keyring.report.health != "corrupt"
        if keyring.document is not None or (file.document and held_a_login and not file_wins):
            unused = f"The login in {self._file.path} is not used: the keyring has one."
            return _in_mode_auto(keyring, unused if self._file.exists() else None)
        file_is_empty = file.version == "" and file.report.health in {"ok", "readOnly"}
        if file_is_empty and (keyring.report.backend != "none" or keyring.version):
            return _in_mode_auto(keyring)
        return self._noting_fallback(keyring, file)

    def _file_wins(self, file: Snapshot, keyring: Snapshot) -> bool:
        """Say whether the file's login is in force before one that the keyring holds."""
        if file.document is None or keyring.age is None:
            return False
        fallback = self._entry.fallbacks.of(file.version)
        if fallback is not None and fallback.was_seen:
            return True
        newer = age_of(file.credential).is_newer_than(keyring.age, self._entry.fallbacks.now)
        return fallback is not None if newer is None else newer

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
        return AutoStore(self._home, self._entry, self._file.pinned(), origin=self.read())

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

    def update(
        self, merge: Merge, *, over_unreadable: bool = False, at_last: bool = False
    ) -> Document | None:
        """Replace what is stored by what `merge` makes of it; nobody is asked for anything."""
        self._entry.ensure_writable()
        self._home.ensure()
        with self._file.exclusive():
            stored = self._entry.load()
            # A login takes the place of whatever is there, so that it can be revoked.
            chosen = self._choose(stored.snapshot if over_unreadable else stored.in_force)
            if at_last and self._is_out_of_reach(stored):
                chosen = self._origin or chosen
            trouble = unreadable(chosen.report)
            if chosen.document is None and not self._was_in_file:
                # What is not in the file may be in there.
                trouble = stored.error or unreadable(stored.in_force.report) or trouble
            if trouble is not None and not over_unreadable:
                raise trouble
            document = merge(chosen.document)
            if document is not None and over_unreadable:
                self._save_login(document, stored)
            elif document is not None:
                self._save_renewal(document, stored, chosen)
        return document

    @property
    def _was_in_file(self) -> bool:
        return self._origin is not None and self._origin.source.kind == "file"

    def _is_out_of_reach(self, stored: Stored) -> bool:
        """Say whether the keyring alone holds what is written over, and cannot be had."""
        if self._origin is None or self._was_in_file or stored.error is None:
            return False
        is_unchanged = stored.snapshot.version == self._origin.version
        return is_unchanged and self._file.read().version == ""

    def _save_login(self, document: Document, stored: Stored) -> None:
        """Save what a person signed in with: the older login goes, wherever it is."""
        if self._is_saved(document, stored):
            remove_leftover(self._file, None)
            return
        self._file.replace(document)
        self._entry.note_fallback(self._file.read().version)
        if stored.kept is not None:
            self._forget()

    def _save_renewal(self, document: Document, stored: Stored, chosen: Snapshot) -> None:
        """Save a renewed login; another one that the keyring holds stays as it is."""
        is_its_own = stored.kept is None or _is_same(stored.snapshot.credential, document)
        if is_its_own and self._is_saved(document, stored):
            remove_leftover(self._file, document.credential)
            return
        fallback = self._entry.fallbacks.of(chosen.version)
        self._file.replace(document)
        if chosen.source.kind == "keyring" or fallback is not None:
            self._entry.note_fallback(self._file.read().version, fallback)
        if is_its_own and stored.kept is not None:
            self._forget()

    def _is_saved(self, document: Document, stored: Stored) -> bool:
        """Save a login in the keyring; return whether it took it."""
        error = stored.error
        if error is None:
            try:
                self._entry.save(document, stored)
            except StoreError as exc:
                error = exc
            else:
                return True
        logger.info("The login goes to a file: %s", error.message)
        return False

    def _forget(self) -> None:
        """Delete an older login from the keyring, where it would win over the file's."""
        try:
            self._entry.delete()
        except StoreError as exc:
            logger.warning("An older login may still be in the keyring: %s", exc.message)

    @property
    def is_unsettled(self) -> bool:
        """Whether the keyring holds a login that is not in force, as far as this process knows."""
        return super().is_unsettled or self._is_behind(self._file.read(), self._entry.read())

    def settle(self) -> Removed | None:
        """Delete such a login, or move the one of the file into its place."""
        removed = super().settle()
        with self._file.exclusive():
            stored, file = self._entry.load(), self._file.read()
            if file.document is None or not self._is_behind(file, stored.in_force):
                return removed
            self._entry.fallbacks.begin_move(stored.snapshot.version, file.version)
            self._entry.save(file.document, stored)
            remove_leftover(self._file, file.credential)
        older = stored.snapshot.credential
        return removed if _is_same(older, file.document) else Removed(older, ("keyring",))

    def _is_behind(self, file: Snapshot, keyring: Snapshot) -> bool:
        """Say whether the file's login is to be moved over the keyring's now."""
        return (
            keyring.document is not None
            and self._file_wins(file, keyring)
            and self._entry.fallbacks.may_move(keyring.version, file.version)
        )


def _is_same(found: Credential | None, document: Document) -> bool:
    credential = document.credential
    if isinstance(credential, ChatGptCredential):
        return is_same_login(found, credential)
    return found == credential


def _in_mode_auto(snapshot: Snapshot, detail: str | None = None) -> Snapshot:
    told = " ".join(filter(None, (detail, snapshot.report.detail))) or None
    report = replace(snapshot.report, mode="auto", detail=told)
    return replace(snapshot, report=report)
