"""The start of a conversation: capabilities in both directions, and requests that do not fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import begin
from e2e.promises import without_revision
from e2e.shapes import example_key

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

COMMANDS = [
    "codexAuth.cancel",
    "codexAuth.signIn",
    "codexAuth.signInWithDeviceCode",
    "codexAuth.signOut",
    "codexAuth.status",
]

REQUESTS = {
    "auth/status",
    "auth/methods",
    "auth/login",
    "auth/cancelLogin",
    "auth/submitCallback",
    "auth/reopenBrowser",
    "auth/logout",
    "auth/refresh",
    "auth/credential",
    "auth/providers",
    "auth/doctor",
}

NOTIFICATIONS = {
    "auth/statusChanged",
    "auth/loginPrompt",
    "auth/loginProgress",
    "auth/loginCompleted",
    "auth/providersChanged",
    "auth/notice",
}

MARKER = "value-that-must-not-come-back"


# Capabilities


async def test_an_auth_client_learns_methods_requests_and_notifications(start: Starter):
    """The server says its protocol version, its login methods and what it answers and sends."""
    client = await start()

    auth = client.capabilities["experimental"]["auth"]

    assert auth["protocolVersion"] == 1
    assert isinstance(auth["serverInstanceId"], str)
    assert set(auth["loginMethods"]) >= {"browser", "apiKey"}
    assert set(auth["requests"]) >= REQUESTS
    assert set(auth["notifications"]) >= NOTIFICATIONS


async def test_the_announced_requests_are_those_that_are_known(start: Starter):
    """A method is in `requests` exactly when it is not answered with "unknown method"."""
    client = await start()
    announced = set(client.capabilities["experimental"]["auth"]["requests"])

    known = set()
    for method in sorted(REQUESTS | {"auth/unheardOf"}):
        message = await (await client.start_request(method, {})).message()
        if message.body.get("error", {}).get("code") != -32601:
            known.add(method)

    assert announced == known


@pytest.mark.parametrize("version", [1, 2, 99])
async def test_a_client_with_the_same_or_a_newer_protocol_gets_version_1(start: Starter, version):
    """The server answers with the highest version that both speak."""
    client = await start(auth={"protocolVersion": version})

    assert client.capabilities["experimental"]["auth"]["protocolVersion"] == 1


async def test_an_empty_auth_object_suffices(start: Starter):
    """`{}` declares a client that speaks version 1 and gets the `auth/*` notifications."""
    client = await start(auth={})

    assert client.capabilities["experimental"]["auth"]["protocolVersion"] == 1
    assert len(client.all("auth/statusChanged")) == 1


async def test_commands_are_advertised_to_a_client_without_auth_only(start: Starter):
    """A client that registers the commands itself would collide with ours."""
    plain = await start(auth=None)
    speaking = await start(auth={})

    assert sorted(plain.capabilities["executeCommandProvider"]["commands"]) == COMMANDS
    assert "executeCommandProvider" not in speaking.capabilities


async def test_every_process_has_its_own_instance_id(start: Starter):
    """`serverInstanceId` is the same in capabilities and status, and new in each process."""
    first, second = await start(), await start()

    announced = [
        client.capabilities["experimental"]["auth"]["serverInstanceId"]
        for client in (first, second)
    ]
    told = [
        (await client.request("auth/status", {}))["serverInstanceId"] for client in (first, second)
    ]

    assert announced == told
    assert announced[0] != announced[1]


async def test_the_startup_status_follows_initialized(start: Starter):
    """One `auth/statusChanged` with cause `startup` comes after `initialized`, not before."""
    client = await start.process()
    await client.initialize(initialized=False)
    status = await client.request("auth/status", {})
    before = client.all("auth/statusChanged")

    await client.notify("initialized", {})
    client.initialized = True
    startup = await client.wait_for("auth/statusChanged")

    assert before == []
    assert startup.params["cause"] == "startup"
    assert startup.params["origin"] == "thisServer"
    assert without_revision(startup.params["status"]) == without_revision(status)


async def test_initialization_options_and_workspace_decide_nothing(
    start: Starter, sandbox: Sandbox, home: CodexHome, tmp_path
):
    """Issuer, client id and paths never come from a message or from a workspace."""
    workspace = tmp_path / "workspace"
    (workspace / ".codex").mkdir(parents=True)
    (workspace / ".codex" / "config.toml").write_text(
        'cli_auth_credentials_store = "ephemeral"\nforced_login_method = "api"\n'
    )
    elsewhere = {
        "codexHome": str(workspace),
        "issuer": "http://127.0.0.1:9",
        "clientId": "client-of-the-workspace",
    }
    client = await start.process(issuer=sandbox)
    await client.initialize(options={**elsewhere, "codexAuth": elsewhere}, workspace=workspace)

    attempt = await begin(client)
    status = await client.request("auth/status", {})

    assert attempt.url.startswith(f"{sandbox.issuer}/oauth/authorize?")
    assert attempt.parameters["client_id"] != "client-of-the-workspace"
    assert status["store"]["mode"] == "file"
    assert status["store"].get("path", str(home.auth_file)) == str(home.auth_file)


# Order


@pytest.mark.parametrize("method", ["auth/status", "auth/login", "auth/unheardOf", "shutdown"])
async def test_a_request_before_initialize_is_refused(start: Starter, method):
    """(W14) Nothing is served before `initialize`: -32002. The conversation can still start."""
    client = await start.process()

    error = await client.request_error(method, {})
    await client.initialize()

    assert error.code == -32002
    assert (await client.request("auth/status", {}))["state"] == "signedOut"


async def test_a_second_initialize_is_refused(start: Starter):
    """(W14) `initialize` is said once: -32600. The conversation goes on."""
    client = await start()

    error = await client.request_error("initialize", {"processId": None, "capabilities": {}})

    assert error.code == -32600
    assert (await client.request("auth/status", {}))["state"] == "signedOut"


@pytest.mark.parametrize("method", ["auth/status", "auth/login", "shutdown"])
async def test_a_request_after_shutdown_is_refused(start: Starter, method):
    """(W14) After `shutdown` only `exit` counts: -32600, and the exit status is 0."""
    client = await start()
    answer = await client.request("shutdown")

    error = await client.request_error(method, {})
    returncode = await client.close()

    assert answer is None
    assert error.code == -32600
    assert returncode == 0


async def test_an_unknown_method_is_refused_by_code(start: Starter):
    """(W10) -32601 for a request; an unknown notification is ignored."""
    client = await start()

    await client.notify("auth/unheardOf", {})
    await client.notify("$/unheardOf", {})
    error = await client.request_error("auth/unheardOf", {})

    assert error.code == -32601


# Params


@pytest.mark.parametrize("params", [..., None, {}, []], ids=["missing", "null", "{}", "[]"])
async def test_requests_with_optional_fields_only_accept_no_params(start: Starter, params: Any):
    """(W9) Missing, `null`, `{}` and `[]` params are the same."""
    client = await start()
    given = () if params is ... else (params,)

    status = await client.request("auth/status", *given)
    methods = await client.request("auth/methods", *given)
    cancelled = await client.request("auth/cancelLogin", *given)
    removed = await client.request("auth/logout", *given)
    refresh = await client.request_error("auth/refresh", *given)
    credential = await client.request_error("auth/credential", *given)

    assert status["state"] == "signedOut"
    assert {method["id"] for method in methods["methods"]} >= {"browser", "apiKey"}
    assert cancelled == {"outcome": "notFound"}
    assert removed["removed"] == []
    assert refresh.summary == (-32803, "notSignedIn")
    assert credential.summary == (-32803, "notSignedIn")


KEY = example_key("params")

WRONG_PARAMS = [
    ("auth/login", {}, "method"),
    ("auth/login", {"method": None}, "method"),
    ("auth/login", {"method": 731_973}, "method"),
    ("auth/login", {"method": MARKER}, "method"),
    ("auth/login", {"method": [MARKER]}, "method"),
    ("auth/login", {"method": "apiKey"}, "apiKey"),
    ("auth/login", {"method": "apiKey", "apiKey": None}, "apiKey"),
    ("auth/login", {"method": "apiKey", "apiKey": 731_973}, "apiKey"),
    ("auth/login", {"method": "apiKey", "apiKey": [KEY]}, "apiKey"),
    ("auth/login", {"method": "browser", "apiKey": KEY}, "apiKey"),
    ("auth/login", {"method": "browser", "timeoutSeconds": 0}, "timeoutSeconds"),
    ("auth/login", {"method": "browser", "timeoutSeconds": 1801}, "timeoutSeconds"),
    ("auth/login", {"method": "browser", "timeoutSeconds": -5}, "timeoutSeconds"),
    ("auth/login", {"method": "browser", "timeoutSeconds": MARKER}, "timeoutSeconds"),
    ("auth/login", {"method": "browser", "timeoutSeconds": "60"}, "timeoutSeconds"),
    ("auth/login", {"method": "browser", "timeoutSeconds": True}, "timeoutSeconds"),
    ("auth/login", {"method": "browser", "timeoutSeconds": 60.5}, "timeoutSeconds"),
    ("auth/login", {"method": "browser", "attemptId": ""}, "attemptId"),
    ("auth/login", {"method": "browser", "attemptId": "a" * 129}, "attemptId"),
    ("auth/login", {"method": "browser", "attemptId": f"{MARKER} with space"}, "attemptId"),
    ("auth/login", {"method": "browser", "attemptId": f"{MARKER}/slash"}, "attemptId"),
    ("auth/login", {"method": "browser", "attemptId": f"{MARKER}\n"}, "attemptId"),
    ("auth/login", {"method": "browser", "attemptId": f"{MARKER}-é"}, "attemptId"),
    ("auth/login", {"method": "browser", "attemptId": 731_973}, "attemptId"),
    ("auth/login", {"method": "browser", "ifRunning": MARKER}, "ifRunning"),
    ("auth/login", {"method": "browser", "ifRunning": True}, "ifRunning"),
    ("auth/login", {"method": "browser", "expectedAccountId": 731_973}, "expectedAccountId"),
    ("auth/login", {"method": "browser", "workDoneToken": {"a": MARKER}}, "workDoneToken"),
    ("auth/cancelLogin", {"attemptId": 731_973}, "attemptId"),
    ("auth/cancelLogin", {"attemptId": [MARKER]}, "attemptId"),
    ("auth/submitCallback", {}, "url"),
    ("auth/submitCallback", {"url": None}, "url"),
    ("auth/submitCallback", {"url": 731_973}, "url"),
    ("auth/submitCallback", {"url": [MARKER]}, "url"),
    ("auth/submitCallback", {"url": MARKER, "attemptId": 731_973}, "attemptId"),
    ("auth/submitCallback", {"url": MARKER * 1000}, "url"),
    ("auth/reopenBrowser", {"attemptId": [MARKER]}, "attemptId"),
    ("auth/logout", {"revoke": MARKER}, "revoke"),
    ("auth/logout", {"revoke": 731_973}, "revoke"),
    ("auth/refresh", {"force": MARKER}, "force"),
    ("auth/refresh", {"minValiditySeconds": MARKER}, "minValiditySeconds"),
    ("auth/refresh", {"minValiditySeconds": True}, "minValiditySeconds"),
    ("auth/credential", {"providerId": 731_973}, "providerId"),
    ("auth/credential", {"minValiditySeconds": MARKER}, "minValiditySeconds"),
    ("auth/credential", {"rejectedRevision": MARKER}, "rejectedRevision"),
]


async def test_params_of_the_wrong_type_name_the_field_and_never_the_value(start: Starter):
    """(W9) -32602 for each; nothing is started, and no value comes back."""
    client = await start()

    wrong = {}
    for method, params, field in WRONG_PARAMS:
        request = await client.start_request(method, params)
        try:
            body = (await request.message(timeout=2)).body
        except TimeoutError:
            body = {}
            await request.cancel()
        error = body.get("error", {"code": "none: it was accepted", "message": ""})
        told = json.dumps(body, ensure_ascii=False)
        faults = []
        if error["code"] != -32602:
            faults.append(f"code {error['code']}")
        if field not in error["message"]:
            faults.append(f"names no {field}: {error['message']}")
        if any(value in told for value in (MARKER, KEY, "731973")):
            faults.append("tells the value")
        if faults:
            wrong[f"{method} {params}"] = faults

    assert wrong == {}
    assert client.all("auth/loginPrompt") == []
    assert (await client.request("auth/status", {}))["state"] == "signedOut"


async def test_null_fields_are_absent_and_unknown_fields_ignored(start: Starter):
    """An incoming `null` means absent; what the server does not know it ignores."""
    client = await start()

    result = await client.request(
        "auth/login",
        {
            "method": "apiKey",
            "apiKey": example_key("nulls"),
            "attemptId": None,
            "ifRunning": None,
            "expectedAccountId": None,
            "timeoutSeconds": None,
            "workDoneToken": None,
            "fieldOfTheFuture": {"deep": [1, 2, 3]},
        },
    )
    status = await client.request("auth/status", {"fieldOfTheFuture": 1})

    assert result["status"]["state"] == "signedIn"
    assert status["method"] == "apiKey"


# Malformed messages


@pytest.mark.parametrize(
    "body",
    [
        {"id": 700, "method": "auth/status", "params": {}},
        {"jsonrpc": "1.0", "id": 700, "method": "auth/status", "params": {}},
        {"jsonrpc": "2.0", "id": 700, "method": 5, "params": {}},
        {"jsonrpc": "2.0", "id": {}, "method": "auth/status", "params": {}},
        [],
        "auth/status",
    ],
    ids=["no jsonrpc", "jsonrpc 1.0", "method a number", "id an object", "a list", "a string"],
)
async def test_a_malformed_message_gets_an_error_and_the_next_is_served(start: Starter, body):
    """(W7) -32600 for JSON that is no JSON-RPC."""
    client = await start()
    since = client.mark()

    await client.send(body)
    answer = await _error_response(client, since)

    assert answer["error"]["code"] == -32600
    assert (await client.request("auth/status", {}))["state"] == "signedOut"


@pytest.mark.parametrize(
    "content",
    [b"{", b"not json", b'{"jsonrpc": "2.0", "method": "\xff\xfe"}'],
    ids=["cut short", "words", "not UTF-8"],
)
async def test_content_that_is_not_json_gets_an_error_and_the_next_is_served(
    start: Starter, content
):
    """(W6) -32700 for what cannot be parsed; the frame was whole, so the stream is trusted."""
    client = await start()
    since = client.mark()

    await client.send_raw(b"Content-Length: %d\r\n\r\n" % len(content) + content)
    answer = await _error_response(client, since)

    assert answer["error"]["code"] == -32700
    assert (await client.request("auth/status", {}))["state"] == "signedOut"


async def test_nesting_beyond_the_limit_is_refused_and_the_next_message_served(start: Starter):
    """(W6) 64 levels are the limit: a message of 10 000 gets an error and does no harm."""
    client = await start()
    since = client.mark()
    content = (
        b'{"jsonrpc":"2.0","id":700,"method":"auth/status","params":'
        + b"[" * 10_000
        + b"]" * 10_000
        + b"}"
    )

    await client.send_raw(b"Content-Length: %d\r\n\r\n" % len(content) + content)
    await _error_response(client, since)

    assert (await client.request("auth/status", {}))["state"] == "signedOut"


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Length: abc\r\n\r\n{}",
        b"Content-Length: -1\r\n\r\n{}",
        b"Content-Length: 8388609\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"X-Padding: " + b"a" * 9000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"b" * 20_000,
        b"X:" + b" " * 8100 + b"\n\r\n",
    ],
    ids=[
        "words",
        "negative",
        "over 8 MiB",
        "5000 digits",
        "20 digits",
        "9 KiB header",
        "no header",
        "8 KiB of blanks",
    ],
)
async def test_bad_framing_ends_the_process_with_status_1(start: Starter, data):
    """(W2) A stream that is out of step cannot be trusted: one line, nothing of it repeated."""
    client = await start(log_level=None)

    await client.send_raw(data)
    returncode = await client.wait_until_ended(timeout=5)

    (line,) = client.stderr.splitlines()
    assert returncode == 1
    assert line.startswith(b"codex-auth-lsp: not a language client's stream: ")
    assert not any(piece in line for piece in (b"abc", b"-1", b"999", b"8388609", b"aaa", b"bbb"))


async def _error_response(client: LanguageClient, since: int) -> dict[str, Any]:
    message = await client.wait_until(
        lambda message: "error" in message.body, "error response", since=since
    )
    return message.body
