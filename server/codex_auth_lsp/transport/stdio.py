"""The process's stdin and stdout, taken for frames alone.

Once claimed, file descriptor 0 reads nothing and 1 leads to stderr, so that neither `print`, a
library nor a child process can read or write what belongs to the conversation. Where the event
loop cannot wait for them (Windows, a regular file), a thread reads and writes block. The loop's own
pipe transport would do for reading, but takes fresh memory from the system for each message.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

UNREAD_SECONDS = 30.0
"""How long a client may read nothing of what waits for it before it counts as gone."""

UNREAD_BYTES = 32 * 1024 * 1024
"""How much of it may wait at the most."""

_CHUNK = 64 * 1024


class Stdio:
    """The two pipes. `on_data` gets every chunk, `on_end` the reason when one of them ends."""

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        self._on_data = on_data
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._input, self._output = _claim()
        self._is_read_by_loop = False
        self._writing: asyncio.WriteTransport | None = None
        self._impatience: asyncio.TimerHandle | None = None
        self._sent_bytes = 0
        self._gathered: list[bytes] | None = None
        self._drained = asyncio.Event()
        self._drained.set()

    async def open(self) -> None:
        """Begin to read, and be ready to write."""
        try:
            self._writing, _ = await self._loop.connect_write_pipe(
                lambda: _OutputProtocol(self), self._output
            )
        except (NotImplementedError, ValueError, OSError):
            self._writing = None
        else:
            self._writing.set_write_buffer_limits(high=0)
        descriptor = self._input.fileno()
        try:
            self._loop.add_reader(descriptor, self._read)
        except (NotImplementedError, OSError):
            threading.Thread(target=self._read_in_thread, daemon=True).start()
        else:
            os.set_blocking(descriptor, False)
            self._is_read_by_loop = True

    def write(self, data: bytes) -> None:
        """Send bytes in order, without waiting."""
        if self._gathered is not None:
            self._gathered.append(data)
        else:
            self._write_now(data)

    def _write_now(self, data: bytes) -> None:
        if self._writing is None:
            self._write_blocking(data)
            return
        self._sent_bytes += len(data)
        self._writing.write(data)
        if self._writing.get_write_buffer_size() > UNREAD_BYTES:
            self._on_end("the client does not read what it is sent")

    async def flush(self, seconds: float) -> None:
        """Wait until all is written, and no longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        except TimeoutError:
            pass

    def stop_reading(self) -> None:
        """Take nothing more in."""
        if self._is_read_by_loop:
            self._is_read_by_loop = False
            self._loop.remove_reader(self._input.fileno())

    def _read(self) -> None:
        try:
            data = os.read(self._input.fileno(), _CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            self.stop_reading()
            self._on_end("the client closed its end")

    def _take(self, data: bytes) -> None:
        """Take a chunk in, and send all that is answered to it at once, in one write."""
        self._gathered = []
        try:
            self._on_data(data)
        finally:
            gathered, self._gathered = self._gathered, None
            if gathered:
                self._write_now(b"".join(gathered))

    def output_paused(self) -> None:
        """Wait for the client to read, for a time."""
        self._drained.clear()
        if self._writing is not None:
            self._await_reader(self._writing)

    def output_resumed(self) -> None:
        """Go on."""
        self._drained.set()
        if self._impatience is not None:
            self._impatience.cancel()

    def output_lost(self) -> None:
        """Tell that nobody will read any more."""
        self.output_resumed()
        self._on_end("the client closed its end")

    def _await_reader(
        self, writing: asyncio.WriteTransport, taken_before: int | None = None
    ) -> None:
        taken = self._sent_bytes - writing.get_write_buffer_size()
        if taken == taken_before:
            self._on_end("the client does not read what it is sent")
        else:
            self._impatience = self._loop.call_later(
                UNREAD_SECONDS, self._await_reader, writing, taken
            )

    def _read_in_thread(self) -> None:
        while data := os.read(self._input.fileno(), _CHUNK):
            self._loop.call_soon_threadsafe(self._take, data)
        self._loop.call_soon_threadsafe(self._on_end, "the client closed its end")

    def _write_blocking(self, data: bytes) -> None:
        try:
            self._output.write(data)
            self._output.flush()
        except OSError:
            self._on_end("the client closed its end")


class _OutputProtocol(asyncio.BaseProtocol):
    def __init__(self, stdio: Stdio) -> None:
        self._stdio = stdio

    def pause_writing(self) -> None:
        self._stdio.output_paused()

    def resume_writing(self) -> None:
        self._stdio.output_resumed()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._stdio.output_lost()


def _claim() -> tuple[BinaryIO, BinaryIO]:
    sys.stdout.flush()
    own_input, own_output = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(own_input, "rb", buffering=0), os.fdopen(own_output, "wb", buffering=0)
