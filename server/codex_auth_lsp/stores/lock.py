"""Advisory locks: BSD `flock` on lock files that are made once and never removed.

`held` takes the two that are shared with the Codex CLI. Invariants: the order is `auth.lock`, then
the real file's `.lock`; both are held for one read-compare-write and never while anything waits
for a network. A CLI that cannot have the second one for five seconds gives up storing tokens that
it has already been given. `Turnstile` is our own, which a CLI never sees: it is held across the
network by the one process that renews the login, and somebody who tidies the folder meanwhile must
not let a second one in: so the folder itself is locked with it. A folder that others may open they
may lock, too: that keeps nobody out.
The kernel releases a lock when its holder ends, however it ends. A lock file that somebody has
removed or replaced while it was held locks nobody out, so one counts only while it is still the
file at its path.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import LockTimedOut
from codex_auth_lsp.stores.lock_holder import is_kept_by_a_stranger, who_keeps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_RETRY_SECONDS = 0.01
_MODE = 0o600

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def held(paths: tuple[Path, ...], *, seconds: float) -> Iterator[None]:
    """Hold an exclusive lock on every path, taken in order, while the body runs.

    Args:
        paths: Lock files; missing ones are made with mode 0600.
        seconds: How long to wait for all of them together.

    Raises:
        LockTimedOut: Another program did not let go in time.
        OSError: A lock file cannot be made or opened.
    """
    deadline = time.monotonic() + seconds
    with ExitStack() as stack:
        for path in paths:
            stack.callback(os.close, _wait_for(path, deadline))
        yield


def _wait_for(path: Path, deadline: float) -> int:
    """Return the descriptor of a lock that is ours now.

    The file stays open meanwhile: closing it tells every window to look again.
    """
    descriptor = _open(path)
    try:
        while not (try_lock(descriptor) and _is_at(descriptor, path)):
            if time.monotonic() >= deadline:
                keeper = who_keeps(path, otherwise="Another program")
                raise LockTimedOut(f"{keeper} keeps {path.name} locked; try again in a moment.")
            time.sleep(_RETRY_SECONDS)
            if not _is_at(descriptor, path):
                os.close(descriptor)
                descriptor = -1
                descriptor = _open(path)
    except BaseException:
        if descriptor >= 0:
            os.close(descriptor)
        raise
    return descriptor


def check(paths: tuple[Path, ...]) -> None:
    """Find out, without a trace, whether the lock files could be opened.

    Raises:
        OSError: One could not.
    """
    for path in paths:
        try:
            os.close(os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)))
        except FileNotFoundError:
            if not path.parent.is_dir():
                raise
            if not os.access(path.parent, os.W_OK):
                raise OSError(errno.EACCES, os.strerror(errno.EACCES)) from None


def is_held(path: Path) -> bool:
    """Say whether somebody holds the lock of a file now; a missing one is not made."""
    try:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        return not try_lock(descriptor)
    finally:
        os.close(descriptor)


class Turnstile:
    """A lock that one process at a time passes, tried without waiting: a file and its folder.

    The file alone would let a second one in as soon as somebody has removed it. Where folders
    cannot be locked (some network file systems), and while another user's program has the folder,
    it has to do; Windows lets nobody remove it.
    `path` is asked for at each try: what a link leads to may have changed. None stands for what no
    other process has: then there is nobody to keep out.
    """

    def __init__(self, path: Callable[[], Path | None]) -> None:
        self._path = path
        self._is_inside = False
        self._descriptors: list[int] = []

    def try_enter(self) -> bool:
        """Take the lock if it is free; return whether it is ours now.

        Raises:
            OSError: The lock file cannot be made or opened.
        """
        if self._is_inside:
            return False
        path = self._path()
        if path is not None:
            descriptor = _lock(path)
            if descriptor is None:
                return False
            folder = _open_folder(path.parent)
            if folder is not None and not _try_folder(folder):
                os.close(folder)
                folder = None
                if not is_kept_by_a_stranger(path.parent):
                    os.close(descriptor)
                    return False
            self._descriptors = [descriptor] if folder is None else [descriptor, folder]
        self._is_inside = True
        return True

    def leave(self) -> None:
        """Let the next one in."""
        self._is_inside = False
        while self._descriptors:
            os.close(self._descriptors.pop())


def _open_folder(folder: Path) -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None


def _try_folder(descriptor: int) -> bool:
    """Return whether nobody else has the folder, as far as this file system can tell."""
    try:
        return try_lock(descriptor)
    except OSError:
        return True


def _lock(path: Path) -> int | None:
    """Return the descriptor of a lock that is ours now, None where it is not to be had yet."""
    descriptor = _open(path)
    try:
        if try_lock(descriptor) and _is_at(descriptor, path):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), _MODE)


def _is_at(descriptor: int, path: Path) -> bool:
    """Say whether an open file is still the one at its path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False  # removed just now


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file if it is free; closing the file lets go of it."""
    try:
        if sys.platform == "win32":
            # The CLI's locks there are not known; among our own processes a byte will do.
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
