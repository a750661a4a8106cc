"""What holds for every conversation, whatever it is about.

Each check reads the record of one client after the test and returns what is wrong, so a promise
such as "`auth/loginCompleted` exactly once" is kept by every end-to-end test, not by one.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.lsp_client import LanguageClient, Message

KINDS = frozenset(
    [
        "notSignedIn",
        "needsReauth",
        "loginInProgress",
        "loginCancelled",
        "loginSuperseded",
        "attemptNotFound",
        "loginTimedOut",
        "loginDenied",
        "callbackPortUnavailable",
        "callbackRejected",
        "browserOpenFailed",
        "deviceCodeDisabled",
        "deviceCodeExpired",
        "tokenExchangeFailed",
        "issuerResponseInvalid",
        "issuerUnavailable",
        "notEntitled",
        "networkUnreachable",
        "proxyError",
        "tlsUntrusted",
        "rateLimited",
        "apiKeyInvalid",
        "apiKeyRejected",
        "loginMethodNotAllowed",
        "loginMethodUnavailable",
        "wrongWorkspace",
        "wrongAccount",
        "refreshTokenExpired",
        "refreshTokenReused",
        "refreshTokenRevoked",
        "providerUnknown",
        "environmentKeyMissing",
        "credentialCommandFailed",
        "capabilityNotDeclared",
        "storeLocked",
        "storeUnavailable",
        "storeCorrupt",
        "storeReadOnly",
        "storeWriteFailed",
        "lockTimedOut",
        "configurationInvalid",
        "shuttingDown",
        "internalError",
    ]
)

CODES = frozenset({-32803, -32800, -32802, -32602, -32601, -32002, -32600, -32700, -32603})

CAUSES = frozenset(
    [
        "startup",
        "login",
        "logout",
        "refresh",
        "externalChange",
        "expired",
        "storeHealth",
        "configChange",
        "pendingLogin",
        "freshness",
    ]
)

STATES = frozenset({"signedOut", "signedIn", "needsReauth", "notRequired", "unavailable"})

OUTCOMES = frozenset({"signedIn", "cancelled", "superseded", "expired", "failed"})

PHASES = ("starting", "waitingForUser", "exchanging", "verifying", "storing")

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

REQUIRED_IN_STATUS = [
    "revision",
    "serverInstanceId",
    "state",
    "billing",
    "cloud",
    "store",
    "shadowed",
    "freshness",
    "provider",
]

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


def broken_promises(client: LanguageClient) -> list[str]:
    """Return what this client was promised and did not get."""
    checks = (
        _framing,
        _audience,
        _no_nulls,
        _errors,
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


def status_changes(client: LanguageClient) -> list[dict[str, Any]]:
    """Return the params of every `auth/statusChanged` so far."""
    return [message.params for message in client.all("auth/statusChanged")]


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


def _no_nulls(client: LanguageClient) -> Iterator[str]:
    for message in client.messages:
        if (message.method or "").startswith("auth/"):
            value = message.params
        elif (message.answers or "").startswith("auth/"):
            value = message.body.get("result", message.body.get("error"))
        else:
            continue
        for path in _nulls(value):
            yield f"message {message.index}: {path} is null instead of left out"


def _nulls(value: Any, path: str = "") -> Iterator[str]:
    if value is None:
        yield path or "the whole"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nulls(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls(item, f"{path}[{index}]")


def _errors(client: LanguageClient) -> Iterator[str]:
    for message in client.messages:
        if "error" in message.body:
            error = message.body["error"]
            where = f"the error in message {message.index}"
            if error["code"] not in CODES:
                yield f"{where} has the code {error['code']}"
            if "Traceback" in str(error):
                yield f"{where} shows a traceback"
            if error["code"] == -32603:
                yield f"{where} is a defect: {error}"
            if error["code"] in (-32803, -32802):
                yield from _auth_error(where, error.get("data"))
        if message.method == "auth/loginCompleted" and "error" in message.params:
            where = f"the error in message {message.index}"
            error = message.params["error"]
            yield from _auth_error(where, error)
            if not error.get("message"):
                yield f"{where} has no message"


def _auth_error(where: str, data: Any) -> Iterator[str]:
    if not isinstance(data, dict):
        yield f"{where} has no data"
        return
    if data.get("kind") not in KINDS:
        yield f"{where} has the unknown kind {data.get('kind')}"
    if not isinstance(data.get("retryable"), bool):
        yield f"{where} does not say whether it is retryable"
    if not isinstance(data.get("remediation"), list):
        yield f"{where} has no remediation"
        return
    yield from _remediations(where, data["remediation"])


def _remediations(where: str, remediations: list[dict[str, Any]]) -> Iterator[str]:
    for remediation in remediations:
        if not remediation.get("title"):
            yield f"{where} has advice without a title"
        if "command" in remediation and remediation["command"] not in COMMANDS:
            yield f"{where} names the unknown command {remediation['command']}"
        if "url" in remediation and not remediation["url"].startswith(("https://", "http://127.")):
            yield f"{where} links to {remediation['url']}"


def statuses(client: LanguageClient) -> Iterator[tuple[Message, dict[str, Any]]]:
    """Yield every `AuthStatus` that this client received, with the message it came in."""
    for message in client.messages:
        if message.method == "auth/statusChanged":
            yield message, message.params["status"]
        elif "result" in message.body and isinstance(message.body["result"], dict):
            if message.answers in ("auth/status", "auth/refresh"):
                yield message, message.body["result"]
            elif message.answers in ("auth/login", "auth/logout"):
                yield message, message.body["result"]["status"]


def _statuses(client: LanguageClient) -> Iterator[str]:
    latest = 0
    instances = set()
    for message, status in statuses(client):
        where = f"the status in message {message.index}"
        for name in REQUIRED_IN_STATUS:
            if name not in status:
                yield f"{where} lacks {name}"
        if status.get("state") not in STATES:
            yield f"{where} has the state {status.get('state')}"
        for name in ("expiresAt", "lastRefreshAt"):
            if name in status and not TIMESTAMP.fullmatch(status[name]):
                yield f"{where}: {name} is not RFC 3339 in UTC: {status[name]}"
        if "account" in status and not status["account"].get("label"):
            yield f"{where} has an account without a label"
        if "mfa" not in status.get("cloud", {}):
            yield f"{where} has no cloud.mfa"
        if "lastError" in status:
            yield from _auth_error(where, status["lastError"])
        if message.method == "auth/statusChanged" and status.get("revision", 0) < latest:
            yield f"{where} is older than one announced before"
        latest = max(latest, status.get("revision", 0))
        instances.add(status.get("serverInstanceId"))
    if len(instances) > 1:
        yield f"serverInstanceId changed: {instances}"


def _status_changes(client: LanguageClient) -> Iterator[str]:
    changes = status_changes(client)
    if client.initialized and client.auth is not None and not changes and not client.broken:
        yield "auth/statusChanged with cause startup never came"
    previous: dict[str, Any] | None = None
    for place, change in enumerate(changes):
        where = f"auth/statusChanged number {place}"
        cause, origin = change.get("cause"), change.get("origin")
        if cause not in CAUSES:
            yield f"{where} has the cause {cause}"
        if (place == 0) != (cause == "startup"):
            yield f"{where} has the cause {cause}"
        if origin != ("otherProcess" if cause == "externalChange" else "thisServer"):
            yield f"{where}: cause {cause} with origin {origin}"
        if not isinstance(change.get("accountChanged"), bool):
            yield f"{where} has no accountChanged"
        status = change["status"]
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
        if params["outcome"] not in OUTCOMES:
            yield f"auth/loginCompleted has the outcome {params['outcome']}"
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
            attempt_id, phase = message.params["attemptId"], message.params["phase"]
            if phase not in PHASES:
                yield f"auth/loginProgress has the phase {phase}"
            elif PHASES.index(phase) < reached.get(attempt_id, 0):
                yield f"auth/loginProgress went back to {phase}"
            else:
                reached[attempt_id] = PHASES.index(phase)
            if attempt_id in over:
                yield f"auth/loginProgress came after auth/loginCompleted for {attempt_id}"
            if not message.params.get("message"):
                yield "auth/loginProgress has no message"


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
    for token in open_tokens:
        yield f"$/progress never ended for {token!r}"
