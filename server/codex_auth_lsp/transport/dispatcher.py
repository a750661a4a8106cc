"""pygls: requests that take time, their cancellation, and requests of ours to the client.

Imported with the first such request, since pygls and lsprotocol cost most of a start. The reader,
the writer, the limits and the errors are ours (`conversation`); from pygls come the table of
features, the execution of handlers, `$/cancelRequest` and the pairing of our own requests.

Relies on pygls 2.1: `JsonRPCProtocol.handle_message`, its `_send_data`, `_send_response` and
`_send_handler_result`, which `tests/transport/test_dispatcher.py` holds it to.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lsprotocol.types import CANCEL_REQUEST, ResponseError, ResponseErrorMessage
from pygls.protocol import default_converter
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCProtocol,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)
from pygls.server import JsonRPCServer

from codex_auth_lsp.transport.error_replies import error_reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from cattrs import Converter

    from codex_auth_lsp.transport.envelope import MessageId, Reply, Request

    Handler = Callable[[Any], Awaitable[Any]]
    Send = Callable[[dict[str, Any]], None]

SETTLE_SECONDS = 1.0
"""How long handlers have to end once nothing keeps them any more."""

_VERSION = "2.0"

logging.getLogger("pygls").setLevel(logging.CRITICAL)  # what it logs quotes messages
logger = logging.getLogger(__name__)


class Dispatcher:
    """Runs the handlers and sends their results."""

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        send: Send,
        on_answered: Callable[[MessageId], None],
    ) -> None:
        self._server = JsonRPCServer(
            lambda server, converter: _Protocol(server, converter, send, on_answered),  # type: ignore[arg-type]
            default_converter,
        )
        self._protocol: JsonRPCProtocol = self._server.protocol
        self._tasks: set[asyncio.Task[Any]] = set()
        self._asked: set[MessageId] = set()
        for method, handler in handlers.items():
            self._register(method, handler)

    def _register(self, method: str, handler: Handler) -> None:
        @self._server.feature(method)
        async def run(params: Any) -> Any:
            task = asyncio.current_task()
            if task is not None:
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            return await handler(params)

    def handle(self, request: Request) -> None:
        """Run the handler of a request whose method has one."""
        message = JsonRPCRequestMessage(request.id, request.method, _VERSION, request.params)
        self._protocol.handle_message(message)

    def cancel(self, message_id: MessageId) -> None:
        """Cancel a request that runs."""
        params = SimpleNamespace(id=message_id)
        self._protocol.handle_message(JsonRPCNotification(CANCEL_REQUEST, _VERSION, params))

    def take_reply(self, reply: Reply) -> None:
        """Take the client's answer to a request of ours; one to anything else has no effect."""
        if reply.id not in self._asked:
            return
        if reply.error is None:
            answer = JsonRPCResponseMessage(reply.id, _VERSION, reply.result)
            self._protocol.handle_message(answer)
        else:
            error = ResponseError(code=0, message="refused by the client")
            refusal: Any = ResponseErrorMessage(error=error, id=reply.id)
            self._protocol.handle_message(refusal)

    async def request(self, method: str, params: Any) -> Any:
        """Send a request of ours and return the client's result.

        Raises:
            pygls.exceptions.JsonRpcException: The client refused.
        """
        message_id = uuid.uuid4().hex
        self._asked.add(message_id)
        try:
            return await self._protocol.send_request_async(method, params, message_id)
        finally:
            self._asked.discard(message_id)

    async def settle(self) -> None:
        """Let every handler send its answer; end those that do not end by themselves."""
        await asyncio.sleep(0)  # one that was just asked for is a task that has not begun
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=SETTLE_SECONDS)
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished, timeout=SETTLE_SECONDS)


class _Protocol(JsonRPCProtocol):
    def __init__(
        self,
        server: JsonRPCServer,
        converter: Converter,
        send: Send,
        on_answered: Callable[[MessageId], None],
    ) -> None:
        super().__init__(server, converter)
        self._send = send
        self._on_answered = on_answered

    def _send_handler_result(self, future: Any, *, msg_id: MessageId) -> None:
        self._request_futures.pop(msg_id, None)
        answer: dict[str, Any] = {"jsonrpc": _VERSION, "id": msg_id}
        try:
            answer["result"] = future.result()
        except BaseException as exc:  # noqa: BLE001 - every request gets an answer
            answer["error"] = error_reply(exc)
        self._on_answered(msg_id)
        self._send(answer)

    def _send_data(self, data: Any) -> None:
        """Send a request of ours; pygls's own would log it."""
        self._send(
            {"jsonrpc": _VERSION, "id": data.id, "method": data.method, "params": data.params}
        )
