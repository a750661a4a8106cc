"""A file that is mounted by itself, as containers share one: no rename or removal reaches it.

Such a file is written in place, in an order that leaves a whole document after every call: first
the room, as white space behind the old content, then the new content with white space up to the
old one's end, then the end is cut off; each step is on the disk before the next begins. Removed is
it when it is empty. Linux tells what is mounted; elsewhere no file is.
"""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from codex_auth_lsp.stores.base import MAXIMUM_BYTES
from codex_auth_lsp.stores.disk import sync, write_at

_MOUNTS = Path("/proc/self/mountinfo")
_MOUNT_POINT = 4  # proc_pid_mountinfo(5): the fifth field
_ESCAPED = re.compile(rb"\\([0-7]{3})")
_BLOCK_BYTES = 512  # of `st_blocks`, whatever the file system's are


def is_mounted(path: Path) -> bool:
    """Say whether a file, named by its real path, is mounted by itself."""
    try:
        lines = _MOUNTS.read_bytes().splitlines()
    except OSError:
        return False
    wanted = os.fsencode(path)
    return any(_unescaped(line.split(b" ")[_MOUNT_POINT]) == wanted for line in lines)


def check_overwritable(path: Path, size: int) -> None:
    """Find out whether a file could be overwritten by `size` bytes.

    Raises:
        OSError: It could not.
    """
    descriptor = _open(path)
    try:
        status, system = os.fstat(descriptor), os.fstatvfs(descriptor)
    finally:
        os.close(descriptor)
    more = size - status.st_blocks * _BLOCK_BYTES
    if system.f_blocks and more > system.f_bavail * system.f_frsize:  # some tell of no blocks
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def overwrite(path: Path, content: bytes) -> None:
    """Write `content` in place; the caller keeps a whole copy of it on the disk meanwhile.

    Raises:
        OSError: The old content stands there, unless the disk did not take that either.
    """
    descriptor = _open(path)
    try:
        old = _read(descriptor)
        try:
            _write_whole(descriptor, content, len(old))
        except BaseException:
            with suppress(OSError):
                write_at(descriptor, old, 0)
                os.ftruncate(descriptor, len(old))
                sync(descriptor)
            raise
    finally:
        os.close(descriptor)


def empty(path: Path) -> None:
    """Take everything out of a file.

    Raises:
        OSError: It is as it was.
    """
    descriptor = _open(path)
    try:
        os.ftruncate(descriptor, 0)
        sync(descriptor)
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, content: bytes, old_size: int) -> None:
    write_at(descriptor, b" " * (len(content) - old_size), old_size)
    sync(descriptor)  # only now is it certain that there is room
    write_at(descriptor, content.ljust(old_size), 0)
    sync(descriptor)
    os.ftruncate(descriptor, len(content))
    sync(descriptor)
    if _read(descriptor) != content:
        raise OSError(errno.EIO, "it does not hold what was written")


def _open(path: Path) -> int:
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    return os.open(path, flags)


def _read(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    if size > MAXIMUM_BYTES:
        raise OSError(errno.EFBIG, "it is far too large for a login")
    os.lseek(descriptor, 0, os.SEEK_SET)
    content = b""
    while len(content) < size and (more := os.read(descriptor, size - len(content))):
        content += more
    return content


def _unescaped(name: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 8)]), name)
