"""How the process runs its event loop and ends: nothing that hangs holds it up.

A resolver that never answers sits in a thread that no deadline reaches, and a stderr that nobody
reads takes no more once its pipe is full.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

LEAVE_SECONDS = 1.0
"""How long the last lines on stdout and stderr may take to be read."""

T = TypeVar("T")

_kept: list[asyncio.Runner] = []  # a task that still waits would complain when it is collected


class ProcessFailed(Exception):
    """The process ends with status 1 and this one line on stderr."""


def leave_no_core_dump() -> None:
    """Let a crash of this process write no copy of its memory, where there are tokens.

    What it starts inherits that, and may raise the limit again.
    """
    if sys.platform != "win32":
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(
                resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1])
            )


def prepare_streams() -> None:
    """Let a stream that is closed be an empty one, and one that knows few letters take all texts.

    What a command has done does not fail because nobody can read of it. An open stream also keeps
    its number from a file that is opened later.
    """
    for name in ("stdin", "stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            mode = "r" if name == "stdin" else "w"
            nothing = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - it stays open
            setattr(sys, name, nothing)
        elif name != "stdin" and isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def collect_garbage() -> None:
    """Look for garbage from now on, and not among what was loaded until now."""
    gc.freeze()
    gc.enable()


def others_wait() -> bool:
    """Say whether more wants a processor now than there are; False where the system is silent."""
    try:
        running = Path("/proc/loadavg").read_text().split()[3]  # proc(5): running/all
        return int(running.partition("/")[0]) > (os.cpu_count() or 1)
    except (OSError, ValueError, IndexError):
        return False


def run_to_end(
    coroutine: Coroutine[Any, Any, T], *, stopped_by: Iterable[str] = ("SIGTERM", "SIGHUP")
) -> T:
    """Return the result, as `asyncio.run` does, and wait for no thread; `leave` must follow.

    Args:
        coroutine: The work.
        stopped_by: The signals that end the work in order; Ctrl-C does so by itself.
    """
    runner = asyncio.Runner()
    _kept.append(runner)
    try:
        return runner.run(_until_ended(coroutine, stopped_by))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _until_ended(coroutine: Coroutine[Any, Any, T], stopped_by: Iterable[str]) -> T:
    task = asyncio.ensure_future(coroutine)
    call_on_signals(stopped_by, task.cancel)
    return await task


def call_on_signals(names: Iterable[str], action: Callable[[], object]) -> None:
    """Call `action` from the running event loop when one of these signals comes.

    `loop.add_signal_handler` would load `inspect` for it, and is not there on Windows.
    """
    loop = asyncio.get_running_loop()

    def tell(*_: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the end is near
            loop.call_soon_threadsafe(action)

    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    if numbers and os.name == "posix":
        _wake_on_signals(loop)
    for number in numbers:
        signal.signal(number, tell)


def _wake_on_signals(loop: asyncio.AbstractEventLoop) -> None:
    """Let every signal end the wait of an event loop, also one that comes as that begins."""
    told, teller = os.pipe()
    for end in (told, teller):
        os.set_blocking(end, False)
    loop.add_reader(told, os.read, told, 64)
    signal.set_wakeup_fd(teller, warn_on_full_buffer=False)


def leave(status: int, last_line: str | None = None) -> NoReturn:
    """End the process without taking the interpreter apart, which costs more than all the rest."""
    watchdog = threading.Timer(LEAVE_SECONDS, os._exit, [status])
    watchdog.daemon = True
    with suppress(RuntimeError):  # the system gives no thread: then it has to go without
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
