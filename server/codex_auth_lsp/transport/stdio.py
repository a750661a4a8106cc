"""The process's stdin and stdout, taken for frames alone.

Once claimed, file descriptor 0 reads nothing and 1 leads to stderr, so that neither `print`, a
library nor a child process can read or write what belongs to the conversation. Where the event
loop cannot wait for them (Windows, a regular file, /dev/null), a thread reads and writes block. The
loop's own pipe transport would do for reading, but takes fresh memory from the system each time.
While much waits for a client that reads slowly, nothing more is taken in.
"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.transport.output import Output

_CHUNK = 64 * 1024
_GATHERED_BYTES = 32 * 1024  # of answers for one write: half of what a pipe holds
_CLOSED = "the client closed its end"


class Stdio:
    """The two pipes, or one socket that is both.

    `on_data` gets every chunk, and an empty one when `is_full` ends; `on_end` the reason when one
    of them ends.
    """

    def __init__(self, on_data: Callable[[bytes], None], on_end: Callable[[str], None]) -> None:
        self._on_data = on_data
        self._on_end = on_end
        self._input, self._output = _claim()
        self._were_blocking = {
            stream: os.get_blocking(stream.fileno())
            for stream in (self._input, self._output)
            if os.name == "posix"
        }
        self._reading_loop: asyncio.AbstractEventLoop | None = None
        self._writing: Output | None = None
        self._gathered: bytearray | None = None
        self._room = threading.Event()  # for the thread that reads
        self._room.set()
        self._waits_for_room = False
        self._is_early = False
        self._unsent = b""

    def has_input(self, seconds: float) -> bool:
        """Say whether anything comes within a time, or the end; without an event loop.

        False where pipes cannot be waited for: on Windows.
        """
        try:
            poll = select.poll()
            poll.register(self._input.fileno(), select.POLLIN)
            return bool(poll.poll(seconds * 1e3))
        except (AttributeError, OSError, ValueError):
            return False

    def take_early(self) -> bool:
        """Take in what has come, without an event loop; return whether that was not the end.

        What is answered to it is written as far as the client takes it. The rest, and an end of the
        input, is left for the event loop.
        """
        try:
            os.set_blocking(self._output.fileno(), False)
            self._is_early = True
            data = os.read(self._input.fileno(), _CHUNK)
        except OSError:
            return False
        if data:
            self._take(data)
        return bool(data)

    async def open(self) -> None:
        """Begin to read, and be ready to write."""
        from codex_auth_lsp.transport.output import Output  # brings in the event loop

        loop = asyncio.get_running_loop()
        try:
            self._writing = await Output.open(
                self._output,
                self._on_end,
                lambda: self._go_on(loop),
                is_read_too=_are_one_socket(self._input, self._output),
            )
        except (NotImplementedError, ValueError, OSError):
            self._writing = None
            if self._is_early:
                os.set_blocking(self._output.fileno(), True)
        self._is_early = False
        if self._unsent:
            self._write_now(self._unsent)
        try:
            self._read_by(loop)
            os.set_blocking(self._input.fileno(), False)
        except (NotImplementedError, OSError):
            threading.Thread(target=self._read_in_thread, args=[loop], daemon=True).start()

    def _read_by(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.add_reader(self._input.fileno(), self._read)
        self._reading_loop = loop

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be read that nothing more should be done for now."""
        if self._writing is None:
            return self._is_early and bool(self._unsent)
        return self._writing.is_full

    def _go_on(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._waits_for_room:
            self._waits_for_room = False
            self._read_by(loop)
        loop.call_soon(self._take, b"")

    def write(self, data: bytes) -> None:
        """Send bytes in order, without waiting."""
        if self._gathered is None:
            self._write_now(data)
            return
        self._gathered += data
        if len(self._gathered) > _GATHERED_BYTES:
            self._send_gathered()

    async def flush(self, seconds: float) -> None:
        """Wait until all is written, and no longer than `seconds`."""
        if self._writing is not None:
            await self._writing.flush(seconds)

    def give_back(self) -> None:
        """Let the pipes block as they did: a terminal, or a shell's other programs, go on there."""
        for stream, was_blocking in self._were_blocking.items():
            with suppress(OSError, ValueError):
                os.set_blocking(stream.fileno(), was_blocking)

    def stop_reading(self) -> None:
        """Take nothing more in."""
        self._waits_for_room = False
        if self._reading_loop is not None:
            self._reading_loop.remove_reader(self._input.fileno())
            self._reading_loop = None

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
            self._on_end(_CLOSED)

    def _take(self, data: bytes) -> None:
        """Take a chunk in, and send what is answered to it together."""
        self._gathered = bytearray()
        try:
            self._on_data(data)
        finally:
            self._send_gathered()
            self._gathered = None
        if not self.is_full:
            self._room.set()
        elif self._reading_loop is not None:
            self.stop_reading()
            self._waits_for_room = True

    def _send_gathered(self) -> None:
        if self._gathered:
            data, self._gathered = bytes(self._gathered), bytearray()
            self._write_now(data)

    def _read_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(OSError):  # nothing that can be read
            while data := os.read(self._input.fileno(), _CHUNK):
                self._room.wait()
                self._room.clear()
                loop.call_soon_threadsafe(self._take, data)
        loop.call_soon_threadsafe(self._on_end, _CLOSED)

    def _write_now(self, data: bytes) -> None:
        if self._writing is not None:
            self._writing.write(data)
            return
        try:
            if self._is_early:
                self._write_early(data)
            else:
                self._output.write(data)
                self._output.flush()
        except OSError:
            self._on_end(_CLOSED)

    def _write_early(self, data: bytes) -> None:
        try:
            sent = 0 if self._unsent else os.write(self._output.fileno(), data)
        except BlockingIOError:
            sent = 0
        self._unsent += data[sent:]


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
