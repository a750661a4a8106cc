"""The login cache as a file: `auth.json` in CODEX_HOME, as the Codex CLI reads and writes it.

Promises: the file has mode 0600 from its first byte, is replaced in one rename and is on the disk
when a write returns; a failed write leaves the old file as it was and no temporary file behind.
A symbolic link stays one: its target is replaced. A file that is no login is reported, and only
replaced by a new login or removed by a logout. One that is mounted by itself is written in place,
with a journal beside it, and emptied where it cannot be removed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
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
    Removed,
    Snapshot,
    unreadable,
)
from codex_auth_lsp.stores.disk import read_regular_file, sync_folder
from codex_auth_lsp.stores.document import Document, DocumentInvalid, parse_document
from codex_auth_lsp.stores.mounted_file import (
    check_overwritable,
    empty,
    is_mounted,
)
from codex_auth_lsp.stores.permissions import permission_notices
from codex_auth_lsp.stores.replacement import Replacement, left_behind, sweep

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

    def read(self) -> Snapshot:
        """Return what is stored; the same content is parsed once.

        Times and size would not do for "the same": older kernels give two writes within a few
        milliseconds the same times.
        """
        problem = self._home.problem()
        if problem is not None:
            return self._snapshot("unavailable", detail=problem.message)
        try:
            snapshot = self._read_file()
            for _ in range(_SETTLE_LOOKS):
                if snapshot.report.health != "corrupt" or snapshot is self._last:
                    break
                # Older Codex versions write in place: what changes while one looks is half of it.
                self._last = snapshot
                time.sleep(_SETTLE_SECONDS)
                snapshot = self._read_file()
            if snapshot.report.health == "corrupt":
                snapshot = self._read_journal() or snapshot
        except OSError as exc:
            return self._unreadable(exc)
        self._last = snapshot
        return self._noting_permissions(self._noting_read_only(snapshot))

    def _read_file(self) -> Snapshot:
        raw = read_regular_file(self.path, MAXIMUM_BYTES)
        version = hashlib.sha256(raw).hexdigest()
        if self._last is not None and self._last.version == version:
            return self._last
        if not raw.strip() and is_mounted(self._real_path()):
            raise FileNotFoundError(errno.ENOENT, "it is emptied, which stands for removed")
        return self._judge(raw, version)

    def _read_journal(self) -> Snapshot | None:
        """Return the login whose write in place a power loss has broken off, None without one."""
        path = self._real_path()
        if not is_mounted(path):
            return None
        for journal in left_behind(path):
            raw = read_regular_file(journal, MAXIMUM_BYTES)
            snapshot = self._judge(raw, hashlib.sha256(raw).hexdigest())
            if snapshot.document is not None:
                return snapshot
        return None

    async def sync(self) -> None:
        """Do nothing: a file is read at once."""

    def pinned(self) -> FileStore:
        """Return the store of the real file, which a link leads to now."""
        return FileStore(self._home, self._real_path())

    def watch(self, on_change: Callable[[], None]) -> None:
        """Return None: the watch on CODEX_HOME tells of a file."""

    def close(self) -> None:
        """Do nothing: no call waits for a person."""

    def _noting_read_only(self, snapshot: Snapshot) -> Snapshot:
        """Say of a healthy store that it cannot be written, where that is so."""
        path = self._real_path()
        folder = path.parent
        if snapshot.report.health != "ok" or not folder.is_dir():
            return snapshot
        if not os.access(folder, os.W_OK):
            detail = f"The folder {folder} cannot be written by this user."
        elif path.is_file() and not os.access(path, os.W_OK) and is_mounted(path):
            detail = f"{path} is mounted so that it cannot be written."
        else:
            return snapshot
        return replace(snapshot, report=replace(snapshot.report, health="readOnly", detail=detail))

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
        self.reserve()
        self.release()

    def reserve(self) -> None:
        """Take the room for the next login, where it will be written, and look at the locks."""
        self._home.ensure()
        self.release()
        path = self._real_path()
        try:
            size = _size_of(path) + _ROOM_TO_GROW
            if size - _ROOM_TO_GROW < MAXIMUM_BYTES < size:
                raise self._too_large()
            if is_mounted(path):
                check_overwritable(path, size)
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

    def update(self, merge: Merge, *, over_unreadable: bool = False) -> Document | None:
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

    def remove(self, *, may_prompt: bool = True) -> Removed | None:  # noqa: ARG002 - nobody to ask
        """Remove the file; of a symbolic link the target, since the login is in it."""
        problem = self._home.problem()
        if problem is not None:
            raise problem
        try:
            if not self._is_there():
                return None
        except OSError as exc:
            raise write_error(exc, self.path) from exc
        with self.exclusive():
            return self.delete()

    def exists(self) -> bool:
        """Say whether there is a file, as far as this user may know."""
        try:
            return self._is_there()
        except OSError:
            return False

    def _is_there(self) -> bool:
        if not self.path.exists():
            return False
        return self.path.stat().st_size > 0 or not is_mounted(self._real_path())

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
        """Delete the file, None where there is none; call it with the locks held."""
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
            empty(path)
        sweep(path)
        sync_folder(path.parent)
        return removed

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
        if exc.errno in _NOT_THERE:
            return self._noting_read_only(self._snapshot("ok"))
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


def _size_of(path: Path) -> int:
    try:
        return min(path.stat().st_size, MAXIMUM_BYTES)
    except FileNotFoundError:
        return 0


def write_error(exc: OSError, path: Path) -> StoreError:
    """Return the error for a file that could not be written, or a lock that could not be made."""
    reason = exc.strerror or "unknown reason"
    blamed = str(exc.filename or "")
    if blamed.endswith(".lock") and exc.errno not in _NOT_THERE:
        kind = StoreReadOnly if exc.errno in _READ_ONLY_ERRORS else StoreWriteFailed
        return kind(
            f"The lock file {blamed} cannot be opened: {reason}; make it a file that you may read "
            "and write (chown, chmod 600)."
        )
    if exc.errno in _READ_ONLY_ERRORS:
        return StoreReadOnly(f"{path} cannot be written by this user: {reason}.")
    if exc.errno in _NOT_THERE:
        return StoreUnavailable(f"The folder of {path} does not exist.")
    return StoreWriteFailed(f"The login could not be written to {path}: {reason}.")
