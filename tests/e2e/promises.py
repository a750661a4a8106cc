"""What holds for every conversation, whatever it is about.

Each check reads the record of one client after the test and returns what is wrong, so a promise
such as "`auth/loginCompleted` exactly once" is kept by every end-to-end test, not by one. What a
single message may look like is not written here: `codex_auth_lsp.wire` says it for `auth/*`,
lsprotocol for the standard.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from lsprotocol.converters import get_converter
from lsprotocol.types import METHOD_TO_TYPES
from pydantic import ValidationError

from codex_auth_lsp.wire.capabilities import ServerAuthCapabilities
from codex_auth_lsp.wire.catalogue import COMMAND_RESULTS, NOTIFICATION_MODELS, REQUEST_MODELS
from codex_auth_lsp.wire.types import ErrorData, LoginPhase
from wire.specification import listed_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_auth_lsp.wire.model import Sent
    from support.lsp_client import LanguageClient, Message

CODES = frozenset({-32803, -32800, -32802, -32602, -32601, -32002, -32600, -32700, -32603})

REASON_CODES = frozenset({-32803, -32802})
"""The codes whose `data` says why."""

PHASES = get_args(LoginPhase)

COMMANDS = frozenset(
    [
        "codexAuth.signIn",
        "codexAuth.signInWithDeviceCode",
        "codexAuth.signOut",
        "codexAuth.status",
        "codexAuth.cancel",
        "codexAuth.signInWithApiKey",
        "codexAuth.account",
        "codexAuth.showLog",
    ]
)
"""What a remediation may name: the server's commands and those of the VS Code client."""

STATUS_RESULTS = frozenset({"auth/status", "auth/refresh", "codexAuth.status"})
STATUS_IN_RESULTS = frozenset({"auth/login", "auth/logout", "codexAuth.signOut"})

AT_ANY_REQUEST = frozenset({"internalError", "rateLimited"})
"""The kinds that `protocol.md` allows for every request, in the head of its chapter."""

LISTED = listed_errors((Path(__file__).parents[2] / "protocol.md").read_text(encoding="utf-8"))
"""The kinds that it allows for each."""

_standard = get_converter()


def broken_promises(client: LanguageClient) -> list[str]:
    """Return what this client was promised and did not get."""
    checks = (
        _framing,
        _audience,
        _shapes,
        _errors,
        _listed,
        _remediations,
        _statuses,
        _status_changes,
        _login_completions,
        _login_progress,
        _progress,
    )
    return [f"{client.name}: {line}" for check in checks for line in check(client)]


def without_revision(status: dict[str, Any]) -> dict[str, Any]:
    """Return what makes two states equal: all fields but `revision`."""
    return {key: value for key, value in status.items() if key != "revision"}


def identity(status: dict[str, Any]) -> str | None:
    """Return what `accountChanged` compares: `account.id`, else `method`."""
    account = status.get("account") or {}
    return account.get("id") or status.get("method")


def status_changes(client: LanguageClient, since: int = 0) -> list[dict[str, Any]]:
    """Return the params of every `auth/statusChanged` so far."""
    return [message.params for message in client.all("auth/statusChanged", since)]


def shape_problems(where: str, model: type[Sent], value: Any) -> Iterator[str]:
    """Yield what of a value is not as the wire contract says; no line repeats the value."""
    try:
        model.model_validate(value)
    except ValidationError as invalid:
        for error in invalid.errors(include_input=False, include_url=False):
            path = ".".join(map(str, error["loc"])) or "the whole"
            yield f"{where}: {path}: {error['msg']}"


def _framing(client: LanguageClient) -> Iterator[str]:
    if client.broken:
        yield f"stdout carries something else than frames: {client.broken}"
    for message in client.messages:
        if message.body.get("jsonrpc") != "2.0":
            yield f"message {message.index} is not JSON-RPC 2.0"
        if message.kind == "response" and ("result" in message.body) == ("error" in message.body):
            yield f"message {message.index} needs either a result or an error"


def _audience(client: LanguageClient) -> Iterator[str]:
    announced = client.capabilities.get("experimental", {}).get("auth", {}).get("notifications", [])
    for message in client.messages:
        method = message.method or ""
        if method.startswith("auth/"):
            if client.auth is None:
                yield f"{method} was sent to a client without experimental.auth"
            elif method not in announced:
                yield f"{method} was sent and is not announced"
            elif method == "auth/loginPrompt" and client.auth.get("loginPrompt") is not True:
                yield f"{method} was sent to a client without loginPrompt"


def _shapes(client: LanguageClient) -> Iterator[str]:
    for message in client.messages:
        if message.method is not None:
            yield from _shape_of_call(message.method, message)
        elif "result" in message.body and message.answers is not None:
            yield from _shape_of_result(message.answers, message)


def _shape_of_call(method: str, message: Message) -> Iterator[str]:
    where = f"{method} (message {message.index})"
    if model := NOTIFICATION_MODELS.get(method):
        yield from shape_problems(where, model, message.params)
    elif types := METHOD_TO_TYPES.get(method):
        try:
            _standard.structure(message.body, types[0])
        except Exception as error:  # noqa: BLE001 - cattrs raises what the types raise
            yield f"{where} is not as LSP says: {type(error).__name__}"
    else:
        yield f"{where} is a method that nobody specified"


def _shape_of_result(asked: str, message: Message) -> Iterator[str]:
    where, result = f"the answer to {asked} (message {message.index})", message.body["result"]
    if exchange := REQUEST_MODELS.get(asked):
        yield from shape_problems(where, exchange.result, result)
    elif command_result := COMMAND_RESULTS.get(asked):
        yield from shape_problems(where, command_result, result)
    elif asked == "initialize":
        auth = result["capabilities"]["experimental"]["auth"]
        yield from shape_problems(where, ServerAuthCapabilities, auth)
    elif asked != "shutdown":
        yield f"{where} is a result that nobody specified"


def _errors(client: LanguageClient) -> Iterator[str]:
    for message in client.messages:
        if "error" not in message.body:
            continue
        error = message.body["error"]
        where = f"the error in message {message.index}"
        if error["code"] not in CODES:
            yield f"{where} has the code {error['code']}"
        if "Traceback" in str(error):
            yield f"{where} shows a traceback"
        if error["code"] == -32603:
            yield f"{where} is a defect: {error}"
        if not isinstance(error.get("message"), str) or not error["message"]:
            yield f"{where} has no message"
        if error["code"] in REASON_CODES:
            yield from shape_problems(where, ErrorData, error.get("data"))


def _listed(client: LanguageClient) -> Iterator[str]:
    for message in client.messages:
        data = message.body.get("error", {}).get("data") or {}
        if message.answers in LISTED and data.get("kind") not in {
            None,
            *AT_ANY_REQUEST,
            *LISTED[message.answers],
        }:
            yield f"{data['kind']} answers {message.answers}, whose section does not list it"


def _remediations(client: LanguageClient) -> Iterator[str]:
    for message in client.messages:
        for remediation in _found(message.body, "remediation"):
            for advice in remediation:
                if "command" in advice and advice["command"] not in COMMANDS:
                    yield f"message {message.index} names the unknown command {advice['command']}"
                if not advice.get("url", "https://").startswith(("https://", "http://127.")):
                    yield f"message {message.index} links to {advice['url']}"


def _found(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == name:
                yield item
            yield from _found(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _found(item, name)


def statuses(client: LanguageClient) -> Iterator[tuple[Message, dict[str, Any]]]:
    """Yield every `AuthStatus` that this client received, with the message it came in."""
    for message in client.messages:
        if message.method == "auth/statusChanged":
            yield message, message.params["status"]
        elif "result" in message.body and message.answers in STATUS_RESULTS:
            yield message, message.body["result"]
        elif "result" in message.body and message.answers in STATUS_IN_RESULTS:
            yield message, message.body["result"]["status"]


def _statuses(client: LanguageClient) -> Iterator[str]:
    latest = 0
    instances = set()
    for message, status in statuses(client):
        where = f"the status in message {message.index}"
        if message.method == "auth/statusChanged" and status["revision"] < latest:
            yield f"{where} is older than one announced before"
        latest = max(latest, status["revision"])
        instances.add(status["serverInstanceId"])
    if len(instances) > 1:
        yield f"serverInstanceId changed: {instances}"


def _status_changes(client: LanguageClient) -> Iterator[str]:
    changes = status_changes(client)
    if client.initialized and client.auth is not None and not changes and not client.broken:
        yield "auth/statusChanged with cause startup never came"
    previous: dict[str, Any] | None = None
    for place, change in enumerate(changes):
        where = f"auth/statusChanged number {place}"
        cause, origin, status = change["cause"], change["origin"], change["status"]
        if (place == 0) != (cause == "startup"):
            yield f"{where} has the cause {cause}"
        if origin != ("otherProcess" if cause == "externalChange" else "thisServer"):
            yield f"{where}: cause {cause} with origin {origin}"
        if previous is not None:
            if without_revision(status) == without_revision(previous):
                yield f"{where} announces an equal state"
            elif status["revision"] <= previous["revision"]:
                yield f"{where} changed and its revision did not grow"
            if change["accountChanged"] != (identity(status) != identity(previous)):
                yield f"{where} has accountChanged {change['accountChanged']}"
        previous = status


def _login_completions(client: LanguageClient) -> Iterator[str]:
    completed = [message.params for message in client.all("auth/loginCompleted")]
    for attempt_id, count in Counter(params["attemptId"] for params in completed).items():
        if count != 1:
            yield f"auth/loginCompleted came {count} times for {attempt_id}"
    for params in completed:
        if params["outcome"] == "signedIn" and "error" in params:
            yield "auth/loginCompleted signedIn carries an error"
        if params["outcome"] in ("failed", "expired") and "error" not in params:
            yield f"auth/loginCompleted {params['outcome']} carries no error"


def _login_progress(client: LanguageClient) -> Iterator[str]:
    reached: dict[str, int] = {}
    over: set[str] = set()
    for message in client.messages:
        if message.method == "auth/loginCompleted":
            over.add(message.params["attemptId"])
        if message.method == "auth/loginProgress":
            attempt_id, phase = message.params["attemptId"], PHASES.index(message.params["phase"])
            if phase < reached.get(attempt_id, 0):
                yield f"auth/loginProgress went back to {message.params['phase']}"
            reached[attempt_id] = max(phase, reached.get(attempt_id, 0))
            if attempt_id in over:
                yield f"auth/loginProgress came after auth/loginCompleted for {attempt_id}"


def _progress(client: LanguageClient) -> Iterator[str]:
    open_tokens: set[Any] = set()
    done: set[Any] = set()
    for message in client.all("$/progress"):
        token, value = message.params["token"], message.params["value"]
        if value["kind"] == "begin":
            if token in open_tokens or token in done:
                yield f"$/progress begins twice for {token!r}"
            open_tokens.add(token)
            if value.get("cancellable") is not True or not value.get("title"):
                yield f"$/progress begins with {value}"
        elif token not in open_tokens:
            yield f"$/progress {value['kind']} for {token!r}, which is not open"
        if "percentage" in value:
            yield "$/progress has a percentage"
        if value["kind"] == "end":
            open_tokens.discard(token)
            done.add(token)
    if client.process.returncode == 0:
        for token in open_tokens:
            yield f"$/progress never ended for {token!r}"
