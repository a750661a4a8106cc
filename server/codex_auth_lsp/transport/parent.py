"""The process that a client names in `initialize` (LSP 3.17, `processId`), whose end is ours too.

An editor that is killed may leave the pipe open, in a child of its own or a wrapper's. On Linux the
kernel tells of the end (pidfd_open(2)), so nothing wakes up before it; elsewhere on POSIX it is
looked for. On Windows the end of stdin alone counts.
A number that is nobody's is not watched: a client outside of our container counts differently.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 5.0
"""Between two looks where the system does not tell."""

logger = logging.getLogger(__name__)


def on_end_of_process(process_id: int, on_end: Callable[[], None]) -> None:
    """Call `on_end` from the event loop when the process is gone."""
    try:
        if hasattr(os, "pidfd_open"):
            _wait_for(os.pidfd_open(process_id), on_end)
        elif os.name == "posix":
            _look_for(process_id, on_end)
    except (OSError, OverflowError):  # nobody's, no number of a process, a kernel without pidfds
        logger.info("the client's process is not watched")


def _wait_for(pidfd: int, on_end: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(pidfd)
        os.close(pidfd)
        on_end()

    loop.add_reader(pidfd, ended)


def _look_for(process_id: int, on_end: Callable[[], None], *, seen: bool = False) -> None:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        if not seen:
            raise
        on_end()
        return
    except PermissionError:
        pass  # another user's, and there
    asyncio.get_running_loop().call_later(
        LOOK_SECONDS, lambda: _look_for(process_id, on_end, seen=True)
    )
