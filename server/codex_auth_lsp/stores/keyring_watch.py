"""Notice of changes to the keyring, whoever made them, as far as the system tells of them.

On Linux the Secret Service's signals, without a thread and without a timer; on macOS and Windows a
look every 30 s. gnome-keyring sends no signal when an item's secret alone is changed (observed on
version 42.1); the Codex CLI and this server take their lock files for every write, which the watch
on CODEX_HOME hears. A notice means "look again", not "something changed".
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import TYPE_CHECKING

from codex_auth_lsp.clock import Clock, SystemClock
from codex_auth_lsp.stores.session_bus import session_bus_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.stores.keyring_entry import KeyringEntry

KEYRING_POLL_SECONDS = 30.0
"""Between two looks where the system tells nothing, and before a lost bus is tried again."""

logger = logging.getLogger(__name__)


class KeyringWatch:
    """Calls `on_change` after what may be a change to an entry, from the event loop's thread."""

    def __init__(
        self,
        entry: KeyringEntry,
        on_change: Callable[[], None],
        *,
        clock: Clock | None = None,
        platform: str = sys.platform,
    ) -> None:
        self._entry = entry
        self._on_change = on_change
        self._clock = clock or SystemClock()
        self._watch = self._poll if platform in {"darwin", "win32"} else self._listen
        self._task: asyncio.Task[None] | None = None
        self._on_return: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to watch, on the running event loop."""
        loop = asyncio.get_running_loop()

        def on_return() -> None:
            try:
                loop.call_soon_threadsafe(self._on_change)
            except RuntimeError:  # the loop is closed, and nobody listens any more
                pass

        self._entry.on_change = self._on_return = on_return
        self._task = loop.create_task(self._watch())

    async def stop(self) -> None:
        """End the watch."""
        if self._entry.on_change is self._on_return:  # else another watch has begun
            self._entry.on_change = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _poll(self) -> None:
        while True:
            await self._clock.sleep(KEYRING_POLL_SECONDS)
            self._on_change()

    async def _listen(self) -> None:
        from codex_auth_lsp.stores.secret_service_watch import BusLost, listen

        # Without a session bus there is nothing to hear, now or later.
        while (address := session_bus_address()) is not None:
            try:
                await listen(address, self._on_change, self._clock)
            except BusLost as exc:
                logger.info("The keyring's signals are not heard: %s", exc)
            await self._clock.sleep(KEYRING_POLL_SECONDS)
            self._on_change()
