"""The dispatcher, whose libraries are loaded on a thread with the first request that needs it.

They take a good part of a second of a busy machine, in which the state is told all the same. What
has to keep its order with such requests is held meanwhile, and then begun in the order it came.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.transport.error_replies import error_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.transport.dispatcher import Dispatcher
    from codex_auth_lsp.transport.envelope import MessageId, Reply, Request

logger = logging.getLogger(__name__)


def load() -> None:
    """Import what a dispatcher is made of."""
    from codex_auth_lsp.transport import commands, dispatcher, handlers, prompts  # noqa: F401


class LateDispatcher:
    """Hands requests to a dispatcher, once there is one.

    Args:
        make: Makes it, from what `load` has imported.
        send: Takes the answer to a request that was not handed over.
        on_answered: Called with the id of such a request.
    """

    def __init__(
        self,
        make: Callable[[], Dispatcher],
        send: Callable[[dict[str, Any]], None],
        on_answered: Callable[[MessageId], None],
    ) -> None:
        self._make = make
        self._send = send
        self._on_answered = on_answered
        self._made: Dispatcher | None = None
        self._loading: asyncio.Task[None] | None = None
        self._held: dict[MessageId, Callable[[], None]] = {}

    def handle(self, request: Request) -> None:
        """Run the handler of a request whose method has one."""
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._load())
        if self._loading.done():
            self._dispatcher.handle(request)
        else:
            self._held[request.id] = lambda: self._dispatcher.handle(request)

    def in_turn(self, request: Request, begin: Callable[[Request], None]) -> None:
        """Begin with a request of another kind, after those that came before it."""
        if self._held:
            self._held[request.id] = lambda: begin(request)
        else:
            begin(request)

    def holds(self, message_id: MessageId) -> bool:
        """Say whether a request of this id is held."""
        return message_id in self._held

    def cancel(self, message_id: MessageId) -> None:
        """Cancel a request that is held or runs."""
        if self._held.pop(message_id, None) is not None:
            self._refuse(message_id, asyncio.CancelledError())
        elif self._made is not None:
            self._made.cancel(message_id)

    def take_reply(self, reply: Reply) -> None:
        """Take the client's answer to a request of ours."""
        if self._made is not None:
            self._made.take_reply(reply)

    async def request(self, method: str, params: Any) -> Any:
        """Send a request of ours and return the client's result."""
        return await self._dispatcher.request(method, params)

    async def catch_up(self) -> None:
        """Wait until what is held has begun."""
        if self._loading is not None:
            await asyncio.wait([self._loading])

    async def settle(self) -> None:
        """Let every handler send its answer."""
        if self._made is not None:
            await self._made.settle()

    async def _load(self) -> None:
        try:
            await asyncio.to_thread(load)
        except Exception as exc:  # noqa: BLE001 - whoever needs it meets the same
            log_defect(logger, exc)
        held, self._held = self._held, {}
        for message_id, begin in held.items():
            try:
                begin()
            except Exception as exc:  # noqa: BLE001 - every request gets an answer
                self._refuse(message_id, exc)

    @property
    def _dispatcher(self) -> Dispatcher:
        if self._made is None:
            self._made = self._make()
        return self._made

    def _refuse(self, message_id: MessageId, reason: BaseException) -> None:
        self._on_answered(message_id)
        self._send({"jsonrpc": "2.0", "id": message_id, "error": error_reply(reason)})
