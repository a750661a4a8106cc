"""inotify(7), as far as the watch needs it: a descriptor that tells of changes, without a thread.

The libraries for it let `ctypes.util.find_library` start `ldconfig` in each process, and none says
whether something waits to be told.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
from typing import TYPE_CHECKING, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

MODIFY: Final = 0x002
ATTRIB: Final = 0x004
CLOSE_WRITE: Final = 0x008
MOVED_FROM: Final = 0x040
MOVED_TO: Final = 0x080
CREATE: Final = 0x100
DELETE: Final = 0x200
DELETE_SELF: Final = 0x400
MOVE_SELF: Final = 0x800
OVERFLOW: Final = 0x4000
"""Some events were dropped; the event is of no watch."""
IGNORED: Final = 0x8000
"""The watch is gone: its file or folder is, or what it was on was unmounted."""

_HEADER = struct.Struct("iIII")  # watch, mask, cookie, length of the name with its zeros
_READ_BYTES = 4096  # some dozen events


class Event(NamedTuple):
    """What happened to what `watch` is on; the name is that in a folder, or empty."""

    watch: int
    mask: int
    name: str


class Inotify:
    """An instance of inotify, open until it is left.

    Raises:
        OSError: There is none to be had, EMFILE for example.
    """

    def __init__(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._add_watch: Callable[[int, bytes, int], int] = libc.inotify_add_watch
        self._remove_watch: Callable[[int, int], int] = libc.inotify_rm_watch
        self._descriptor: int = _checked(libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK))
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def fileno(self) -> int:
        """Return the descriptor, which can be read when something was told."""
        return self._descriptor

    def add(self, path: str, mask: int) -> int:
        """Tell of what `mask` says; return the watch, which is one for each file or folder.

        Raises:
            OSError: The path cannot be watched.
        """
        return _checked(self._add_watch(self._descriptor, os.fsencode(path), mask), path)

    def remove(self, watch: int) -> None:
        """End a watch, if it has not ended by itself."""
        self._remove_watch(self._descriptor, watch)

    def is_silent(self) -> bool:
        """Say whether everything was read that happened until now."""
        return not self._poll.poll(0)

    def read(self) -> list[Event]:
        """Return what happened, up to some dozen events; never waits."""
        try:
            told = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return []
        events = []
        at = 0
        while at < len(told):
            watch, mask, _, length = _HEADER.unpack_from(told, at)
            at += _HEADER.size
            events.append(Event(watch, mask, os.fsdecode(told[at : at + length].rstrip(b"\0"))))
            at += length
        return events


def _checked(result: int, path: str | None = None) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return result
