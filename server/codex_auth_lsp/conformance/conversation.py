"""One conversation with a client over the wire: judged, and answered where the answer is plain.

What the person's sign-in depends on is handed on as events, for a scenario to answer.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.conformance import answers
from codex_auth_lsp.conformance.etiquette import Etiquette
from codex_auth_lsp.conformance.introduction import auth_of, can_show_documents
from codex_auth_lsp.conformance.replies import reply
from codex_auth_lsp.transport.envelope import INVALID_REQUEST, METHOD_NOT_FOUND
from codex_auth_lsp.transport.framing import FrameDecoder, FramingError, encode_frame
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.conformance.findings import Findings

_CHUNK = 64 * 1024

INTRODUCTION_SECONDS = 0.2
"""How long `initialize` waits for its answer, to see who goes on without it."""

_STRANGE = {"somethingNew": [{"deeper": True}, "value"]}
"""A field that no version of the protocol has."""

_EVENTS = {
    methods.LOGIN: "login",
    methods.CANCEL_LOGIN: "cancel",
    methods.LOGOUT: "logout",
    methods.SUBMIT_CALLBACK: "submit",
    methods.REOPEN_BROWSER: "reopen",
    methods.COMMAND_SIGN_IN: "login",
    methods.COMMAND_SIGN_IN_WITH_DEVICE_CODE: "login",
    methods.COMMAND_SIGN_OUT: "logout",
    methods.COMMAND_CANCEL: "cancel",
    "$/cancelRequest": "cancel",
    "window/workDoneProgress/cancel": "cancel",
    "initialized": "initialized",
    "exit": "exit",
}


@dataclass(frozen=True)
class Event:
    """Something that a client did. `method` is the request's or the command's name."""

    kind: str
    method: str = ""
    id: int | str | None = None
    params: dict[str, Any] = field(default_factory=dict, repr=False)


class Conversation:
    """The server's end of one connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        findings: Findings,
        tell: Callable[[Event], None],
        status: dict[str, Any],
        *,
        page: str,
        strange: bool = False,
    ) -> None:
        """Begin with `status`; `strange` adds to every object a field that nobody knows.

        `page` is the address of a server on this machine.
        """
        self.status = status
        self.has_auth = False
        self.has_prompt = False
        self.shows_documents = False
        self._reader = reader
        self._writer = writer
        self._findings = findings
        self._tell = tell
        self._strange = strange
        self._etiquette = Etiquette(findings)
        self._count = 0
        self.is_open = True
        self._page = page
        self._gives_credentials = False
        self._introduction: Callable[[], None] | None = None

    async def listen(self) -> None:
        """Take in what the client sends until one of the two ends it."""
        decoder = FrameDecoder()
        try:
            while data := await self._reader.read(_CHUNK):
                for content in decoder.feed(data):
                    self._take(content)
        except FramingError as exc:
            self._findings.mistake(
                f"What the client wrote is no frame of LSP's base protocol: {exc}. Nothing after "
                "it can be read."
            )
        except ConnectionError:
            pass  # the relay was ended by force, which counts as leaving
        if self.is_open:
            self._etiquette.ended()
            self.close()
        self._tell(Event("end"))

    def close(self) -> None:
        """Let the server's process end, whether or not the client is done."""
        self.is_open = False
        self._writer.close()

    def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    def notify_auth(self, method: str, params: dict[str, Any]) -> None:
        """Send one of the protocol's own, to a client that wants these."""
        if self.has_auth:
            self.notify(method, params)

    def request(self, method: str, params: dict[str, Any]) -> str:
        """Send a request; its answer comes as an event."""
        self._count += 1
        id_ = f"check-{self._count}"
        self._send({"id": id_, "method": method, "params": params})
        return id_

    def answer(self, id_: int | str, result: Any) -> None:
        """Answer a request."""
        self._send({"id": id_, "result": result})

    def refuse(self, id_: int | str, error: dict[str, Any]) -> None:
        """Answer a request with an error."""
        self._send({"id": id_, "error": error})

    def change(self, status: dict[str, Any], cause: str) -> None:
        """Let another status be so, and announce it."""
        account = status.get("account", {}).get("id")
        changed = account != self.status.get("account", {}).get("id")
        self.status = status
        self.announce(status, cause, account_changed=changed)

    def announce(self, status: dict[str, Any], cause: str, *, account_changed: bool) -> None:
        """Announce a status."""
        params = {
            "status": status,
            "cause": cause,
            "origin": "otherProcess" if cause == "externalChange" else "thisServer",
            "accountChanged": account_changed,
        }
        self.notify_auth(methods.STATUS_CHANGED, params)

    def _take(self, content: bytes) -> None:
        try:
            message = json.loads(content)
        except ValueError:
            self._findings.mistake("A message was not JSON.")
            return
        fits = self._etiquette.received(message)
        self._end_introduction()
        if not isinstance(message, dict):
            return
        id_, method, params = message.get("id"), message.get("method"), message.get("params")
        params = params if isinstance(params, dict) else {}
        if not fits:
            if method is not None and isinstance(id_, int | str):
                self.refuse(id_, {"code": INVALID_REQUEST, "message": "That was no request."})
        elif method is None:
            self._tell(Event("answer", id=id_, params=message))
        elif id_ is None:
            self._hear(str(method), params)
        else:
            self._serve(str(method), id_, params)

    def _hear(self, method: str, params: dict[str, Any]) -> None:
        if method == "exit":
            self._etiquette.ended()
            self.close()
        if method in {"initialized", "exit", "$/cancelRequest", "window/workDoneProgress/cancel"}:
            self._tell(Event(_EVENTS[method], method, params=params))

    def _serve(self, method: str, id_: int | str, params: dict[str, Any]) -> None:
        if method == "initialize":
            self._introduce(id_, params)
            return
        if method == "shutdown":
            self.answer(id_, None)
            self._tell(Event("shutdown", method, id_))
            return
        name = str(params.get("command")) if method == "workspace/executeCommand" else method
        said = reply(
            name,
            params,
            self.status,
            gives_credentials=self._gives_credentials,
            page=self._page,
        )
        if said is not None:
            self._send({"id": id_, **said})
        elif name in _EVENTS:
            self._tell(Event(_EVENTS[name], name, id_, params))
        else:
            self.refuse(id_, {"code": METHOD_NOT_FOUND, "message": "There is no such request."})

    def _introduce(self, id_: int | str, params: dict[str, Any]) -> None:
        auth = auth_of(params)
        self.has_auth = isinstance(auth, dict)
        self.has_prompt = self.has_auth and auth.get("loginPrompt") is True
        self._gives_credentials = self.has_auth and auth.get("credential") is True
        self.shows_documents = can_show_documents(params)
        said = answers.capabilities(with_commands=not self.has_auth)
        self._introduction = partial(self.answer, id_, said)
        asyncio.get_running_loop().call_later(INTRODUCTION_SECONDS, self._end_introduction)

    def _end_introduction(self) -> None:
        """Answer `initialize`, which something that comes before its time does not wait for."""
        answer, self._introduction = self._introduction, None
        if answer is not None:
            answer()

    def _send(self, message: dict[str, Any]) -> None:
        if not self.is_open:
            return
        self._etiquette.sent(message)
        body = {"jsonrpc": "2.0", **message}
        if self._strange:
            body = {key: _with_strange_fields(value) for key, value in body.items()}
        self._writer.write(encode_frame(json.dumps(body).encode()))


def _with_strange_fields(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_strange_fields(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _with_strange_fields(item) for name, item in value.items()} | _STRANGE
