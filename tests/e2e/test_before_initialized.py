"""What a client asks for before it has said `initialized` is told after the first status."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from e2e.logins import Browser
from e2e.shapes import example_key
from e2e.test_clock import OtherClock

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from support.lsp_client import LanguageClient
    from support.secrets_guard import SecretsGuard

KEY = example_key("before-initialized")
AT_ONCE = 2.0
"""Seconds that are less than the server's patience with a client that gets ready."""


async def early(start: Starter, issuer: str | None = None) -> LanguageClient:
    """Return a window that has not said `initialized`."""
    client = await start.process(issuer=issuer)
    await client.initialize(initialized=False)
    return client


async def say_initialized(client: LanguageClient) -> None:
    await client.notify("initialized", {})
    client.initialized = True


def told(client: LanguageClient) -> list[str]:
    """Return the `auth/*` notifications in their order, changes of the status by their cause."""
    return [
        message.params["cause"] if message.method == "auth/statusChanged" else message.method
        for message in client.messages
        if (message.method or "").startswith("auth/")
    ]


async def test_a_login_that_came_early_is_told_after_the_startup_status(start: Starter):
    """Not a word of it before; then everything in the order that any login has."""
    client = await early(start)
    request = await client.start_request("auth/login", {"method": "apiKey", "apiKey": KEY})
    await client.request("auth/status", {})
    before = told(client)

    await say_initialized(client)
    result = await request.result()
    causes = told(client)

    assert before == []
    assert result["status"]["state"] == "signedIn"
    assert causes[:2] == ["startup", "pendingLogin"]
    assert causes[-1] == "auth/loginCompleted"
    assert "login" in causes


@pytest.mark.parametrize("seen", [True, False], ids=["after its first step", "at once"])
async def test_an_early_login_can_be_cancelled(start: Starter, seen):
    """It is answered at once; its end is told when the client is ready to hear it."""
    client = await early(start)
    request = await client.start_request("auth/login", {"method": "browser", "attemptId": "one"})
    if seen:
        await client.request("auth/doctor", {})  # which is served after it
    cancelled = await client.start_request("auth/cancelLogin", {"attemptId": "one"})
    outcome = (await cancelled.result())["outcome"]
    error = await request.error(timeout=AT_ONCE)
    before = told(client)
    await say_initialized(client)
    await client.wait_for("auth/loginCompleted")

    assert before == []
    assert outcome == "cancelled"
    assert error.summary == (-32802, "loginCancelled")
    assert told(client) == ["startup", "auth/loginCompleted"]


@pytest.mark.parametrize("method", ["browser", "apiKey"])
async def test_an_early_login_that_is_given_up_was_never_there(start: Starter, method):
    """`-32800` at once and alone; its id can be used for the next one."""
    client = await early(start)
    key = {"apiKey": f"{KEY} and a blank"} if method == "apiKey" else {}
    params = {"method": method, "attemptId": "one", **key}
    request = await client.start_request("auth/login", params)
    await client.request("auth/doctor", {})
    await client.notify("$/cancelRequest", {"id": request.id})
    error = await request.error(timeout=AT_ONCE)
    await say_initialized(client)
    again = {"method": "apiKey", "apiKey": KEY, "attemptId": "one"}
    result = await client.request("auth/login", again)

    assert error.code == -32800
    assert result["attemptId"] == "one"
    assert told(client).count("auth/loginCompleted") == 1


async def test_an_early_key_that_cannot_be_one_is_told_in_order(start: Starter):
    """The refusal needs no attempt, and has its end all the same."""
    client = await early(start)
    request = await client.start_request("auth/login", {"method": "apiKey", "apiKey": "no key"})
    await client.request("auth/status", {})

    await say_initialized(client)
    error = await request.error()

    assert error.kind == "apiKeyInvalid"
    assert told(client) == ["startup", "auth/loginCompleted"]


async def test_an_early_notice_waits_too(start: Starter, guard: SecretsGuard):
    """A refresh is answered at once, what it finds of the clock is told in its turn."""
    clock = OtherClock(0)
    async with SandboxIssuer.start(clock=clock) as issuer:
        await Browser(guard).sign_in(await start(issuer.url))
        clock._ahead = timedelta(minutes=30)
        client = await early(start, issuer.url)
        status = await client.request("auth/refresh", {"force": True})
        before = told(client)
        await say_initialized(client)
        notice = await client.wait_for("auth/notice")

    assert status["state"] == "signedIn"
    assert before == []
    assert notice.params["code"] == "clockSkew"
    assert told(client)[0] == "startup"


async def test_a_server_that_ends_before_initialized_ends_an_early_login(start: Starter):
    """`shuttingDown`, without the patience that it has with a client."""
    client = await early(start)
    request = await client.start_request("auth/login", {"method": "browser"})
    await client.request("auth/status", {})
    await client.request("shutdown")
    error = await request.error()

    assert error.summary == (-32802, "shuttingDown")
