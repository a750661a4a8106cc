"""Whether anything was mounted or unmounted since, for one system call a look.

Linux tells a program that holds its table of mounts open (proc_pid_mountinfo(5)); the table itself,
which may have thousands of lines, is never read.
"""

from __future__ import annotations

import os
import select
import sys
import threading

_PATH = "/proc/self/mountinfo"


class MountTable:
    """The mounts of this process; its open file is one for the life of the process."""

    def __init__(self) -> None:
        self._poll: select.poll | None = None
        self._generation = 0
        self._asking = threading.Lock()

    def generation(self) -> int | None:
        """Return a number that grows with every change, None where nobody tells."""
        if sys.platform != "linux":
            return 0  # nothing is mounted that we would know of
        with self._asking:
            try:
                poll = self._poll or self._open()
            except OSError:
                return None
            if poll.poll(0):
                self._generation += 1
            return self._generation

    def _open(self) -> select.poll:
        descriptor = os.open(_PATH, os.O_RDONLY)
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLPRI)
        return self._poll


MOUNT_TABLE = MountTable()
