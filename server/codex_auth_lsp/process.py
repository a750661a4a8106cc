"""How the process runs its event loop and ends: nothing that hangs holds it up.

A resolver that never answers sits in a thread that no deadline reaches, and a stderr that nobody
reads takes no more once its pipe is full.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

LEAVE_SECONDS = 1.0
"""How long the last lines on stdout and stderr may take to be read."""

T = TypeVar("T")

_kept: list[asyncio.Runner] = []  # a task that still waits would complain when it is collected


class ProcessFailed(Exception):
    """The process ends with status 1 and this one line on stderr."""


def keep_secrets_out_of_core_dumps() -> None:
    """Let the system write none of this process: its memory holds credentials.

    Only the soft limit changes, so that a program that is started from here may have its own.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    with suppress(OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def run_to_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result, as `asyncio.run` does, and wait for no thread; `leave` must follow."""
    runner = asyncio.Runner()
    _kept.append(runner)
    try:
        return runner.run(_until_ended(coroutine))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _until_ended(coroutine: Coroutine[Any, Any, T]) -> T:
    """Let the signals that end a process end the work in order; Ctrl-C does so by itself."""
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(coroutine)
    for name in ("SIGTERM", "SIGHUP"):
        with suppress(NotImplementedError, AttributeError):  # Windows
            loop.add_signal_handler(getattr(signal, name), task.cancel)
    return await task


def leave(status: int, last_line: str | None = None) -> NoReturn:
    """End the process without taking the interpreter apart, which costs more than all the rest."""
    watchdog = threading.Timer(LEAVE_SECONDS, os._exit, [status])
    watchdog.daemon = True
    watchdog.start()
    try:
        if last_line is not None:
            sys.stderr.write(f"{last_line}\n")
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):
        pass  # whoever read it has gone
    os._exit(status)
