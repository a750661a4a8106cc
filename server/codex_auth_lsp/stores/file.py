"""The login cache as a file: `auth.json` in CODEX_HOME, as the Codex CLI reads and writes it.

Promises: the file has mode 0600 from its first byte, is replaced in one rename and is on the disk
when a write returns; a failed write leaves the old file as it was and no temporary file behind.
A symbolic link stays one: its target is replaced. A file that is no login is reported, and only
replaced by a new login or removed by a logout. One that is mounted by itself is only read.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import (
    StoreError,
    StoreReadOnly,
    StoreUnavailable,
    StoreWriteFailed,
)
from codex_auth_lsp.stores import lock
from codex_auth_lsp.stores.base import (
    LOCK_SECONDS,
    MAXIMUM_BYTES,
    Merge,
    Remaining,
    Removed,
    Snapshot,
    unreadable,
)
from codex_auth_lsp.stores.disk import read_regular_file, sync_folder
from codex_auth_lsp.stores.document import Document, DocumentInvalid, parse_document
from codex_auth_lsp.stores.mounted_file import is_mounted, mounted_detail
from codex_auth_lsp.stores.permissions import permission_notices
from codex_auth_lsp.stores.replacement import Replacement, sweep
from codex_auth_lsp.stores.setting import Setting, setting_of
from codex_auth_lsp.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_auth_lsp.config.home import CodexHome

FILE_NAME = "auth.json"

_ROOM_TO_GROW = 8192  # bytes: tokens are some kilobytes, and new ones may be longer
_SETTLE_LOOKS = 5  # a file that never settles must not hold anybody up
_SETTLE_SECONDS = 0.02  # between two looks at a file that may be half written
_READ_ONLY_ERRORS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})


class FileStore:
    """The `file` store mode."""

    reads_at_once = True
    is_unsettled = False

    def __init__(self, home: CodexHome, path: Path | None = None) -> None:
        self._home = home
        self.path = path or home.path / FILE_NAME
        self._last: Snapshot | None = None
        self._next: Replacement | None = None
        self._nothing = self._snapshot("ok")
        self._plain_setting: Setting | None = None  # in which nothing is told beside the content

    def read(self) -> Snapshot:
        """Return what is stored; the same content is parsed once, and told as the same object.

        Times and size would not do for "the same": older kernels give two writes within a few
        milliseconds the same times.
        """
        try:
            snapshot = self._read_settled()
        except OSError as exc:
            if exc.errno not in _NOT_THERE:
                return self._unusable() or self._unreadable(exc)
            snapshot = self._nothing
        setting = self._setting()
        if setting is not None and setting == self._plain_setting:
            return snapshot
        if (unusable := self._unusable()) is not None:
            return unusable
        told = self._noting_permissions(self._noting_read_only(snapshot))
        is_plain = told is snapshot and snapshot.report.health == "ok"
        self._plain_setting = setting if is_plain and setting == self._setting() else None
        return told

    def _setting(self) -> Setting | None:
        """Return the setting of the file where it is the one of CODEX_HOME."""
        if self.path.parent != self._home.path:
            return None
        return setting_of(str(self.path), str(self._home.path))

    def _unusable(self) -> Snapshot | None:
        """Return what is to be told where CODEX_HOME cannot be used, None where it can."""
        problem = self._home.problem()
        return self._snapshot("unavailable", detail=problem.message) if problem else None

    def _read_settled(self) -> Snapshot:
        """Return what stands in the file, and is no half of what somebody writes."""
        snapshot = self._read_file()
        for _ in range(_SETTLE_LOOKS):
            if snapshot.report.health != "corrupt" or snapshot is self._last:
                break
            # Older Codex versions write in place: what changes while one looks is half of it.
            self._last = snapshot
            time.sleep(_SETTLE_SECONDS)
            snapshot = self._read_file()
        self._last = snapshot
        return snapshot

    def _read_file(self) -> Snapshot:
        raw = read_regular_file(self.path, MAXIMUM_BYTES)
        version = f"{hash(raw):x}"  # for this process alone; OpenSSL's take longer to load
        if self._last is not None and self._last.version == version:
            return self._last
        return self._judge(raw, version)

    async def sync(self) -> None:
        """Do nothing: a file is read at once."""

    def pinned(self) -> FileStore:
        """Return the store of the real file, which a link leads to now."""
        return FileStore(self._home, self._real_path())

    def watch(self, on_change: Callable[[], None]) -> None:
        """Return None: the watch on CODEX_HOME tells of a file."""

    def _noting_read_only(self, snapshot: Snapshot) -> Snapshot:
        """Say of a store that it cannot be written, where that is so."""
        report = snapshot.report
        path = self._real_path()
        detail = mounted_detail(path) if is_mounted(path) else self.read_only_folder()
        if detail is None:
            return snapshot
        if report.health == "ok":
            report = replace(report, health="readOnly", detail=detail)
        else:  # a sign-in would mend it, and cannot
            report = replace(report, detail=f"{report.detail} {detail}")
        return replace(snapshot, report=report)

    def read_only_folder(self) -> str | None:
        """Say which folder of the file and its locks cannot be written, None where all can."""
        for folder in {self._home.path: None, self._real_path().parent: None}:
            if folder.is_dir() and not os.access(folder, os.W_OK):
                return f"The folder {folder} cannot be written by this user."
        return None

    def _noting_permissions(self, snapshot: Snapshot) -> Snapshot:
        """Say of a login that is there whether other people may use or replace it.

        That is told once, and no part of the status: a mode that changes is no change in meaning.
        """
        if snapshot.document is None:
            return snapshot
        notices = permission_notices(self._real_path())
        if notices == snapshot.report.notices:
            return snapshot
        return replace(snapshot, report=replace(snapshot.report, notices=notices))

    def check_writable(self) -> None:
        """Make and remove a temporary file where the login would be written."""
        self._take_room()
        self.release()

    def reserve(self) -> None:
        """Take the room for the next login, and have the locks once, as the next write will."""
        self._take_room()
        try:
            self.pass_locks()
        except StoreError:
            self.release()
            raise

    def check_locks(self) -> None:
        """Find out, without a trace, whether the locks could be made."""
        self._home.ensure()
        try:
            lock.check(self._locks(self._real_path()))
        except OSError as exc:
            raise write_error(exc, self.path) from exc

    def pass_locks(self) -> None:
        """Find out that no other program keeps the locks."""
        with self.exclusive():
            pass

    def _take_room(self) -> None:
        self._home.ensure()
        self.release()
        path = self._real_path()
        try:
            size = _size_of(path) + _ROOM_TO_GROW
            if size - _ROOM_TO_GROW < MAXIMUM_BYTES < size:
                raise self._too_large()
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if is_mounted(path):
                raise StoreReadOnly(mounted_detail(path))
            self._next = Replacement(path, size)
            lock.check(self._locks(path))
        except OSError as exc:
            self.release()
            raise write_error(exc, self.path) from exc

    def release(self) -> None:
        """Give back what was not used of the room."""
        if self._next is not None:
            self._next.drop()
            self._next = None

    def update(
        self,
        merge: Merge,
        *,
        over_unreadable: bool = False,
        at_last: bool = False,  # noqa: ARG002 - there is one place
    ) -> Document | None:
        """Replace the file by what `merge` makes of it, under the locks of the Codex CLI."""
        self._home.ensure()
        with self.exclusive():
            snapshot = self.read()
            trouble = unreadable(snapshot.report)
            if trouble is not None and not over_unreadable:
                raise trouble
            document = merge(snapshot.document)
            if document is not None:
                self.replace(document)
        return document

    def settle(self) -> None:
        """Do nothing: nothing is ever left undone."""

    def remove(self) -> Removed | None:
        """Remove the file; of a symbolic link the target, since the login is in it."""
        problem = self._home.problem()
        if problem is not None:
            raise problem
        try:
            if not self.path.exists():
                return None
        except OSError as exc:
            raise write_error(exc, self.path) from exc
        with self.exclusive():
            return self.delete()

    def exists(self) -> bool:
        """Say whether there is a file, as far as this user may know."""
        try:
            return self.path.exists()
        except OSError:
            return False

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the locks of the Codex CLI for one read-compare-write; errors become ours.

        Raises:
            StoreUnavailable, StoreReadOnly, StoreWriteFailed, LockTimedOut: So said the disk.
        """
        try:
            with lock.held(self._locks(self._real_path()), seconds=LOCK_SECONDS):
                yield
        except OSError as exc:
            raise write_error(exc, self.path) from exc

    def _locks(self, real_path: Path) -> tuple[Path, ...]:
        return (self._home.path / "auth.lock", real_path.with_name(real_path.name + ".lock"))

    def replace(self, document: Document) -> None:
        """Put `document` in the file's place; call it with the locks held."""
        path = self._real_path()
        content = document.render()
        if len(content) > MAXIMUM_BYTES:
            raise self._too_large()
        if self._next is None or self._next.path != path:
            self.release()
            self._next = Replacement(path, len(content))
        reserved, self._next = self._next, None
        reserved.put(content)
        sweep(path)

    def _too_large(self) -> StoreWriteFailed:
        return StoreWriteFailed(f"{self.path} would be too large to be read again.")

    def delete(self) -> Removed | None:
        """Delete the file, None where there is none; call it with the locks held.

        One that is mounted by itself remains, and its tokens can be revoked all the same.
        """
        # The last moment to see which tokens these are: another program may have renewed them.
        removed = Removed(self.read().credential, ("file",))
        path = self._real_path()
        try:
            path.unlink()
        except FileNotFoundError:
            return None  # another program was faster
        except OSError as exc:
            if exc.errno != errno.EBUSY:
                raise
            remaining = (Remaining("file", StoreReadOnly.kind),)
            return replace(removed, stores=(), remaining=remaining)
        sweep(path)
        sync_folder(path.parent)
        return removed

    def delete_leftover(self) -> None:
        """Delete `auth.json` of CODEX_HOME alone, as the Codex CLI does: of a link, the link.

        Call it with the locks held, after the login was stored elsewhere. What the name leads to
        may be the login of others; where that is another file than this store's, nothing is done.

        Raises:
            OSError: It is still there.
        """
        name, path = self._home.path / FILE_NAME, self._real_path()
        if os.path.realpath(name) != str(path):
            return
        name.unlink(missing_ok=True)
        sweep(path)
        sync_folder(name.parent)

    def _real_path(self) -> Path:
        return Path(os.path.realpath(self.path))

    def _judge(self, raw: bytes, version: str) -> Snapshot:
        try:
            document = parse_document(raw)
        except DocumentInvalid as exc:
            return self._snapshot(
                "corrupt", version=version, detail=f"{self.path} is not a stored login: {exc}."
            )
        return self._snapshot("ok", version=version, document=document)

    def _unreadable(self, exc: OSError) -> Snapshot:
        return self._snapshot("unavailable", detail=f"{self.path} cannot be read: {exc.strerror}.")

    def _snapshot(
        self,
        health: str,
        *,
        version: str = "",
        detail: str | None = None,
        document: Document | None = None,
    ) -> Snapshot:
        path = str(self.path)
        report = StoreReport(mode="file", backend="file", path=path, health=health, detail=detail)
        return Snapshot(report, CredentialSource("file", path), version, document)


def silent_snapshot(path: Path) -> Snapshot:
    """Return what is known of a file on a disk that has never answered."""
    report = StoreReport(mode="file", backend="file", path=str(path), health="unavailable")
    return Snapshot(report, CredentialSource("file", str(path)), "")


def _size_of(path: Path) -> int:
    try:
        return min(path.stat().st_size, MAXIMUM_BYTES)
    except FileNotFoundError:
        return 0


def write_error(exc: OSError, path: Path) -> StoreError:
    """Return the error for a file that could not be written, or a lock that could not be made."""
    reason = exc.strerror or "unknown reason"
    if exc.errno == errno.EBUSY:
        return StoreReadOnly(mounted_detail(path))
    blamed = str(exc.filename or "")
    if blamed.endswith(".lock") and exc.errno in _READ_ONLY_ERRORS and not os.path.lexists(blamed):
        return _read_only_folder(exc, Path(blamed).parent)
    if blamed.endswith(".lock") and exc.errno not in _NOT_THERE:
        kind = StoreReadOnly if exc.errno in _READ_ONLY_ERRORS else StoreWriteFailed
        return kind(
            f"The lock file {blamed} cannot be opened: {reason}; make it a file that you may read "
            "and write (chown, chmod 600)."
        )
    if exc.errno in _READ_ONLY_ERRORS:
        return _read_only_folder(exc, path.parent)
    if exc.errno == errno.EISDIR:
        return StoreUnavailable(f"{path} is a folder and not a file; move it away.")
    if exc.errno in _NOT_THERE:
        folder = Path(os.path.realpath(path)).parent
        if folder.is_dir():  # one that is not kept on a disk
            return StoreUnavailable(f"No file can be made in {folder}; name another folder.")
        return StoreUnavailable(f"The folder of {path} does not exist; make it.")
    return StoreWriteFailed(f"The login could not be written to {path}: {reason}.")


def _read_only_folder(exc: OSError, folder: Path) -> StoreReadOnly:
    helps = "" if exc.errno == errno.EROFS else f"; run: chmod u+w {quote(str(folder))}"
    reason = exc.strerror or "unknown reason"
    return StoreReadOnly(f"The folder {folder} cannot be written by this user: {reason}{helps}.")
