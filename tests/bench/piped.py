"""One server process and its pipes, driven without an event loop, so that little else is timed."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.peers import Peer

_LENGTH = re.compile(rb"Content-Length: *(\d+)", re.IGNORECASE)
_CHUNK = 1 << 16
_ANSWER_SECONDS = 60
_EXIT_SECONDS = 20


class Piped:
    """A running server."""

    def __init__(self, peer: Peer, folder: Path) -> None:
        self.peer = peer
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(
            peer.command(folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=dict(peer.environment(folder)),
            bufsize=0,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._in, self._out = self.process.stdin.fileno(), self.process.stdout.fileno()
        self._buffer = bytearray()
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(_EXIT_SECONDS)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def write(self, data: bytes) -> None:
        """Write everything."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._in, view) :]

    @property
    def output(self) -> int:
        """The descriptor on which it speaks."""
        return self._out

    def hears(self, text: bytes) -> bool:
        """Read what has come, unparsed to leave the processors alone; say whether `text` has."""
        self._read()
        is_heard = text in self._buffer
        if is_heard:
            self._buffer.clear()
        return is_heard

    def receive(self) -> dict[str, Any]:
        """Return the next message of the server."""
        while (message := self._next()) is None:
            self._read()
        return message

    def _read(self) -> None:
        data = os.read(self._out, _CHUNK)
        if not data:
            raise EOFError(f"{self.peer.name} has ended")
        self._buffer += data

    def _next(self) -> dict[str, Any] | None:
        if not self.peer.framed:
            line, newline, _ = self._buffer.partition(b"\n")
            if not newline:
                return None
            del self._buffer[: len(line) + 1]
            return json.loads(line)
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        match = _LENGTH.search(self._buffer, 0, end)
        assert match is not None
        length = int(match[1])
        if len(self._buffer) < end + 4 + length:
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        return json.loads(body)

    def answer(self, number: int) -> dict[str, Any]:
        """Return the answer to a request, whatever else comes before it."""
        while True:
            message = self.receive()
            if message.get("id") == number and "method" not in message:
                return message

    def begin(self) -> None:
        """Say `initialize` and wait for its answer, then say `initialized`."""
        peer = self.peer
        self.write(
            peer.encode(
                {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": peer.initialize}
            )
        )
        self.answer(0)
        self.write(peer.encode({"jsonrpc": "2.0", "method": peer.initialized, "params": {}}))

    def ask(self) -> dict[str, Any]:
        """Ask for the state of sign-in once."""
        self._number += 1
        self.write(self.peer.request(self._number))
        return self.answer(self._number)

    def ask_many(self, count: int, window: int) -> tuple[float, int]:
        """Keep up to `window` requests on their way; return the seconds, and how many failed."""
        first, sent, answered, failed = self._number + 1, 0, 0, 0
        self._number += count
        at = time.perf_counter()
        while answered < count:
            room = min(window - (sent - answered), count - sent)
            if room > 0:
                self._send_while_reading(range(first + sent, first + sent + room))
                sent += room
            message = self.receive()
            if isinstance(message.get("id"), int) and "method" not in message:
                answered += 1
                failed += "error" in message
        return time.perf_counter() - at, failed

    def _send_while_reading(self, numbers: range) -> None:
        self.write(b"".join(map(self.peer.request, numbers)))

    def end(self) -> float:
        """Say that it is over, and return the seconds from then until the process is gone."""
        if self.peer.says_shutdown:
            self.write(self.peer.encode({"jsonrpc": "2.0", "id": 10**9, "method": "shutdown"}))
            self.answer(10**9)
            at = time.perf_counter()
            self.write(self.peer.encode({"jsonrpc": "2.0", "method": "exit"}))
        else:
            at = time.perf_counter()
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self._gone() - at

    def _gone(self) -> float:
        """Wait for the end of the process and return when it was; `wait` looks ever more seldom."""
        descriptor = os.pidfd_open(self.process.pid)
        try:
            ended, _, _ = select.select([descriptor], [], [], _EXIT_SECONDS)
            at = time.perf_counter()
        finally:
            os.close(descriptor)
        if not ended:
            raise TimeoutError("a server does not end")
        self.process.wait()
        return at

    def pss(self) -> float:
        """Return the proportional memory of it and its children, in MiB."""
        return sum(_pss(pid) for pid in _tree(self.process.pid))

    def cpu_seconds(self) -> float:
        """Return the processor time of it and its children so far."""
        ticks = 0
        for pid in _tree(self.process.pid):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def wake_ups(self) -> dict[str, int]:
        """Return how often each of its threads has gone to sleep so far."""
        return {
            task.name: int(line.split()[1])
            for task in Path(f"/proc/{self.process.pid}/task").iterdir()
            for line in (task / "status").read_text().splitlines()
            if line.startswith("voluntary_ctxt_switches")
        }


def woken_since(before: Mapping[str, int], now: Mapping[str, int]) -> int:
    """Return how often threads have woken meanwhile; of those that have ended nobody knows."""
    return sum(count - before.get(thread, 0) for thread, count in now.items())


def _pss(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+) kB", rollup, re.MULTILINE)[1]) / 1024  # type: ignore[index]


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(descendant for child in children for descendant in _tree(int(child)))]
