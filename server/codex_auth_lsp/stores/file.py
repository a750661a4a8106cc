"""The login cache as a file: `auth.json` in CODEX_HOME, as the Codex CLI reads and writes it.

Promises: the file has mode 0600 from its first byte, is replaced in one rename and is on the disk
when a write returns; a failed write leaves the old file as it was and no temporary file behind.
A symbolic link stays one: its target is replaced. A file that is no login is reported, and only
replaced by a new login or removed by a logout.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import secrets
import stat
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
from codex_auth_lsp.stores.document import Document, DocumentInvalid, parse_document
from codex_auth_lsp.stores.permissions import permission_notices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from codex_auth_lsp.config.home import CodexHome

FILE_NAME = "auth.json"

_FILE_MODE = 0o600
_PREFIX = ".auth-"
_LEFT_BEHIND = re.compile(r"(\.auth-|\.refresh-)[0-9a-f]{8}")
_STALE_SECONDS = 3600.0
_SETTLE_LOOKS = 5  # a file that never settles must not hold anybody up
_SETTLE_SECONDS = 0.02  # between two looks at a file that may be half written
_READ_ONLY_ERRORS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})

logger = logging.getLogger(__name__)


class FileStore:
    """The `file` store mode."""

    reads_at_once = True
    is_unsettled = False

    def __init__(self, home: CodexHome, path: Path | None = None) -> None:
        self._home = home
        self.path = path or home.path / FILE_NAME
        self._last: Snapshot | None = None

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
        except OSError as exc:
            return self._unreadable(exc)
        self._last = snapshot
        return self._noting_permissions(self._noting_read_only(snapshot))

    def _read_file(self) -> Snapshot:
        raw = read_regular_file(self.path, MAXIMUM_BYTES)
        version = hashlib.sha256(raw).hexdigest()
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

    def close(self) -> None:
        """Do nothing: no call waits for a person."""

    def _noting_read_only(self, snapshot: Snapshot) -> Snapshot:
        """Say of a healthy store that it cannot be written, where that is so."""
        folder = self._real_path().parent
        if snapshot.report.health != "ok" or os.access(folder, os.W_OK) or not folder.is_dir():
            return snapshot
        detail = f"The folder {folder} cannot be written by this user."
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

    def check_writable(self, *, may_prompt: bool = True) -> None:  # noqa: ARG002 - nobody to ask
        """Make and remove a temporary file where the login would be written."""
        self._home.ensure()
        try:
            descriptor, temporary = _make_temporary(self._real_path().parent)
            os.close(descriptor)
            temporary.unlink()
        except OSError as exc:
            raise write_error(exc, self.path) from exc

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
        real_path = self._real_path()
        locks = (self._home.path / "auth.lock", real_path.with_name(real_path.name + ".lock"))
        try:
            with lock.held(locks, seconds=LOCK_SECONDS):
                yield
        except OSError as exc:
            raise write_error(exc, self.path) from exc

    def replace(self, document: Document) -> None:
        """Put `document` in the file's place; call it with the locks held."""
        path = self._real_path()
        replace_durably(path, document.render())
        _sweep(path.parent)

    def delete(self) -> Removed | None:
        """Delete the file, None where there is none; call it with the locks held."""
        # The last moment to see which tokens these are: another program may have renewed them.
        removed = Removed(self.read().credential, ("file",))
        path = self._real_path()
        try:
            path.unlink()
        except FileNotFoundError:
            return None  # another program was faster
        _sweep(path.parent)
        _sync_folder(path.parent)
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


def read_regular_file(path: Path, maximum: int) -> bytes:
    """Return the content of a file; never waits for one that is a pipe.

    Raises:
        OSError: It cannot be read, is no regular file, or has more than `maximum` bytes.
    """
    with open(path, "rb", opener=_open_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        raw = file.read(maximum + 1)
    if len(raw) > maximum:
        raise OSError(errno.EFBIG, "it is far too large for a login")
    return raw


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a named pipe waits for its writer


def replace_durably(path: Path, content: bytes, *, prefix: str = _PREFIX) -> None:
    """Put `content` in the place of `path` in one step that survives a power loss.

    Args:
        path: A real path, no symbolic link.
        content: The whole new content.
        prefix: Of the temporary file's name.

    Raises:
        OSError: The old file is as it was, and no temporary file is left.
    """
    descriptor, temporary = _make_temporary(path.parent, prefix)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sweep(folder: Path) -> None:
    """Remove what a killed process of ours has left half done; call it with the locks held.

    Whoever writes a login holds them, so no file with a login in it is in use; the others are left
    alone for an hour. A Codex CLI's are named otherwise.
    """
    for path in folder.glob(".*-*"):
        left_behind = _LEFT_BEHIND.fullmatch(path.name)
        try:
            if left_behind and (
                (left_behind[1] == _PREFIX and path.lstat().st_size > 0)
                or path.lstat().st_mtime < time.time() - _STALE_SECONDS
            ):
                path.unlink()
        except OSError:
            pass  # not ours to remove, or gone


def _make_temporary(folder: Path, prefix: str = _PREFIX) -> tuple[int, Path]:
    temporary = folder / f"{prefix}{secrets.token_hex(4)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(temporary, flags, _FILE_MODE)
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, _FILE_MODE)  # a umask can only have taken bits away
    except BaseException:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)
        raise
    return descriptor, temporary


def _sync_folder(folder: Path) -> None:
    """Put a rename or a removal on the disk, where the file system can do that.

    It has already happened: a network file system that syncs no folders has not made it fail.
    """
    if os.name == "nt":  # folders cannot be opened there
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        logger.info("%s cannot be synced: %s", folder, exc.strerror)


def write_error(exc: OSError, path: Path) -> StoreError:
    """Return the error for a file that could not be written, or a lock that could not be made."""
    reason = exc.strerror or "unknown reason"
    if exc.errno in _READ_ONLY_ERRORS:
        return StoreReadOnly(f"{path} cannot be written by this user: {reason}.")
    if exc.errno in _NOT_THERE:
        return StoreUnavailable(f"The folder of {path} does not exist.")
    return StoreWriteFailed(f"The login could not be written to {path}: {reason}.")
