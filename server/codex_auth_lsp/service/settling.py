"""What a logout or a save could not do in a locked keyring, made good as soon as it is open.

Nobody waits for it. Where it fails it is tried again a few times, and after a later look.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import StoreError
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.stores.abandon import in_own_thread

if TYPE_CHECKING:
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper

_DELAYS = (0.0, 1.0, 5.0, 30.0)  # seconds before each try; after a later look it begins anew

logger = logging.getLogger(__name__)


class Settling:
    """Looks after every look at the login cache whether there is something to make good."""

    def __init__(self, cache: LoginCache, keeper: StatusKeeper, revoker: Revoker) -> None:
        self._cache = cache
        self._keeper = keeper
        self._revoker = revoker
        self._running: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        keeper.after_looks(self.look)

    def look(self) -> None:
        """Begin, if there is something to make good."""
        is_free = self._running is None or self._running.done()
        if is_free and not self._ending.is_set() and self._cache.watched_store.is_unsettled:
            self._running = asyncio.ensure_future(self._settle())

    async def close(self, seconds: float) -> None:
        """Wait for what is under way, and no longer than `seconds`."""
        self._ending.set()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=seconds)

    async def _settle(self) -> None:
        for delay in _DELAYS:
            await self._pause(delay)
            if self._ending.is_set() or not self._cache.watched_store.is_unsettled:
                return
            if await self._try():
                return

    async def _try(self) -> bool:
        cause = "logout" if self._cache.hides_leftover else "storeHealth"
        try:
            with self._keeper.own_change():
                removed = await in_own_thread(self._cache.watched_store.settle)
        except StoreError as exc:
            logger.warning("The keyring still holds an older login: %s", exc.message)
            return False
        except Exception as exc:  # noqa: BLE001 - nobody waits who could hear of it
            log_defect(logger, exc)
            return False
        self._keeper.look(cause)
        if removed is not None and isinstance(removed.credential, ChatGptCredential):
            self._revoker.revoke_later(removed.credential)
        return True

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()
