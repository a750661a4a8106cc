"""What is on its way to the client: in order, never waited for, and only so much of it."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from collections.abc import Callable

UNREAD_SECONDS = 30.0
"""How long a client may read nothing of what waits for it before it counts as gone."""

FULL_BYTES = 48 * 1024 * 1024
"""How much of it may wait before requests do: more than the answers to 20,000 at once."""

UNREAD_BYTES = 64 * 1024 * 1024
"""How much of it may wait at the most, when there are notifications and late answers, too."""

_UNREAD = "the client does not read what it is sent"


class Output(asyncio.Protocol):
    """What the event loop writes to.

    Args:
        on_end: Gets the reason when nobody reads it.
        on_room: Called when `is_full` ends.
        is_read_too: Whether it is a socket from which somebody else reads.
    """

    def __init__(
        self, on_end: Callable[[str], None], on_room: Callable[[], None], *, is_read_too: bool
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._on_room = on_room
        self._is_read_too = is_read_too
        self._transport: asyncio.WriteTransport
        self._impatience: asyncio.TimerHandle | None = None
        self._sent_bytes = 0
        self._drained = asyncio.Event()
        self._drained.set()
        self.is_full = False
        """Whether so much waits to be read that nothing more should be done for now."""

    @classmethod
    async def open(
        cls,
        pipe: BinaryIO,
        on_end: Callable[[str], None],
        on_room: Callable[[], None],
        *,
        is_read_too: bool,
    ) -> Self:
        """Return the output to a pipe, or to a socket that also is the input.

        Raises:
            NotImplementedError, ValueError, OSError: The event loop cannot write to it.
        """
        loop = asyncio.get_running_loop()
        output = cls(on_end, on_room, is_read_too=is_read_too)
        transport: asyncio.WriteTransport
        if is_read_too:
            # As a pipe it would not do: one that is written to must not have anything to read.
            both = socket.socket(fileno=os.dup(pipe.fileno()))
            both.setblocking(False)
            transport, _ = await loop.create_connection(lambda: output, sock=both)
        else:
            transport, _ = await loop.connect_write_pipe(lambda: output, pipe)
        transport.set_write_buffer_limits(high=0)
        output._transport = transport
        return output

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Leave what comes by the same socket to whoever reads it."""
        if self._is_read_too and isinstance(transport, asyncio.ReadTransport):
            transport.pause_reading()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._sent_bytes += len(data)
        self._transport.write(data)
        unread = self._transport.get_write_buffer_size()
        if unread > UNREAD_BYTES:
            self._on_end(_UNREAD)
        elif unread > FULL_BYTES:
            self.is_full = True

    async def flush(self, seconds: float) -> None:
        """Wait until all is written, and no longer than `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._drained.wait()
        except TimeoutError:
            pass

    def pause_writing(self) -> None:
        """Wait for the client to read, for a time."""
        self._drained.clear()
        self._await_reader()

    def resume_writing(self) -> None:
        """Go on, also with what waited for room."""
        self._drained.set()
        if self._impatience is not None:
            self._impatience.cancel()
        if self.is_full:
            self.is_full = False
            self._on_room()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell that nobody will read any more."""
        self.resume_writing()
        self._on_end("the client closed its end")

    def _await_reader(self, taken_before: int | None = None) -> None:
        taken = self._sent_bytes - self._transport.get_write_buffer_size()
        if taken == taken_before:
            self._on_end(_UNREAD)
        else:
            self._impatience = self._loop.call_later(UNREAD_SECONDS, self._await_reader, taken)
