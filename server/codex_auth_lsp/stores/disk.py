"""Reads that never wait, and writes that are whole, and on the disk when they are told as done."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_RENAME_TRIES = 10
_RENAME_SECONDS = 0.05  # between two: a virus scanner has a new file open for a moment
_CANNOT_ALLOCATE = frozenset({errno.EINVAL, errno.ENODEV, errno.ENOSYS, errno.EOPNOTSUPP})

_READ_WITHOUT_WAITING = (  # a named pipe waits for its writer
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

logger = logging.getLogger(__name__)


def read_regular_file(path: Path, maximum: int) -> bytes:
    """Return the content of a file; never waits for one that is a pipe.

    Raises:
        OSError: It cannot be read, is no regular file, or has more than `maximum` bytes.
    """
    descriptor = os.open(path, _READ_WITHOUT_WAITING)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        raw = os.read(descriptor, min(status.st_size, maximum) + 1)
        if len(raw) != status.st_size:  # it grew or shrank meanwhile, or has no size, as in /proc
            while len(raw) <= maximum and (more := os.read(descriptor, maximum + 1 - len(raw))):
                raw += more
    finally:
        os.close(descriptor)
    if len(raw) > maximum:
        raise OSError(errno.EFBIG, "it is far too large for a login")
    return raw


def allocate(descriptor: int, size: int) -> None:
    """Take the room for `size` bytes from the beginning of a file.

    Raises:
        OSError: There is none.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, max(size, 1))
        except OSError as exc:
            if exc.errno not in _CANNOT_ALLOCATE:
                raise
        else:
            return
    write_at(descriptor, bytes(size), 0)


def write_at(descriptor: int, content: bytes, position: int) -> None:
    """Write all of `content` from `position` on."""
    os.lseek(descriptor, position, os.SEEK_SET)
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def sync(descriptor: int) -> None:
    """Put a file on the disk: on macOS beyond the drive's own memory, where it can do that."""
    if sys.platform == "darwin":
        import fcntl

        try:
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError as exc:
            logger.info("The drive's memory cannot be flushed: %s", exc.strerror)
        else:
            return
    os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Put a rename or a removal on the disk, where the file system can do that.

    It has already happened: a network file system that syncs no folders has not made it fail.
    """
    if os.name == "nt":  # folders cannot be opened there
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            sync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        logger.info("%s cannot be synced: %s", folder, exc.strerror)


def rename(source: Path, target: Path) -> None:
    """Let a file take another one's place in one step; on Windows once nobody has either open.

    Raises:
        OSError: Both are as they were.
    """
    for _ in range(_RENAME_TRIES - 1 if sys.platform == "win32" else 0):
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(_RENAME_SECONDS)
        else:
            return
    source.replace(target)
