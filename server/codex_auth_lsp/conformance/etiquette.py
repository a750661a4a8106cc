"""What is right and wrong in the messages of a client, whatever the scenario: a pure judge.

It is told every message in both directions and notes mistakes in plain words. What a message
says about the person's sign-in is the scenario's to judge.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.conformance.introduction import auth_of, judge_introduction
from codex_auth_lsp.wire import methods
from codex_auth_lsp.wire.catalogue import REQUEST_MODELS
from codex_auth_lsp.wire.reading import ParamsInvalid, read_params

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_auth_lsp.conformance.findings import Findings

STATUS_LOOKS = 5
"""How often a client may ask for the status in one conversation before it counts as polling."""

_REQUESTS = {"initialize", "shutdown", "workspace/executeCommand", *methods.REQUESTS}
_NOTIFICATIONS = {"initialized", "exit", "$/cancelRequest", "window/workDoneProgress/cancel"}


class Etiquette:
    """The judge of one conversation."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._asked: set[int | str] = set()
        self._own_open: dict[int | str, str] = {}
        self._status_looks = 0
        self._introduced = False
        self._answered = False
        self._may_have_credentials = False
        self._initialized = False
        self._shut_down = False
        self._left = False

    def sent(self, message: dict[str, Any]) -> None:
        """Take note of a message of the server's."""
        if "method" not in message:
            self._answered = True  # `initialize` is the first that gets an answer
        elif "id" in message:
            self._own_open[message["id"]] = message["method"]

    def received(self, message: Any) -> bool:
        """Judge a message of the client's; return whether it can be acted on."""
        if not isinstance(message, dict):
            self._findings.mistake(
                "A message was no JSON object; LSP has no batches, each message has its own frame."
            )
            return False
        if message.get("jsonrpc") != "2.0":
            self._findings.mistake('A message had no `"jsonrpc": "2.0"`.')
        method = message.get("method")
        if method is None:
            return self._judge_response(message)
        if not isinstance(method, str):
            self._findings.mistake("The `method` of a message was no string.")
            return False
        self._judge_name(method)
        if "id" in message:
            return self._judge_request(method, message)
        self._judge_notification(method, message)
        return True

    def ended(self) -> None:
        """Judge how the client went."""
        if not self._introduced:
            return  # told by whoever waited for it
        if self._left and not self._shut_down:
            self._findings.mistake(
                "The client sent `exit` without the request `shutdown`; the server then ends with "
                "status 1."
            )
        elif not self._shut_down:
            self._findings.advise(
                "The client left without the request `shutdown`: its end of the input was closed, "
                "or the server was ended by a signal, which cannot be told apart here. This server "
                "takes both for `shutdown`, SIGKILL apart, which lets it store nothing more; "
                "others do not."
            )
        elif not self._left:
            self._findings.advise(
                "`exit` did not follow `shutdown`; this server also takes the end of its input for "
                "it, others do not."
            )
        for method in self._own_open.values():
            self._findings.mistake(
                f"The server's request `{method}` was never answered; a client answers every "
                "request, with an error `-32601` where it does not know it."
            )

    def _judge_request(self, method: str, message: dict[str, Any]) -> bool:
        id_ = message["id"]
        if isinstance(id_, bool) or not isinstance(id_, int | str):
            self._findings.mistake(f"The `id` of `{method}` was neither a number nor a string.")
            return False
        if id_ in self._asked:
            self._findings.mistake(f"Two requests had the same `id` ({id_!r}).")
        self._asked.add(id_)
        if method in _NOTIFICATIONS:
            self._findings.mistake(f"`{method}` is a notification and was sent with an `id`.")
        elif self._shut_down:
            self._findings.mistake(f"`{method}` was sent after `shutdown`; only `exit` may follow.")
        elif method == "initialize":
            self._judge_initialize(message)
        else:
            self._judge_moment(method)
        self._shut_down = self._shut_down or method == "shutdown"
        self._judge_content(method, message.get("params"))
        return True

    def _judge_initialize(self, message: dict[str, Any]) -> None:
        if self._introduced:
            self._findings.mistake("`initialize` was sent twice in one conversation.")
        self._introduced = True
        params = message.get("params")
        auth = auth_of(params)
        self._may_have_credentials = isinstance(auth, dict) and auth.get("credential") is True
        judge_introduction(params, self._findings)

    def _judge_moment(self, method: str) -> None:
        if not self._introduced:
            self._findings.mistake(f"`{method}` was sent before `initialize`, which comes first.")
        elif not self._answered:
            self._judge_haste(method)
        elif not self._initialized and method != "shutdown":
            self._findings.mistake(
                f"`{method}` was sent before the notification `initialized`, which follows the "
                "answer to `initialize`; the server announces nothing until then."
            )

    def _judge_haste(self, method: str) -> None:
        self._findings.mistake(
            f"`{method}` was sent before the answer to `initialize` had come; a client cannot know "
            "before what the server can do, and LSP wants it to wait."
        )

    def _judge_notification(self, method: str, message: dict[str, Any]) -> None:
        if method in _REQUESTS:
            self._findings.mistake(
                f"`{method}` is a request and was sent as a notification, without an `id`: it "
                "gets no answer."
            )
        elif method == "initialized":
            if not self._introduced:
                self._findings.mistake("`initialized` was sent before `initialize`.")
            elif not self._answered:
                self._judge_haste(method)
            self._initialized = True
        elif method == "exit":
            self._left = True
        elif method == "$/cancelRequest":
            self._judge_cancel(message.get("params"))

    def _judge_cancel(self, params: Any) -> None:
        id_ = params.get("id") if isinstance(params, dict) else None
        if not isinstance(id_, int | str) or id_ not in self._asked:
            self._findings.mistake(
                "`$/cancelRequest` named an `id` that no request of the client had; it cancels "
                "nothing then."
            )

    def _judge_name(self, method: str) -> None:
        if method in methods.NOTIFICATIONS:
            self._findings.mistake(f"`{method}` goes from the server to the client only.")
        elif method.startswith("auth/") and method not in methods.REQUESTS:
            meant = _meant(method, methods.REQUESTS)
            self._findings.mistake(f"`{method}` is no request of this protocol{meant}.")

    def _judge_content(self, method: str, params: Any) -> None:
        if method == methods.STATUS:
            self._status_looks += 1
            if self._status_looks > STATUS_LOOKS:
                self._findings.mistake(
                    "`auth/status` was asked again and again; `auth/statusChanged` tells of every "
                    "change."
                )
        if method == "workspace/executeCommand":
            self._judge_command(params)
        if method == methods.CREDENTIAL and not self._may_have_credentials:
            self._findings.mistake(
                "`auth/credential` was sent, and `experimental.auth.credential` was not declared; "
                "the server refuses it then."
            )
        if method not in REQUEST_MODELS:
            return
        model = REQUEST_MODELS[method].params
        try:
            read_params(model, params)
        except ParamsInvalid as exc:
            self._findings.mistake(f"`{method}` had params that do not fit: {exc}")
        if isinstance(params, dict):
            known = [str(field.alias) for field in model.model_fields.values()]
            for name in params.keys() - {*known, "partialResultToken", "workDoneToken"}:
                self._findings.advise(
                    f"`{method}` has no field `{name}`, it is ignored{_meant(name, known)}."
                )

    def _judge_command(self, params: Any) -> None:
        command = params.get("command") if isinstance(params, dict) else None
        if command not in methods.COMMANDS:
            self._findings.mistake(
                f"`workspace/executeCommand` named no command of this server"
                f"{_meant(str(command), methods.COMMANDS)}."
            )

    def _judge_response(self, message: dict[str, Any]) -> bool:
        method = self._own_open.pop(message.get("id", ""), None)
        if method is None:
            self._findings.mistake(
                "A response came to something that was no open request of the server; "
                "notifications such as `auth/loginPrompt` are not answered."
            )
            return False
        if ("result" in message) == ("error" in message):
            self._findings.mistake(
                f"The response to `{method}` needs either `result` or `error`, even when the "
                "result is null."
            )
        elif method == "window/showDocument" and "result" in message:
            result = message["result"]
            if not isinstance(result, dict) or not isinstance(result.get("success"), bool):
                self._findings.mistake(
                    'The response to `window/showDocument` was not `{ "success": true }` or false.'
                )
        return True


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, known, 1)
    return f"; `{close[0]}` may be meant" if close else ""
