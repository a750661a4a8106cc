"""The turn to renew a login, which one of our processes has at a time.

Who waits for it looks at the store meanwhile, for the one whose turn it is renews the login for
all. A look that the watch on the cache has caused is news at once; that the one whose turn it was
has given up, or has ended, nothing tells.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import LockTimedOut, ShuttingDown
from codex_auth_lsp.service.refresh_rules import Turn, judge_turn
from codex_auth_lsp.stores.file import write_error
from codex_auth_lsp.stores.lock import Turnstile
from codex_auth_lsp.stores.lock_holder import who_keeps

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.status_keeper import StatusKeeper

TURN_SECONDS = 30.0
"""How long to wait for another window that renews the login: as long as a request may take."""

_LOOK_SECONDS = 0.25  # between two looks at whether the other window has given up


class RefreshTurn:
    """The place of this process in the line."""

    def __init__(self, cache: LoginCache, keeper: StatusKeeper, clock: Clock) -> None:
        self._cache = cache
        self._keeper = keeper
        self._clock = clock
        self._turnstile = Turnstile(lambda: cache.refresh_lock_path)
        self._ending = False
        self._news = asyncio.Event()
        keeper.after_looks(self._news.set)

    async def take(self, seen: ChatGptCredential) -> bool:
        """Wait for our turn; return False as soon as there is nothing left to do in it.

        Raises:
            LockTimedOut: Another window does not come to an end.
            StoreError: The lock cannot be made.
            ShuttingDown: The process ends, and nothing is spent yet.
        """
        deadline = self._clock.monotonic() + TURN_SECONDS
        try:
            while not self._turnstile.try_enter():
                await self._cache.sync()
                self._keeper.look()
                if self._is_done(seen):
                    return False
                if self._ending:
                    raise ShuttingDown
                if self._clock.monotonic() >= deadline:
                    raise self._given_up()
                await self._wait_for_news()
                if self._is_done(seen):
                    return False
        except OSError as exc:
            raise write_error(exc, self._path) from exc
        return True

    def _is_done(self, seen: ChatGptCredential) -> bool:
        return judge_turn(seen, self._keeper.view.snapshot.credential) is not Turn.SPEND

    async def _wait_for_news(self) -> None:
        self._news.clear()
        waits = [
            asyncio.ensure_future(self._news.wait()),
            asyncio.ensure_future(self._clock.sleep(_LOOK_SECONDS)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    @property
    def _path(self) -> Path:
        return self._cache.refresh_lock_path or self._cache.home.path

    def _given_up(self) -> LockTimedOut:
        of_folder = who_keeps(self._path.parent, otherwise="Another window")
        keeper = who_keeps(self._path, otherwise=of_folder)
        return LockTimedOut(f"{keeper} keeps renewing the login; try again soon.")

    def leave(self) -> None:
        """Let the next one in."""
        self._turnstile.leave()

    def is_free(self) -> bool | None:
        """Say whether nobody has the turn, None where that cannot be told."""
        try:
            is_free = self._turnstile.try_enter()
        except OSError:
            return None
        if is_free:
            self._turnstile.leave()
        return is_free

    def close(self) -> None:
        """Wait for no turn any more."""
        self._ending = True
        self._news.set()
