"""The process that a client names in `initialize` (LSP 3.17, `processId`), whose end is ours too.

An editor that is killed may leave the pipe open, in a child of its own or a wrapper's. On Linux the
kernel tells of the end (pidfd_open(2)), so nothing wakes up before it; elsewhere on POSIX it is
looked for. On Windows the end of stdin alone counts.
A number that is nobody's is not watched: a client outside of our container counts differently, and
so on Linux is one that cannot be the client's: of another user, or dead.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Watch = Callable[[Callable[[], None]], None]

LOOK_SECONDS = 5.0
"""Between two looks where the system does not tell."""

logger = logging.getLogger(__name__)


def find_client(process_id: int) -> Watch | None:
    """Return what watches the process from now on, None where that is not the client's.

    It needs no event loop yet; what it returns does, and calls what it is given when the process
    is gone, also where that was before.
    """
    try:
        if hasattr(os, "pidfd_open"):
            pidfd = os.pidfd_open(process_id)
            if _can_be_client(process_id):
                return partial(_wait_for, pidfd)
            os.close(pidfd)
            logger.info("the process that the client names is not its own")
        elif os.name == "posix":
            with suppress(PermissionError):  # another user's, and there
                os.kill(process_id, 0)
            return partial(_look_for, process_id)
    except (OSError, OverflowError):  # nobody's, no number of a process, a kernel without pidfds
        logger.info("the client's process is not watched")
    return None


def _wait_for(pidfd: int, on_end: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        on_end()

    loop.add_reader(pidfd, ended)


def _can_be_client(process_id: int) -> bool:
    """Say whether a process is alive and this user's; it need not be what has started us."""
    process = Path("/proc", str(process_id))
    state = (process / "stat").read_bytes().rpartition(b")")[2].split()[0]  # proc_pid_stat(5)
    return state not in {b"Z", b"X"} and process.stat().st_uid == os.geteuid()


def _look_for(process_id: int, on_end: Callable[[], None]) -> None:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        on_end()
        return
    except PermissionError:
        pass
    asyncio.get_running_loop().call_later(LOOK_SECONDS, _look_for, process_id, on_end)
