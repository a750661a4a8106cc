"""The life of the process: how it ends, in time, with nothing lost and nothing left behind."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import begin, sign_in_with_key
from e2e.shapes import api_key_login, chatgpt_login, example_key
from support import raw_callback
from support.lsp_client import ANSWER_DEADLINE, clean_environment, server_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

IN_TIME = 5.0
"""Seconds within which a process has ended after its client has gone or it was told to."""


# How it ends


async def test_shutdown_and_exit_end_it_with_status_0(start: Starter):
    """The orderly end of LSP."""
    client = await start()

    assert await client.close() == 0


async def test_exit_alone_ends_it_with_status_1(start: Starter):
    """LSP: `exit` without `shutdown` is an error."""
    client = await start()

    await client.notify("exit")

    assert await client.wait_until_ended(IN_TIME) == 1


async def test_exit_before_initialize_ends_it(start: Starter):
    """A client that changed its mind."""
    client = await start.process()

    await client.notify("exit")

    assert await client.wait_until_ended(IN_TIME) == 1


async def test_the_end_of_stdin_ends_it(start: Starter):
    """(W15) The editor has crashed: nobody will ever say `exit`."""
    client = await start()

    await client.close_stdin()

    assert await client.wait_until_ended(IN_TIME) == 0


async def test_the_end_of_stdin_before_initialize_ends_it(start: Starter):
    """The editor never came up."""
    client = await start.process()

    await client.close_stdin()

    assert await client.wait_until_ended(IN_TIME) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_it_in_order(start: Starter, number):
    """As orderly as `shutdown` and `exit`: status 0, no traceback."""
    client = await start()

    client.process.send_signal(number)

    assert await client.wait_until_ended(IN_TIME) == 0
    assert b"Traceback" not in client.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_during_a_login_ends_both(
    start: Starter, sandbox: Sandbox, home: CodexHome, number
):
    """(W15) The port is free and the old login as it was."""
    before = home.write(api_key_login(example_key("stays")))
    client = await start(sandbox)
    attempt = await begin(client)

    client.process.send_signal(number)
    await client.wait_until_ended(IN_TIME)

    assert not await raw_callback.is_listening(attempt.port)
    assert home.bytes() == before


ENDS = ["EOF", "SIGTERM", "shutdown", "exit"]


@pytest.mark.parametrize("end", ENDS)
async def test_a_rotation_under_way_is_stored_before_the_end(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, end
):
    """(W15) The old token is spent: a process that left now would leave the person signed out."""
    client = await start(sandbox)
    await browser.sign_in(client)
    old = home.read()["tokens"]["refresh_token"]
    sandbox.fault("refresh", "delay", seconds=1)
    await client.start_request("auth/refresh", {"force": True})
    await sandbox.saw("refresh")

    await _end(client, end)
    await client.wait_until_ended(IN_TIME)
    new = home.read()["tokens"]["refresh_token"]

    assert new != old
    assert sandbox.refresh(new).status_code == 200


@pytest.mark.parametrize("end", ENDS)
async def test_a_logout_under_way_is_finished_before_the_end(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, end
):
    """The login is gone here, and the issuer was told."""
    client = await start(sandbox)
    await browser.sign_in(client)
    token = home.read()["tokens"]["refresh_token"]
    sandbox.fault("revoke", "delay", seconds=0.5)
    await client.start_request("auth/logout", {})
    await sandbox.saw("revoke")

    await _end(client, end)
    await client.wait_until_ended(IN_TIME)

    assert home.bytes() is None
    assert [request["status"] for request in sandbox.requests("revoke")] == [200]
    assert sandbox.refresh(token).status_code == 401


async def _end(client: LanguageClient, how: str) -> None:
    if how == "EOF":
        await client.close_stdin()
    elif how == "SIGTERM":
        client.process.send_signal(signal.SIGTERM)
    elif how == "exit":
        await client.notify("exit")
    else:
        await client.start_request("shutdown")
        await client.notify("exit")


async def test_an_issuer_that_hangs_does_not_keep_a_process_for_ever(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """(W15) A revocation has no claim on a process whose editor has gone."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("revoke", "hang")
    await client.start_request("auth/logout", {})
    await sandbox.saw("revoke")

    await client.close_stdin()
    await client.wait_until_ended(IN_TIME)
    sandbox.release()

    assert home.bytes() is None


# What it writes


@pytest.mark.parametrize("unbuffered", ["", "1"])
async def test_many_answers_at_once_are_whole_frames(start: Starter, home: CodexHome, unbuffered):
    """(W20) Whatever the interpreter's buffering, a frame is never cut or mixed with another."""
    home.write(chatgpt_login(issuer="http://127.0.0.1:9"))
    client = await start(environment={"PYTHONUNBUFFERED": unbuffered})

    requests = [await client.start_request("auth/status", {}) for _ in range(500)]
    answers = await asyncio.gather(*(request.result() for request in requests))

    assert client.broken is None
    assert all(answer == answers[0] for answer in answers)


async def test_a_client_that_reads_late_gets_everything(home: CodexHome, tmp_path):
    """(W17) More answers than any pipe holds wait for a client that is busy."""
    home.write(chatgpt_login(issuer="http://127.0.0.1:9"))
    process = await asyncio.create_subprocess_exec(
        *server_command(home=home.path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=clean_environment(tmp_path),
        limit=1024,  # beyond that the test's own end reads nothing until it is asked to
    )
    assert process.stdin is not None
    process.stdin.write(_request(0, "initialize", capabilities={}))
    for number in range(1, 500):
        process.stdin.write(_request(number, "auth/status"))
    await process.stdin.drain()
    process.stdin.write(_request(500, "shutdown") + _frame({"jsonrpc": "2.0", "method": "exit"}))

    stdout, _ = await asyncio.wait_for(process.communicate(), ANSWER_DEADLINE)

    assert [message["id"] for message in _frames(stdout)] == list(range(501))
    assert process.returncode == 0


def _request(number: int, method: str, **params: Any) -> bytes:
    return _frame({"jsonrpc": "2.0", "id": number, "method": method, "params": params})


def _frame(body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


def _frames(data: bytes) -> Iterator[dict[str, Any]]:
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        length = int(head.removeprefix(b"Content-Length: "))
        yield json.loads(data[:length])
        data = data[length:]


async def test_nothing_is_written_to_stderr_unless_the_log_is_asked_for(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """An editor that shows stderr to the person shows nothing on a good day."""
    client = await start(sandbox, log_level=None)

    await browser.sign_in(client)
    await sign_in_with_key(client, example_key("quiet"))
    await client.request("auth/logout", {})
    await client.close()

    assert client.stderr == b""


async def test_the_log_goes_to_the_file_that_was_named(
    start: Starter, sandbox: Sandbox, browser: Browser, tmp_path
):
    """(S19) `--log-file` takes it from stderr; the guard searches it for secrets."""
    log = tmp_path / "server.log"
    client = await start(sandbox, arguments=("--log-file", str(log)))

    await browser.sign_in(client)
    await client.close()

    assert client.stderr == b""
    assert "auth/login" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


async def test_stdio_may_be_said(start: Starter):
    """`--stdio` is what many editors add on their own."""
    client = await start(arguments=("--stdio",))

    assert (await client.request("auth/status", {}))["state"] == "signedOut"


async def test_two_hundred_requests_in_flight_are_all_answered(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Long requests pile up behind one refresh; each gets its answer."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("refresh", "delay", seconds=0.5)

    requests = [await client.start_request("auth/refresh", {"force": True}) for _ in range(200)]
    answers = [await request.result() for request in requests]

    assert {answer["state"] for answer in answers} == {"signedIn"}
    assert len(sandbox.requests("refresh")) == 1


async def test_more_requests_than_are_served_at_a_time_are_told_to_come_back(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(W19) Beyond 256 a request is `rateLimited`; `auth/status` is answered all the same."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("refresh", "hang")

    requests = [await client.start_request("auth/refresh", {"force": True}) for _ in range(300)]
    status = await client.request("auth/status", {})
    refused = [request for request in requests if request.answered]
    errors = [await request.error() for request in refused]
    sandbox.release()
    for request in requests:
        await request.message()

    assert status["state"] == "signedIn"
    assert {error.summary for error in errors} == {(-32803, "rateLimited")}
    assert len(refused) == 300 - 256


# What comes in an odd order


async def test_what_follows_an_exit_is_not_taken(start: Starter):
    """(W14) Not even in the same write."""
    client = await start()

    await client.send_raw(
        _frame({"jsonrpc": "2.0", "method": "exit"}) + _request(77, "auth/status")
    )

    assert await client.wait_until_ended(IN_TIME) == 1
    assert [message for message in client.messages if message.body.get("id") == 77] == []


async def test_initialized_that_is_said_twice_begins_once(start: Starter):
    """(W14) One status is announced at the start, and each change once."""
    client = await start()
    await client.wait_for("auth/statusChanged", lambda params: params["cause"] == "startup")

    await client.notify("initialized", {})
    await sign_in_with_key(client, example_key("once"))

    causes = [message.params["cause"] for message in client.all("auth/statusChanged")]
    assert causes.count("startup") == 1
    assert causes.count("login") == 1


@pytest.mark.parametrize("value", ["verbose", "messages", 5])
async def test_a_trace_that_is_asked_for_tells_nothing(start: Starter, home: CodexHome, value):
    """(S19) A client's trace is made of what it sends and gets; the server adds nothing to it."""
    client = await start()

    await client.notify("$/setTrace", {"value": value})
    await sign_in_with_key(client, example_key("traced"))

    assert client.all("$/logTrace") == client.all("window/logMessage") == []
    assert b"setTrace" in client.stderr
    assert example_key("traced").encode() not in client.stderr
