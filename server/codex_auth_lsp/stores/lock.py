"""Advisory locks that are shared with the Codex CLI: BSD `flock` on two files.

Invariants: the order is `auth.lock`, then the real file's `.lock`; both are held for one
read-compare-write and never while anything waits for a network. A CLI that cannot have the second
one for five seconds gives up storing tokens that it has already been given.
The kernel releases a lock when its holder ends; lock files are never removed.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import LockTimedOut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RETRY_SECONDS = 0.01

if sys.platform != "win32":
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
    descriptors: list[int] = []
    try:
        for path in paths:
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptors.append(os.open(path, flags, 0o600))
            _take(descriptors[-1], path, deadline)
        yield
    finally:
        for descriptor in reversed(descriptors):
            os.close(descriptor)


def _take(descriptor: int, path: Path, deadline: float) -> None:
    if sys.platform == "win32":
        return  # the CLI's locks there are not known; the rename is atomic all the same
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockTimedOut(
                    f"Another program keeps {path.name} locked; try again in a moment."
                ) from None
            time.sleep(_RETRY_SECONDS)
        else:
            return
