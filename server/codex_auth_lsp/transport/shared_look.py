"""One look at a keyring for all requests that wait for one: however many, they cost a task.

A request is answered after a look that began later than it came, and within the time that a look
may take, with what is known by then: a keyring that is silent is told as such.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from codex_auth_lsp.failures import log_defect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_auth_lsp.transport.envelope import MessageId, Request

LOOK_SECONDS = 3.1
"""How long a request waits: a moment more than the 3 s after which a store calls it silence."""

logger = logging.getLogger(__name__)

_Group = dict["MessageId", "Request"]


class SharedLook:
    """Looks, and then tells.

    Args:
        look: Brings what is known up to date.
        tell: Answers a request.
    """

    def __init__(
        self, look: Callable[[], Awaitable[None]], tell: Callable[[Request], None]
    ) -> None:
        self._look = look
        self._tell = tell
        self._made_lock: asyncio.Lock | None = None
        self._next: _Group | None = None  # whose look has not begun
        self._groups: dict[asyncio.Task[None], _Group] = {}

    def wait(self, request: Request) -> None:
        """Answer a request after a look."""
        if self._next is None:
            group: _Group = {}
            self._next = group
            task = asyncio.ensure_future(self._serve(group))
            self._groups[task] = group
            task.add_done_callback(self._groups.pop)
        self._next[request.id] = request

    def holds(self, message_id: MessageId) -> bool:
        """Say whether a request of this id waits."""
        return any(message_id in group for group in self._groups.values())

    def release(self, message_id: MessageId) -> bool:
        """Let a request go without an answer; return whether it waited."""
        return any(group.pop(message_id, None) is not None for group in self._groups.values())

    async def settle(self, seconds: float) -> None:
        """Let every request have its answer."""
        for task in tuple(self._groups):
            _, unfinished = await asyncio.wait([task], timeout=seconds)
            if unfinished:
                task.cancel()
                await asyncio.wait(unfinished)

    async def _serve(self, group: _Group) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._looking:
                self._close(group)
                await self._look()
        except TimeoutError:
            pass  # the look before this one has told of the silence
        except Exception as exc:  # noqa: BLE001 - what is known is told all the same
            log_defect(logger, exc)
        finally:
            self._close(group)
            for message_id in tuple(group):
                self._tell(group.pop(message_id))

    @property
    def _looking(self) -> asyncio.Lock:
        """One look at a time; made at the first, since most windows have none."""
        if self._made_lock is None:
            self._made_lock = asyncio.Lock()
        return self._made_lock

    def _close(self, group: _Group) -> None:
        if self._next is group:
            self._next = None
