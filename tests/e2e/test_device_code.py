"""Signing in with a code on another screen: what is shown, what is stored, and every end."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.visitor import Visitor
from codex_auth_lsp.terminal.qr_code import qr_code
from e2e.logins import begin, completion
from e2e.shapes import api_key_login, chatgpt_login, example_key
from support import parts
from support.lsp_client import EXECUTE_COMMAND, clean_environment, server_command
from support.secrets_guard import USER_CODE

try:
    import fcntl
    import pty
    import termios
except ImportError:  # Windows
    pty = None

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.logins import Attempt
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

DEVICE = {"method": "deviceCode"}

CANCEL_SECONDS = 1.0
"""Seconds within which a cancelled login has stopped to ask."""


@pytest.fixture(autouse=True)
def quick_issuer(sandbox: Sandbox) -> None:
    """Let the issuer be asked every second, so that no test waits for five."""
    sandbox.policy(deviceIntervalSeconds=1)


@pytest.fixture
def old_login(home: CodexHome) -> bytes:
    """Store a login that every failed attempt has to leave as it was; return its bytes."""
    return home.write(chatgpt_login(issuer="http://127.0.0.1:9") | {"x_future": [1]})


async def enter(attempt: Attempt, **choices: Any) -> None:
    """Let the person type the code that they were shown into the page that they were shown."""
    await Visitor().enter_device_code(attempt.url, attempt.prompt["userCode"], **choices)


@dataclass(frozen=True)
class End:
    """How an attempt ended, as the request and as the notification tell it."""

    code: int
    kind: str | None
    outcome: str


async def ended(client: LanguageClient, attempt: Attempt) -> End:
    """Return the end of an attempt that failed, told once and the same everywhere."""
    error = await attempt.request.error()
    completed = await completion(client, attempt.id)
    status = await client.request("auth/status", {})
    assert completed["error"]["attemptId"] == attempt.id
    if error.code != -32800:
        assert completed["error"] == {**error.data, "message": error.message}
    assert "pendingLogin" not in status
    assert len(client.all("auth/loginCompleted")) == 1
    return End(error.code, error.kind, completed["outcome"])


async def test_a_person_signs_in_with_a_code(start: Starter, sandbox: Sandbox, home: CodexHome):
    """The prompt carries page, code and expiry; the login is that of the Codex CLI's own way."""
    client = await start(sandbox)

    attempt = await begin(client, **DEVICE)
    await enter(attempt, person="password")
    result = await attempt.request.result()
    login = home.read()

    assert attempt.prompt["kind"] == "deviceCode"
    assert attempt.url == f"{sandbox.issuer}/codex/device"
    assert attempt.prompt["expiresAt"].endswith("Z")
    assert "callbackPort" not in attempt.prompt
    assert "share" in attempt.prompt["message"]
    assert "only if you started" in attempt.prompt["message"]
    assert attempt.prompt["userCode"] not in attempt.prompt["message"]
    assert result["status"]["account"]["email"] == "pro@example.com"
    assert (login["auth_mode"], login["OPENAI_API_KEY"]) == ("chatgpt", None)
    assert login["tokens"]["oauth_provenance"] == {
        "issuer": sandbox.issuer,
        "client_id": sandbox.client_id,
    }
    assert home.mode() == 0o600


async def test_l10_the_person_is_warned_and_reads_whose_account_it_is(
    start: Starter, sandbox: Sandbox
):
    """Somebody else's code must not sign this editor in unnoticed."""
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)
    await enter(attempt, person="password")

    result = await attempt.request.result()

    assert "Never share this code" in attempt.prompt["message"]
    assert "pro@example.com" in result["message"]


async def test_the_phases_and_the_end_come_in_order(start: Starter, sandbox: Sandbox):
    """As for the browser: prompt before waiting, then status, completion and response."""
    client = await start(sandbox)

    attempt = await begin(client, **DEVICE, workDoneToken="sign-in")
    await enter(attempt)
    await attempt.request.result()

    phases = [message.params["phase"] for message in client.all("auth/loginProgress")]
    names = [
        message.method or f"answer to {message.answers}"
        for message in client.messages
        if message.method not in {"auth/loginProgress", "auth/providersChanged"}
    ]
    values = [message.params["value"]["kind"] for message in client.all("$/progress")]
    assert phases == ["starting", "waitingForUser", "exchanging", "verifying", "storing"]
    assert names[-4:] == [
        "$/progress",
        "auth/statusChanged",
        "auth/loginCompleted",
        "answer to auth/login",
    ]
    assert (values[0], values[-1], values.count("end")) == ("begin", "end", 1)


async def test_the_exchange_is_that_of_the_codex_cli(start: Starter, sandbox: Sandbox):
    """No API key is made, and nothing but OpenAI's routes is used where they are there."""
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)
    await enter(attempt)
    await attempt.request.result()

    assert len(sandbox.requests("usercode")) == 1
    assert sandbox.requests("deviceToken") != []
    assert len(sandbox.requests("token")) == 1
    assert sandbox.requests("apiKeyExchange") == []


async def test_the_status_shows_the_login_that_waits(start: Starter, sandbox: Sandbox):
    """`pendingLogin` names the method and the deadline."""
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE, timeoutSeconds=30)

    pending = (await client.request("auth/status", {}))["pendingLogin"]
    await client.request("auth/cancelLogin", {})
    await ended(client, attempt)

    assert (pending["attemptId"], pending["method"]) == (attempt.id, "deviceCode")
    assert pending["expiresAt"] == attempt.prompt["expiresAt"]


# Ends


async def test_a_code_login_that_is_not_switched_on_says_how_to_switch_it_on(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """`deviceCodeDisabled`: both switches of the documentation, and the other ways in."""
    sandbox.policy(deviceEnabled=False)
    client = await start(sandbox)

    error = await client.request_error("auth/login", DEVICE)

    titles = " ".join(remedy["title"] for remedy in error.data["remediation"])
    commands = [remedy.get("command") for remedy in error.data["remediation"]]
    assert error.summary == (-32803, "deviceCodeDisabled")
    for text in (error.message, titles):
        assert "security settings" in text
        assert "workspace permissions" in text
        assert "administrator" in text
    assert commands == [None, None, "codexAuth.signIn", "codexAuth.signInWithApiKey"]
    assert client.all("auth/loginPrompt") == []
    assert client.all("auth/loginCompleted")[0].params["outcome"] == "failed"
    assert home.bytes() == old_login


async def test_a_refusal_on_the_page_ends_it(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """`loginDenied`, and the old login stays."""
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)

    await enter(attempt, decision="deny")

    assert await ended(client, attempt) == End(-32803, "loginDenied", "failed")
    assert home.bytes() == old_login


async def test_a_code_that_nobody_enters_expires(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """`deviceCodeExpired`, with outcome `expired` and a way to a new code."""
    sandbox.policy(deviceSeconds=1)
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)

    assert await ended(client, attempt) == End(-32803, "deviceCodeExpired", "expired")
    (completed,) = client.all("auth/loginCompleted")
    assert completed.params["error"]["remediation"] == [
        {"title": "Get a new code", "command": "codexAuth.signInWithDeviceCode"}
    ]
    assert home.bytes() == old_login


async def test_l22_the_attempt_s_own_deadline_ends_it(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """Two seconds are two seconds, however long the code is good."""
    client = await start(sandbox)
    begun = time.monotonic()
    attempt = await begin(client, **DEVICE, timeoutSeconds=2)

    assert await ended(client, attempt) == End(-32803, "loginTimedOut", "expired")
    assert 1.9 < time.monotonic() - begun < 4
    assert home.bytes() == old_login


@pytest.mark.parametrize("way", ["cancelLogin", "cancelRequest", "logout"])
async def test_cancelling_stops_the_questions_within_a_second(
    start: Starter, sandbox: Sandbox, way
):
    """(P19) The end is told at once, and the issuer is left in peace."""
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)
    await sandbox.saw("deviceToken")

    begun = time.monotonic()
    if way == "cancelLogin":
        await client.request("auth/cancelLogin", {"attemptId": attempt.id})
    elif way == "cancelRequest":
        await attempt.request.cancel()
    else:
        await client.request("auth/logout", {})
    end = await ended(client, attempt)
    elapsed = time.monotonic() - begun
    asked = len(sandbox.requests("deviceToken"))
    await begin_and_cancel(client, sandbox)

    assert elapsed < CANCEL_SECONDS
    assert end.outcome == "cancelled"
    assert end.code == (-32800 if way == "cancelRequest" else -32802)
    # The next attempt has asked once; the ended one no more.
    assert len(sandbox.requests("deviceToken")) == asked + 1


async def begin_and_cancel(client: LanguageClient, sandbox: Sandbox) -> None:
    """Run an attempt until its first question, which comes a whole interval after its code."""
    asked = len(sandbox.requests("deviceToken"))
    attempt = await begin(client, **DEVICE)
    await sandbox.saw("deviceToken", asked + 1)
    await client.request("auth/cancelLogin", {"attemptId": attempt.id})
    await attempt.request.error()


async def test_a_cancelled_login_does_not_wait_for_an_issuer_that_is_silent(
    start: Starter, sandbox: Sandbox
):
    """A question that hangs is dropped."""
    sandbox.fault("deviceToken", "hang")
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)
    await sandbox.saw("deviceToken")

    begun = time.monotonic()
    await client.request("auth/cancelLogin", {})
    end = await ended(client, attempt)

    assert end == End(-32802, "loginCancelled", "cancelled")
    assert time.monotonic() - begun < CANCEL_SECONDS


@pytest.mark.parametrize("kind", ["close", "status"])
async def test_trouble_on_the_way_is_waited_out(start: Starter, sandbox: Sandbox, kind):
    """A connection that breaks and a 5xx are no end of a login that a person is working on."""
    sandbox.fault("deviceToken", kind)
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)
    await sandbox.saw("deviceToken")
    await enter(attempt)

    result = await attempt.request.result()

    assert result["status"]["state"] == "signedIn"


async def test_a_window_that_goes_ends_its_own_login(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login
):
    """The end of stdin ends attempt and process."""
    client = await start(sandbox)
    await begin(client, **DEVICE)

    await client.close_stdin()

    assert await client.wait_until_ended() == 0
    (completed,) = client.all("auth/loginCompleted")
    assert completed.params["outcome"] == "cancelled"
    assert completed.params["error"]["kind"] == "shuttingDown"
    assert home.bytes() == old_login


# Beside other logins


async def test_joined_requests_share_one_code(start: Starter, sandbox: Sandbox):
    """One attempt, one prompt, one end, two results."""
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)
    joined = await client.start_request("auth/login", {**DEVICE, "ifRunning": "join"})

    await enter(attempt)
    results = [await attempt.request.result(), await joined.result()]

    assert {result["attemptId"] for result in results} == {attempt.id}
    assert len(client.all("auth/loginPrompt")) == 1
    assert len(client.all("auth/loginCompleted")) == 1
    assert len(sandbox.requests("usercode")) == 1


@pytest.mark.parametrize(
    ("first", "second"), [("browser", "deviceCode"), ("deviceCode", "browser")]
)
async def test_the_other_method_takes_the_place_of_what_runs(
    start: Starter, sandbox: Sandbox, first, second
):
    """The client that got another port than it asked for falls back so, and back again."""
    client = await start(sandbox)
    old = await begin(client, method=first)
    new = await begin(client, method=second)

    error = await old.request.error()
    await client.request("auth/cancelLogin", {})
    await new.request.error()

    assert error.summary == (-32802, "loginSuperseded")
    assert (await completion(client, old.id))["outcome"] == "superseded"
    assert new.prompt["kind"] == ("openUrl" if second == "browser" else "deviceCode")


@pytest.mark.parametrize("if_running", ["fail", "join"])
async def test_what_may_not_take_the_place_is_refused(start: Starter, sandbox: Sandbox, if_running):
    """`fail`, and `join` with another method: `loginInProgress`, and the code stays good."""
    client = await start(sandbox)
    attempt = await begin(client, **DEVICE)

    error = await client.request_error("auth/login", {"method": "browser", "ifRunning": if_running})
    await enter(attempt)

    assert error.summary == (-32803, "loginInProgress")
    assert (await attempt.request.result())["status"]["state"] == "signedIn"


async def test_a_login_that_one_window_finishes_is_seen_by_all(start: Starter, sandbox: Sandbox):
    """Through the cache: the other window hears of it within a second."""
    first, second = await start(sandbox), await start(sandbox)
    since = second.mark()
    attempt = await begin(first, **DEVICE)

    await enter(attempt)
    await attempt.request.result()
    heard = await second.wait_for(
        "auth/statusChanged",
        lambda params: params["status"]["state"] == "signedIn",
        since=since,
        timeout=1,
    )

    assert heard.params["cause"] == "externalChange"


# Who is shown the code


@pytest.mark.parametrize("auth", [None, {}], ids=["no auth", "no prompts"])
@pytest.mark.parametrize("pages", [False, True], ids=["shows no pages", "shows pages"])
async def test_a_client_without_prompts_reads_the_code_in_a_message(
    start: Starter, sandbox: Sandbox, guard: SecretsGuard, auth, pages
):
    """Always `window/showMessage`: a page that opens by itself would hide what to enter there."""
    client = await start(sandbox, auth=auth, window={"showDocument": {"support": pages}})

    answer = await client.request(
        EXECUTE_COMMAND, {"command": "codexAuth.signInWithDeviceCode"}, timeout=5
    )
    message = (await client.wait_for("window/showMessage")).params["message"]
    words = message.split()
    code = words[words.index("code") + 1]
    guard.add(code, USER_CODE)
    since = client.mark()
    await Visitor().enter_device_code(f"{sandbox.issuer}/codex/device", code)
    told = await client.wait_for("window/showMessage", since=since)

    assert list(answer) == ["attemptId"]
    assert f"{sandbox.issuer}/codex/device" in words
    assert "Never share this code" in message
    assert "plus@example.com" in told.params["message"]
    assert client.all("window/showDocument") == []
    assert client.all("auth/loginPrompt") == []


async def test_a_person_signs_in_at_a_terminal_without_a_browser(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome, guard: SecretsGuard
):
    """`login --device-auth`: page and code on stderr, no QR code in a pipe, status 0 at the end."""
    process = await command_line.spawn("login", "--device-auth", issuer=sandbox)
    assert process.stderr is not None
    shown = ""
    while "sign-in yourself" not in shown:
        line = await process.stderr.readline()
        assert line, shown
        shown += line.decode()
    lines = [line.strip() for line in shown.splitlines() if line.startswith("  ")]

    await Visitor().enter_device_code(lines[0], lines[1])
    stdout, stderr = await process.communicate()
    guard.add_output("stdout of login --device-auth", stdout)

    assert process.returncode == 0
    assert lines[0] == f"{sandbox.issuer}/codex/device"
    assert "Never share this code" in shown
    assert b"plus@example.com" in stdout
    assert stderr.strip() == b""
    assert "█" not in shown
    assert home.read()["auth_mode"] == "chatgpt"


@pytest.mark.skipif(pty is None, reason="this system has no pseudo-terminals")
async def test_a_person_at_a_real_terminal_sees_the_page_as_a_qr_code(
    start: Starter, sandbox: Sandbox, home: CodexHome, tmp_path: Path
):
    """The QR code holds the address that stands above it; Ctrl-C keeps the old login."""
    before = home.write(api_key_login(example_key("stays")))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 120, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *server_command(
            home=home.path,
            issuer=sandbox.issuer,
            log_level=None,
            arguments=("login", "--device-auth"),
        ),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=tmp_path,
        env=clean_environment(tmp_path, {"TERM": "xterm", "PYTHONUTF8": "1"}),
    )
    os.close(slave)
    expected = qr_code(f"{sandbox.issuer}/codex/device", 120).splitlines()
    try:
        received, shown = b"", ""
        while "sign-in yourself" not in shown or f"{expected[-2]}\r\n\r\n" not in shown:
            received += await asyncio.to_thread(os.read, master, 65_536)
            shown = received.decode(errors="ignore")  # a character may come in two halves
        process.send_signal(signal.SIGINT)
        returncode = await asyncio.wait_for(process.wait(), 10)
    finally:
        os.close(master)
        await parts.end(process, grace=0)

    lines = shown.replace("\r", "").splitlines()
    first = lines.index(expected[0])
    assert lines[first : first + len(expected) - 1] == expected[:-1]
    assert returncode not in (0, None)
    assert home.bytes() == before


async def test_a_code_login_that_is_not_switched_on_is_one_line_at_a_terminal(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """Status 1, and the old login stays."""
    before = home.write(api_key_login(example_key("stays")))
    sandbox.policy(deviceEnabled=False)

    outcome = await command_line("login", "--device-auth", issuer=sandbox)

    (line,) = outcome.stderr.splitlines()
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert "ChatGPT security settings" in line
    assert "workspace permissions" in line
    assert home.bytes() == before
