"""The process's stdin and stdout, taken for frames alone.

Once claimed, file descriptor 0 reads nothing and 1 leads to stderr, so that neither `print`, a
library nor a child process can read or write what belongs to the conversation. Where the event
loop cannot wait for them (Windows, a regular file, /dev/null), a thread reads and writes block.
While much waits for a client that reads slowly, nothing more is taken in.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
import threading
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

UNREAD_SECONDS = 30.0
"""How long a client may read nothing of what waits for it before it counts as gone."""

FULL_BYTES = 48 * 1024 * 1024
"""How much of it may wait before requests do: more than the answers to 20,000 at once."""

UNREAD_BYTES = 64 * 1024 * 1024
"""How much of it may wait at the most, when there are notifications and late answers, too."""

_CHUNK = 64 * 1024


class Stdio(asyncio.Protocol):
    """The two pipes, or one socket that is both.

    `on_data` gets every chunk, and an empty one when `is_full` ends; `on_end` the reason when one
    of them ends.
    """

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        self._on_data = on_data
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._input, self._output = _claim()
        self.is_full = False
        """Whether so much waits to be read that nothing more should be done for now."""
        self._reading: asyncio.ReadTransport | None = None
        self._writing: asyncio.WriteTransport | None = None
        self._room = threading.Event()  # for the thread that reads
        self._room.set()
        self._impatience: asyncio.TimerHandle | None = None
        self._sent_bytes = 0
        self._drained = asyncio.Event()
        self._drained.set()

    async def open(self) -> None:
        """Begin to read, and be ready to write."""
        if _are_one_socket(self._input, self._output):
            await self._open_socket()
            return
        try:
            self._writing, _ = await self._loop.connect_write_pipe(
                lambda: _OutputProtocol(self), self._output
            )
        except (NotImplementedError, ValueError, OSError):
            self._writing = None
        else:
            self._writing.set_write_buffer_limits(high=0)
        try:
            # asyncio itself finds out too late that it cannot wait for a device such as /dev/null.
            self._loop.add_reader(self._input, lambda: None)
            self._loop.remove_reader(self._input)
            self._reading, _ = await self._loop.connect_read_pipe(lambda: self, self._input)
        except (NotImplementedError, ValueError, OSError):
            threading.Thread(target=self._read_in_thread, daemon=True).start()

    async def _open_socket(self) -> None:
        # As two pipes it would not do: one that is written to must not have anything to read.
        both = socket.socket(fileno=os.dup(self._output.fileno()))
        both.setblocking(False)
        transport, _ = await self._loop.create_connection(lambda: self, sock=both)
        transport.set_write_buffer_limits(high=0)
        self._reading = self._writing = transport

    def write(self, data: bytes) -> None:
        """Send bytes in order, without waiting."""
        if self._writing is None:
            self._write_blocking(data)
            return
        self._sent_bytes += len(data)
        self._writing.write(data)
        unread = self._writing.get_write_buffer_size()
        if unread > UNREAD_BYTES:
            self._on_end("the client does not read what it is sent")
        elif unread > FULL_BYTES and not self.is_full:
            self.is_full = True
            if self._reading is not None:
                self._reading.pause_reading()

    async def flush(self, seconds: float) -> None:
        """Wait until all is written, and no longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        except TimeoutError:
            pass

    def stop_reading(self) -> None:
        """Take nothing more in."""
        if self._reading is None:
            return
        if isinstance(self._reading, asyncio.WriteTransport):  # the last answers leave by it
            self._reading.pause_reading()
        else:
            self._reading.close()

    def data_received(self, data: bytes) -> None:
        """Take a chunk in."""
        self._on_data(data)

    def eof_received(self) -> bool:
        """Tell of the end; a socket may still be written to."""
        self._on_end("the client closed its end")
        return True

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell of the end."""
        self._on_end("the client closed its end")

    def pause_writing(self) -> None:
        """Wait for the client to read, for a time."""
        self._drained.clear()
        if self._writing is not None:
            self._await_reader(self._writing)

    def resume_writing(self) -> None:
        """Go on, also with what waited for room."""
        self._drained.set()
        if self._impatience is not None:
            self._impatience.cancel()
        if self.is_full:
            self.is_full = False
            if self._reading is not None:
                self._reading.resume_reading()
            self._loop.call_soon(self._take, b"")

    def output_lost(self) -> None:
        """Tell that nobody will read any more."""
        self.resume_writing()
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
            self._room.wait()
            self._room.clear()
            self._loop.call_soon_threadsafe(self._take, data)
        self._loop.call_soon_threadsafe(self._on_end, "the client closed its end")

    def _take(self, data: bytes) -> None:
        self._on_data(data)
        if not self.is_full:
            self._room.set()

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
        self._stdio.pause_writing()

    def resume_writing(self) -> None:
        self._stdio.resume_writing()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._stdio.output_lost()


def _are_one_socket(one: BinaryIO, other: BinaryIO) -> bool:
    """Say whether both are the same socket, as socat and inetd hand them over."""
    found = os.fstat(one.fileno())
    return stat.S_ISSOCK(found.st_mode) and os.path.samestat(found, os.fstat(other.fileno()))


def _claim() -> tuple[BinaryIO, BinaryIO]:
    sys.stdout.flush()
    own_input, own_output = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(own_input, "rb", buffering=0), os.fdopen(own_output, "wb", buffering=0)
