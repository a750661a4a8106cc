"""strace at a running process: what it calls, and a signal or an error in the place of one call.

strace counts the calls of each kind for each thread apart, so a call is named by thread, kind and
ordinal. Threads are traced by their ids, so that the calls of one do not hide those of another.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from prove.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

RENAME = "rename,renameat,renameat2"

_LINE = re.compile(r"(?:(?P<thread>\d+) +)?(?P<at>\d+\.\d+) (?P<call>\w+)\((?P<rest>.*)")
_EXIT_SECONDS = 10.0


class TraceError(Exception):
    """strace could not do it; the text is its own."""


@dataclass(frozen=True, slots=True)
class Call:
    """A system call that was made."""

    at: float
    thread: str
    """The thread's id where several are traced at once, else empty."""
    name: str
    text: str
    """Arguments and result as strace shows them."""

    @property
    def returned(self) -> bool:
        """Whether it came back, and not with an error."""
        result = re.search(r"\) += (-?\d+|0x[0-9a-f]+)", self.text)
        return result is not None and not result[1].startswith("-")


class Tracer:
    """One strace."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    @classmethod
    async def attach(
        cls,
        pid: int,
        threads: Sequence[int],
        log: Path,
        *,
        follow: bool = False,
        inject: str | None = None,
    ) -> Tracer:
        """Trace threads of a process; return when all of them are traced.

        Args:
            pid: The process.
            threads: The threads' ids; that of the first one is `pid`.
            log: Where the calls go.
            follow: Trace the threads that come later, too.
            inject: What strace's `inject=` takes.

        Raises:
            TraceError: This machine does not let a process be traced, or strace is missing.
        """
        words = ["strace", "-qq", "-ttt", "-s", "40", "-o", str(log)]
        words += ["-f"] if follow else []
        words += ["-e", f"inject={inject}"] if inject else []
        words += [word for thread in threads for word in ("-p", str(thread))]
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        tracer = cls(process, log)

        def ready() -> bool:
            return process.returncode is not None or all(
                _is_traced(pid, thread) for thread in threads
            )

        await until(ready, "strace to attach")
        complaint = await tracer._said() if process.returncode is not None else ""
        if complaint:
            raise TraceError(complaint)
        return tracer  # which may be over: what it injects can end the process at once

    async def detach(self) -> list[Call]:
        """Let the process go; return what it called."""
        if self._process.returncode is None:
            self._send(signal.SIGTERM)
        return await self._result()

    async def outlive(self) -> list[Call]:
        """Wait for the end of a tracer whose process is dead; return what that called.

        It must not be told to end just then: strace 6.1 could wait for ever for a process whose
        other thread it has not yet let go (observed).
        """
        return await self._result()

    async def _result(self) -> list[Call]:
        try:
            await asyncio.wait_for(self._process.wait(), _EXIT_SECONDS)
        except TimeoutError:
            self._send(signal.SIGKILL)  # the kernel lets go of what it has traced
            await self._process.wait()
        return read_calls(self._log)

    def _send(self, number: signal.Signals) -> None:
        # Not `send_signal()`: it looks whether the child has ended, and so can take the news away
        # from the one that waits for it.
        try:
            os.kill(self._process.pid, number)
        except ProcessLookupError:
            pass

    async def _said(self) -> str:
        assert self._process.stderr is not None
        return (await self._process.stderr.read()).decode("utf-8", "replace").strip()


def read_calls(log: Path) -> list[Call]:
    """Return the calls of a log in their order; a call that was cut in two is one."""
    calls: list[Call] = []
    unfinished: dict[str, int] = {}
    for line in log.read_text("utf-8", "replace").splitlines():
        resumed = re.match(r"(?:(\d+) +)?\d+\.\d+ <\.\.\. \w+ resumed>(.*)", line)
        if resumed is not None:
            index = unfinished.pop(resumed[1] or "", None)
            if index is not None:
                first = calls[index]
                calls[index] = Call(first.at, first.thread, first.name, first.text + resumed[2])
            continue
        match = _LINE.match(line)
        if match is None:
            continue
        text = match["rest"]
        thread = match["thread"] or ""
        if text.endswith("<unfinished ...>"):
            unfinished[thread] = len(calls)
            text = text.removesuffix("<unfinished ...>")
        calls.append(Call(float(match["at"]), thread, match["call"], text))
    return calls


def threads_of(pid: int) -> list[int]:
    """Return the ids of a process's threads, the first one first."""
    threads = {int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()}
    return [pid, *sorted(threads - {pid})]


def _is_traced(pid: int, thread: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/task/{thread}/status").read_text()
    except OSError:
        return True  # it has ended, which strace will say
    return re.search(r"^TracerPid:\t0$", status, re.MULTILINE) is None
