"""What a logout or a save could not do in a locked keyring, made good as soon as it is open.

Nobody waits for it. Where it fails it is tried again after a later look, never without end.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import StoreError
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.stores.abandon import in_own_thread

if TYPE_CHECKING:
    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper
    from codex_auth_lsp.stores.base import Removed

RETRY_SECONDS = 10.0
"""Between two tries of which the first one failed."""

logger = logging.getLogger(__name__)


class Settling:
    """Looks after every look at the login cache whether there is something to make good."""

    def __init__(
        self, cache: LoginCache, keeper: StatusKeeper, revoker: Revoker, clock: Clock
    ) -> None:
        self._cache = cache
        self._keeper = keeper
        self._revoker = revoker
        self._clock = clock
        self._running: asyncio.Task[None] | None = None
        self._not_before = 0.0
        keeper.after_looks(self._on_look)

    async def close(self, seconds: float) -> None:
        """Wait for what is under way, and no longer than `seconds`."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=seconds)

    def _on_look(self) -> None:
        is_free = self._running is None or self._running.done()
        if (
            is_free
            and self._cache.store.is_unsettled
            and self._clock.monotonic() >= self._not_before
        ):
            self._running = asyncio.ensure_future(self._settle())

    async def _settle(self) -> None:
        removed: Removed | None = None
        try:
            with self._keeper.own_change():
                removed = await in_own_thread(self._cache.store.settle)
        except StoreError as exc:
            logger.warning("The keyring still holds an older login: %s", exc.message)
            self._not_before = self._clock.monotonic() + RETRY_SECONDS
        except Exception as exc:  # noqa: BLE001 - nobody waits who could hear of it
            log_defect(logger, exc)
            self._not_before = self._clock.monotonic() + RETRY_SECONDS
        self._keeper.look("storeHealth")
        if removed is not None and isinstance(removed.credential, ChatGptCredential):
            self._revoker.revoke_later(removed.credential)
