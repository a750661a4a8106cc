"""The editor or the system ends the server in each phase of a login: whole or not at all."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from e2e.logins import begin
from e2e.shapes import chatgpt_login
from e2e.test_login_ends import locked
from support import raw_callback

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

IN_TIME = 5.0
"""Seconds within which the process must be gone."""


async def _close(client: LanguageClient) -> None:
    await client.close_stdin()


async def _terminate(client: LanguageClient) -> None:
    client.process.send_signal(signal.SIGTERM)


async def _hang_up(client: LanguageClient) -> None:
    client.process.send_signal(signal.SIGHUP)


async def _exit(client: LanguageClient) -> None:
    await client.notify("exit")


ENDS = pytest.mark.parametrize(
    "end", [_close, _terminate, _hang_up, _exit], ids=["EOF", "SIGTERM", "SIGHUP", "exit"]
)


@pytest.fixture
def old_login(home: CodexHome) -> bytes:
    """Store a login that has to stay as it was; return its bytes."""
    return home.write(chatgpt_login(issuer="http://127.0.0.1:9") | {"x_future": [1]})


async def phase(client: LanguageClient, name: str) -> None:
    """Wait until an attempt has reached a phase."""
    await client.wait_for("auth/loginProgress", lambda params: params["phase"] == name)


@ENDS
async def test_while_its_issuer_is_looked_up(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login, end
):
    """(W15) In phase `starting` nobody was asked yet."""
    sandbox.fault("metadata", "hang")
    client = await start(sandbox)
    await client.start_request("auth/login", {"method": "browser"})
    await sandbox.saw("metadata")

    await end(client)
    await client.wait_until_ended(IN_TIME)
    sandbox.release()

    assert client.all("auth/loginPrompt") == []
    assert home.bytes() == old_login


@ENDS
async def test_while_it_waits_for_the_person(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login, end
):
    """(W15) In phase `waitingForUser` the port is free at once."""
    client = await start(sandbox)
    attempt = await begin(client)
    await phase(client, "waitingForUser")

    await end(client)
    await client.wait_until_ended(IN_TIME)

    assert not await raw_callback.is_listening(attempt.port)
    assert home.bytes() == old_login
    assert sandbox.requests("token") == []


@ENDS
async def test_while_its_code_is_exchanged(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, old_login, end
):
    """(W15) In phase `exchanging` an issuer that hangs holds nobody up, and the browser is told."""
    sandbox.fault("token", "hang")
    client = await start(sandbox)
    attempt = await begin(client)
    callback_url = await browser.callback_url(attempt.url)
    redirect = asyncio.create_task(raw_callback.deliver(callback_url))
    await sandbox.saw("token")

    await end(client)
    await client.wait_until_ended(IN_TIME)
    sandbox.release()

    assert (await redirect).status == 303
    assert not await raw_callback.is_listening(attempt.port)
    assert home.bytes() == old_login


@ENDS
async def test_while_it_is_stored(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, old_login, end
):
    """(W15) In phase `storing` it is too late to give it up: what is issued is kept.

    The lock is let go in the same moment: whichever the server sees first, the login is there.
    """
    client = await start(sandbox)
    attempt = await begin(client)

    callback_url = await browser.callback_url(attempt.url)

    with locked(home):
        redirect = asyncio.create_task(raw_callback.deliver(callback_url))
        await phase(client, "storing")
        await end(client)
    await client.wait_until_ended(IN_TIME)

    assert (await redirect).status == 303
    assert not await raw_callback.is_listening(attempt.port)
    stored = home.read()
    assert stored["x_future"] == [1]
    assert sandbox.refresh(stored["tokens"]["refresh_token"]).status_code == 200


async def _shut_down(client: LanguageClient) -> None:
    await client.start_request("shutdown")
    await client.notify("exit")


@pytest.mark.parametrize(
    "end", [_shut_down, _close, _terminate, _exit], ids=["shutdown", "EOF", "SIGTERM", "exit"]
)
async def test_while_it_waits_to_be_stored(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, old_login, end
):
    """(W15) Another program holds the lock: the port is free at once, and not after that."""
    client = await start(sandbox)
    attempt = await begin(client)
    callback_url = await browser.callback_url(attempt.url)

    with locked(home):
        redirect = asyncio.create_task(raw_callback.deliver(callback_url))
        await phase(client, "storing")
        await end(client)
        await raw_callback.until_closed(attempt.port)
        meanwhile = (client.process.returncode, home.bytes())
    await client.wait_until_ended(IN_TIME)

    assert (await redirect).status == 303
    assert meanwhile == (None, old_login)
    assert sandbox.refresh(home.read()["tokens"]["refresh_token"]).status_code == 200


async def test_while_a_person_signs_in_and_nobody_reads_any_more(
    start: Starter, sandbox: Sandbox, home: CodexHome, old_login: bytes
):
    """The editor's end of stdout is closed, and that of stdin is not."""
    client = await start(sandbox)
    attempt = await begin(client)
    reading = client.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
    reading.close()

    assert await client.wait_until_ended(IN_TIME) == 0
    assert not await raw_callback.is_listening(attempt.port)
    assert home.bytes() == old_login
