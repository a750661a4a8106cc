"""One conversation with a language client: its order, its limits, and who answers what.

    new ─ initialize → running ─ shutdown → ending ─ exit → over

Invariants: every request that can be answered is answered once, with its id; nothing is served
before `initialize` or after `shutdown`; what is told at once (`direct_answers`) never waits for
what runs.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from codex_auth_lsp import __version__
from codex_auth_lsp.errors import RateLimited
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.transport.announcer import Announcer
from codex_auth_lsp.transport.client import ClientCapabilities, read_client_capabilities
from codex_auth_lsp.transport.direct_answers import TOLD_AT_ONCE, WAITED_FOR, DirectAnswers
from codex_auth_lsp.transport.envelope import (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    SERVER_NOT_INITIALIZED,
    Malformed,
    Message,
    MessageId,
    Notification,
    Request,
    message_id_of,
    read_message,
)
from codex_auth_lsp.transport.error_replies import error_reply
from codex_auth_lsp.transport.framing import encode_frame
from codex_auth_lsp.transport.json_text import message_json
from codex_auth_lsp.transport.late_dispatcher import LateDispatcher
from codex_auth_lsp.transport.progress import WorkDoneProgress
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codex_auth_lsp.service.auth_service import AuthService
    from codex_auth_lsp.transport.dispatcher import Dispatcher

MAXIMUM_RUNNING = 256
"""How many requests may run at a time; the next is told to come back later."""

EXECUTE_COMMAND = "workspace/executeCommand"

_RUNNING_METHODS = frozenset(
    {
        methods.LOGIN,
        methods.SUBMIT_CALLBACK,
        methods.REOPEN_BROWSER,
        methods.DOCTOR,
        EXECUTE_COMMAND,
    }
)

logger = logging.getLogger(__name__)


class _State(Enum):
    NEW = auto()
    RUNNING = auto()
    ENDING = auto()


class Conversation:
    """Takes the contents of frames and writes frames.

    Args:
        service: What is talked about.
        environment: The process's variables.
        write: Takes the bytes of a frame, in order.
        on_exit: Called with the exit status when the client says `exit`.
        on_parent: Called with the number of the process that the client lives in, if it names one.
    """

    def __init__(
        self,
        service: AuthService,
        environment: Mapping[str, str],
        write: Callable[[bytes], None],
        on_exit: Callable[[int], None],
        on_parent: Callable[[int], None],
    ) -> None:
        self._service = service
        self._environment = environment
        self._write = write
        self._on_exit = on_exit
        self._on_parent = on_parent
        self._state = _State.NEW
        self._is_initialized = False
        self._client = ClientCapabilities()
        self._running: set[MessageId] = set()
        self._dispatcher = LateDispatcher(self._make_dispatcher, self._send, self._running.discard)
        self._shutting_down: asyncio.Task[None] | None = None
        self._progress = WorkDoneProgress(self._notify)
        self._direct = self._make_direct()

    def begin_chunk(self) -> None:
        """Take note that all that is received until `end_chunk` was sent before now."""
        self._direct.begin_chunk()

    def end_chunk(self) -> None:
        """Take note that what comes next may be sent later."""
        self._direct.end_chunk()

    def receive_early(self, content: bytes) -> bool:
        """Take the content of one frame while there is no event loop; return whether that could be.

        What `initialized` begins, but for the first status, waits for `begin`.
        """
        return self._guarded(read_message(content), self._take_early)

    def _take_early(self, message: Message) -> bool:
        if isinstance(message, Request):
            if message.method == "initialize" and self._state is _State.NEW:
                self._take_request(message)
                return True
            if message.method == methods.STATUS and self._state is _State.RUNNING:
                return self._direct.answer_at_once(message)
        elif isinstance(message, Notification) and self._state is _State.RUNNING:
            self._is_initialized |= message.method == "initialized"
            self.look_early()
            return message.method == "initialized"
        return False

    def look_early(self) -> bool:
        """Tell the first status or what has changed since, once the client has allowed it.

        Return whether no event loop is needed for that.
        """
        try:
            return not self._is_initialized or self._service.announce()
        except Exception as exc:  # noqa: BLE001 - the event loop begins with another look
            log_defect(logger, exc)
            return False

    @property
    def has_told_status(self) -> bool:
        """Whether a status was asked for and told."""
        return self._direct.has_told_status

    def begin(self) -> None:
        """Begin what the client has allowed before there was an event loop."""
        if self._is_initialized:
            self._service.start()

    def receive(self, content: bytes) -> None:
        """Take the content of one frame; a defect of ours costs one message, not the process."""
        self._guarded(read_message(content), self._take)

    def _guarded(self, message: Message, take: Callable[[Message], bool]) -> bool:
        """Return what taking a message returns, True where it came to an error."""
        try:
            return take(message)
        except Exception as exc:  # noqa: BLE001 - every request gets an answer
            if isinstance(message, Request):
                self._running.discard(message.id)
                self._send({"jsonrpc": "2.0", "id": message.id, "error": error_reply(exc)})
            else:
                log_defect(logger, exc)
            return True

    def _take(self, message: Message) -> bool:
        if isinstance(message, Request):
            logger.debug("--> %.80r", message.method)
            self._take_request(message)
        elif isinstance(message, Notification):
            logger.debug("--> %.80r", message.method)
            self._take_notification(message)
        elif isinstance(message, Malformed):
            self._refuse(message.id, message.code, message.reason)
        else:
            self._dispatcher.take_reply(message)
        return True

    async def catch_up(self) -> None:
        """Wait until all that was received has begun."""
        await self._dispatcher.catch_up()

    async def close(self) -> None:
        """Let what runs send its answer, once the service has ended it."""
        if self._shutting_down is not None:
            await self._shutting_down
        await self._dispatcher.settle()
        await self._direct.settle()

    def _take_request(self, request: Request) -> None:
        if request.method == "initialize" and self._state is _State.NEW:
            self._initialize(request)
        elif self._state is _State.NEW:
            self._refuse(request.id, SERVER_NOT_INITIALIZED, "The first request is `initialize`.")
        elif self._state is _State.ENDING:
            self._refuse(request.id, INVALID_REQUEST, "After `shutdown` only `exit` is taken.")
        elif self._runs(request.id):
            self._refuse(request.id, INVALID_REQUEST, "A request with this id still runs.")
        elif request.method == "initialize":
            self._refuse(request.id, INVALID_REQUEST, "`initialize` was said before.")
        elif request.method == "shutdown":
            self._state = _State.ENDING
            self._shutting_down = asyncio.ensure_future(self._shut_down(request.id))
        elif request.method == methods.CANCEL_LOGIN:
            self._dispatcher.in_turn(request, self._direct.answer)
        elif request.method in TOLD_AT_ONCE:
            self._direct.answer(request)
        elif request.method in WAITED_FOR or request.method in _RUNNING_METHODS:
            self._run(request)
        else:
            self._refuse(request.id, METHOD_NOT_FOUND, "There is no such method.")

    def _take_notification(self, notification: Notification) -> None:
        if notification.method == "exit":
            self._on_exit(0 if self._state is _State.ENDING else 1)
        elif self._state is not _State.RUNNING:
            pass
        elif notification.method == "initialized":
            self._service.start()
        elif notification.method == "$/cancelRequest":
            message_id = message_id_of(_field(notification.params, "id"))
            if message_id is not None and self._runs(message_id):
                self._cancel(message_id)
        elif notification.method == "window/workDoneProgress/cancel":
            attempt_id = self._progress.attempt_of(_field(notification.params, "token"))
            if attempt_id is not None:
                self._service.cancel_login(attempt_id)

    def _initialize(self, request: Request) -> None:
        self._state = _State.RUNNING
        self._client = read_client_capabilities(request.params)
        self._direct = self._make_direct()
        parent = _field(request.params, "processId")
        if isinstance(parent, int) and not isinstance(parent, bool) and parent > 0:
            self._on_parent(parent)
        announcer = Announcer(self._client, self._notify, self._progress)
        self._service.events.subscribe(announcer.on_event)
        self._service.hold()
        auth = {
            "protocolVersion": self._client.protocol_version,
            "serverInstanceId": self._service.instance_id,
            "loginMethods": self._service.login_method_ids,
            "requests": list(methods.REQUESTS),
            "notifications": list(methods.NOTIFICATIONS),
        }
        capabilities: dict[str, Any] = {"experimental": {"auth": auth}}
        if not self._client.speaks_auth:
            capabilities["executeCommandProvider"] = {"commands": list(methods.COMMANDS)}
        server_info = {"name": "codex-auth-lsp", "version": __version__}
        self._send_result(request.id, {"capabilities": capabilities, "serverInfo": server_info})

    async def _shut_down(self, message_id: MessageId) -> None:
        await self.catch_up()
        await self._service.stop_logins()
        await asyncio.sleep(0)  # their requests are answered first
        self._send_result(message_id, None)

    def _cancel(self, message_id: MessageId) -> None:
        if not self._direct.cancel(message_id):
            self._dispatcher.cancel(message_id)

    def _runs(self, message_id: MessageId) -> bool:
        return (
            message_id in self._running
            or self._direct.looks_for(message_id)
            or self._dispatcher.holds(message_id)
        )

    def _run(self, request: Request) -> None:
        if len(self._running) >= MAXIMUM_RUNNING:
            error = error_reply(
                RateLimited("Too many requests run; try again in a moment.", remediation=())
            )
            self._send({"jsonrpc": "2.0", "id": request.id, "error": error})
        elif request.method == methods.LOGOUT:
            self._running.add(request.id)
            self._dispatcher.in_turn(request, self._direct.answer)
        elif request.method in WAITED_FOR:
            self._direct.answer(request)
        else:
            self._running.add(request.id)
            self._dispatcher.handle(request)

    def _make_direct(self) -> DirectAnswers:
        return DirectAnswers(
            self._service, self._client, self._send, self._send_text, self._running
        )

    def _make_dispatcher(self) -> Dispatcher:
        # Imported here, when they are loaded: an idle window never needs them.
        from codex_auth_lsp.transport.commands import Commands
        from codex_auth_lsp.transport.dispatcher import Dispatcher
        from codex_auth_lsp.transport.handlers import Handlers
        from codex_auth_lsp.transport.prompts import LspPrompts

        prompts = LspPrompts(self._client, self._environment, self._notify, self._request)
        handlers = Handlers(self._service, prompts, self._progress)
        commands = Commands(
            self._service, self._client, prompts, self._progress, self._notify, self._request
        )
        table = {**handlers.table(), EXECUTE_COMMAND: commands.execute}
        return Dispatcher(table, self._send, self._running.discard)

    async def _request(self, method: str, params: Any) -> Any:
        logger.debug("<-- %s", method)
        return await self._dispatcher.request(method, params)

    def _notify(self, method: str, params: Any) -> None:
        logger.debug("<-- %s", method)
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _send_result(self, message_id: MessageId, result: Any) -> None:
        self._send({"jsonrpc": "2.0", "id": message_id, "result": result})

    def _refuse(self, message_id: MessageId | None, code: int, reason: str) -> None:
        error = {"code": code, "message": reason}
        self._send({"jsonrpc": "2.0", "id": message_id, "error": error})

    def _send(self, message: dict[str, Any]) -> None:
        self._send_text(message_json(message))

    def _send_text(self, text: str) -> None:
        self._write(encode_frame(text.encode("ascii")))


def _field(params: Any, name: str) -> Any:
    return params.get(name) if isinstance(params, dict) else None
