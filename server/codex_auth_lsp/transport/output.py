"""What is on its way to the client: in order, never waited for, and only so much of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from collections.abc import Callable

UNREAD_SECONDS = 30.0
"""How long a client may read nothing of what waits for it before it counts as gone."""

UNREAD_BYTES = 32 * 1024 * 1024
"""How much of it may wait at the most."""

_UNREAD = "the client does not read what it is sent"


class Output(asyncio.BaseProtocol):
    """A pipe that the event loop writes to; `on_end` gets the reason when nobody reads it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_end: Callable[[str], None]) -> None:
        self._loop = loop
        self._on_end = on_end
        self._transport: asyncio.WriteTransport
        self._impatience: asyncio.TimerHandle | None = None
        self._sent_bytes = 0
        self._drained = asyncio.Event()
        self._drained.set()

    @classmethod
    async def open(cls, pipe: BinaryIO, on_end: Callable[[str], None]) -> Self:
        """Return the output to a pipe.

        Raises:
            NotImplementedError, ValueError, OSError: The event loop cannot write to it.
        """
        loop = asyncio.get_running_loop()
        transport, output = await loop.connect_write_pipe(lambda: cls(loop, on_end), pipe)
        transport.set_write_buffer_limits(high=0)
        output._transport = transport
        return output

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._sent_bytes += len(data)
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > UNREAD_BYTES:
            self._on_end(_UNREAD)

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
        """Go on."""
        self._drained.set()
        if self._impatience is not None:
            self._impatience.cancel()

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
