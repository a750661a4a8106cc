"""The moment from which a window is told things: its first status, cause `startup`.

A client may ask for something before it has said `initialized`, and a keyring may take its time to
say who is signed in. What would be told before then waits, a login with its first step. A client
that never says `initialized` is waited for no longer than `PATIENCE_SECONDS`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS = 5.0


class Opening:
    """Open from the beginning, where nobody holds it: a terminal has no first status."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: list[Callable[[], None]] = []
        self._patience: asyncio.TimerHandle | None = None

    def hold(self) -> None:
        """Let everything wait from now on, until `open`."""
        self._held = True

    def open(self) -> None:
        """Let everything go on, in the order in which it came."""
        self._held = False
        if self._patience is not None:
            self._patience.cancel()
        waiting, self._waiting = self._waiting, []
        for action in waiting:
            action()

    def after(self, action: Callable[[], None]) -> None:
        """Call `action` now, or once it is open."""
        if not self._held:
            action()
            return
        self._waiting.append(action)
        if self._patience is None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(PATIENCE_SECONDS, self.open)

    async def passed(self) -> None:
        """Return once it is open."""
        if self._held:
            opened = asyncio.Event()
            self.after(opened.set)
            await opened.wait()
