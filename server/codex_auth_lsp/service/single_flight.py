"""One run of a piece of work for all in this process who want it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from codex_auth_lsp.clock import Clock


class SingleFlight:
    """The run that is under way, if there is one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: asyncio.Task[bool] | None = None
        self._since = 0.0
        self.is_asked = False
        """Whether somebody waits for it who asked for it."""

    def join(
        self, work: Callable[[], Coroutine[Any, Any, bool]], *, unasked: bool = False
    ) -> asyncio.Task[bool]:
        """Return the run that is under way, else a new one; it must be shielded."""
        if self._running is None or self._running.done():
            self.is_asked = False
            self._since = self._clock.monotonic()
            self._running = asyncio.ensure_future(work())
            # Nobody may be left to hear how it ends.
            self._running.add_done_callback(lambda task: task.cancelled() or task.exception())
        self.is_asked = self.is_asked or not unasked
        return self._running

    async def is_done_within(self, seconds: float) -> bool:
        """Wait until the run that is under way is so old; return whether it has ended."""
        running = self._running
        if running is None:
            return True
        left = self._since + seconds - self._clock.monotonic()
        timer = asyncio.ensure_future(self._clock.sleep(max(left, 0.0)))
        try:
            await asyncio.wait([running, timer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        return running.done()

    async def close(self, seconds: float) -> None:
        """Wait for the end of what is under way, and no longer than `seconds`."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=seconds)
