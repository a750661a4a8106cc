"""The real Codex CLI and our servers on one login cache: each reads what the other wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.visitor import Visitor
from e2e.logins import begin, sign_in_with_key
from e2e.promises import status_changes
from e2e.shapes import api_key_login, changed, chatgpt_login, codex_bytes, example_key
from support.codex_cli import AppServer, CodexCli
from support.secrets_guard import API_KEY

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

pytestmark = pytest.mark.part("codex")

SOON = 1.0
"""Seconds within which a window has told of a change."""

KEY = example_key("of-the-codex-cli")


@pytest.fixture
def codex(home: CodexHome) -> CodexCli:
    """Offer the `codex` command on the test's folder."""
    home.guard.add(KEY, API_KEY)
    return CodexCli(home.path)


async def heard(window: LanguageClient, since: int, state: str) -> dict[str, Any]:
    """Return what a window said of a change by another program, which it must say soon."""
    message = await window.wait_for(
        "auth/statusChanged",
        lambda params: params["status"]["state"] == state,
        since=since,
        timeout=SOON,
    )
    assert (message.params["cause"], message.params["origin"]) == (
        "externalChange",
        "otherProcess",
    )
    return dict(message.params["status"])


def shape(login: Any) -> Any:
    """Return the keys of a login in their order, at every level."""
    if not isinstance(login, dict):
        return None
    return [(name, shape(value)) for name, value in login.items()]


# The CLI reads what we wrote


async def test_codex_reads_the_key_that_we_stored(start: Starter, home: CodexHome, codex):
    """`codex login status` finds the key of an editor."""
    client = await start()
    await sign_in_with_key(client, KEY)

    status = await codex.login_status()

    assert status.returncode == 0
    assert "API key configured" in status.stderr


async def test_codex_reads_the_chatgpt_login_that_we_stored(
    start: Starter, sandbox: Sandbox, browser: Browser, codex
):
    """`codex login status` finds the login of an editor."""
    client = await start(sandbox)
    await browser.sign_in(client)

    status = await codex.login_status()

    assert status.returncode == 0
    assert "Logged in using ChatGPT" in status.stderr


async def test_codex_says_not_logged_in_after_our_logout(start: Starter, home: CodexHome, codex):
    """Signed out in the editor is signed out in the terminal."""
    client = await start()
    await sign_in_with_key(client, KEY)
    before = await codex.login_status()

    await client.request("auth/logout", {})
    after = await codex.login_status()

    assert (before.returncode, after.returncode) == (0, 1)
    assert "Not logged in" in after.stderr


async def test_codex_and_we_call_the_same_files_broken(start: Starter, home: CodexHome, codex):
    """What the CLI refuses to load is `unavailable` here, and what it loads is not."""
    files = {
        "an empty id token signature": chatgpt_login(id_token="aaaa.e30."),
        "a time without a zone": chatgpt_login() | {"last_refresh": "2026-01-02T03:04:05"},
        "no refresh token": chatgpt_login(refresh_token=...),
        "an unknown mode": api_key_login(KEY) | {"auth_mode": "carrierPigeon"},
        "an empty refresh token": chatgpt_login(refresh_token=""),
        "no account id": chatgpt_login(account_id=...),
        "unknown members": api_key_login(KEY) | {"x_future": {"deep": [1]}},
        "a time with a space": chatgpt_login() | {"last_refresh": "2026-01-02 03:04:05Z"},
    }
    client = await start()

    theirs, ours = {}, {}
    for name, login in files.items():
        home.write(login)
        theirs[name] = (await codex.login_status()).returncode == 0
        ours[name] = (await client.request("auth/status", {}))["state"] == "signedIn"

    assert ours == theirs
    assert set(theirs.values()) == {True, False}


async def test_codex_reads_past_what_we_keep_of_an_issuer_of_forms(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, codex
):
    """It loads the login, renews it, and drops our two members, which we can do without."""
    client = await start(sandbox)
    await browser.sign_in(client)
    login = home.read()
    record = login["tokens"]["oauth_provenance"]
    ours = {
        "token_endpoint": f"{sandbox.issuer}/oauth/token",
        "revocation_endpoint": f"{sandbox.issuer}/oauth/revoke",
    }
    home.write(changed(login, oauth_provenance=record | ours))

    status = await codex.login_status()
    await client.request("auth/refresh", {"force": True})
    renewed_by_us = home.read()["tokens"]["oauth_provenance"]
    async with AppServer.start(home.path, sandbox.issuer) as app_server:
        await app_server.initialize()
        account = await app_server.request("account/read", {"refreshToken": True})
    renewed_by_codex = home.read()["tokens"]["oauth_provenance"]
    result = await client.request("auth/refresh", {"force": True})

    assert status.returncode == 0, status.stderr
    assert account["account"]["email"] == "plus@example.com"
    assert (renewed_by_us, renewed_by_codex) == (record | ours, record)
    assert result["state"] == "signedIn"
    bodies = [request["contentType"].partition("/")[2] for request in sandbox.requests("refresh")]
    assert bodies == ["x-www-form-urlencoded", "json", "json"]


# We read what the CLI wrote


async def test_two_windows_hear_of_the_key_that_codex_stores(
    start: Starter, home: CodexHome, codex
):
    """`codex login --with-api-key` signs every window in."""
    windows = [await start(), await start()]
    marks = [window.mark() for window in windows]

    login = await codex.login_with_api_key(KEY)
    states = [await heard(window, mark, "signedIn") for window, mark in zip(windows, marks,
              strict=True)]  # fmt: skip

    assert login.returncode == 0
    assert {(state["method"], state["billing"]) for state in states} == {("apiKey", "usage")}


async def test_our_file_of_a_key_is_the_cli_s_byte_for_byte(start: Starter, home: CodexHome, codex):
    """Two programs, one file."""
    await codex.login_with_api_key(KEY)
    theirs, mode = home.bytes(), home.mode()
    client = await start()

    await sign_in_with_key(client, KEY)

    assert (home.bytes(), home.mode()) == (theirs, mode)


async def test_two_windows_hear_of_codex_s_logout(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`codex logout` of a login that an editor made: every window is signed out, the token dead."""
    windows = [await start(sandbox), await start(sandbox)]
    await browser.sign_in(windows[0])
    token = home.read()["tokens"]["refresh_token"]
    await windows[1].request("auth/status", {})
    marks = [window.mark() for window in windows]

    logout = await CodexCli(home.path, issuer=sandbox.issuer).logout()
    for window, mark in zip(windows, marks, strict=True):
        await heard(window, mark, "signedOut")

    assert logout.returncode == 0
    assert sandbox.refresh(token).status_code == 401


async def test_codex_removes_what_it_cannot_read_and_we_hear_it(
    start: Starter, home: CodexHome, codex
):
    """From `unavailable` to `signedOut`."""
    home.write(b"no login")
    client = await start()
    since = client.mark()

    await codex.logout()

    await heard(client, since, "signedOut")


# Its app-server signs in at our sandbox


async def sign_in_with_app_server(
    app_server: AppServer, browser: Browser, home: CodexHome
) -> dict[str, Any]:
    """Sign in as an editor that has the app-server behind it; return what is stored."""
    await app_server.initialize()
    login = await app_server.start_chatgpt_login()
    home.guard.add_authorize_url(login.auth_url)
    visit = await browser.visit(login.auth_url)
    completed = await app_server.wait_notification("account/login/completed")
    assert (completed["success"], completed["error"]) == (True, None)
    assert visit.final_status == 200
    return dict(home.read())


async def test_two_windows_hear_of_the_login_that_the_app_server_made(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The sandbox is strict, the app-server real: we announce whom it signed in."""
    windows = [await start(sandbox), await start(sandbox)]
    marks = [window.mark() for window in windows]

    async with AppServer.start(home.path, sandbox.issuer) as app_server:
        login = await sign_in_with_app_server(app_server, browser, home)
        states = [await heard(window, mark, "signedIn") for window, mark in zip(windows, marks,
                  strict=True)]  # fmt: skip

    assert {state["account"]["email"] for state in states} == {"plus@example.com"}
    assert {state["cloud"]["mfa"]["requirement"] for state in states} == {"recommended"}
    assert login["tokens"]["oauth_provenance"]["issuer"] == sandbox.issuer
    for window, mark in zip(windows, marks, strict=True):
        assert len(status_changes(window, mark)) == 1


async def test_our_file_of_a_chatgpt_login_has_the_shape_of_the_cli_s(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The same keys in the same order at every level, in the same layout."""
    async with AppServer.start(home.path, sandbox.issuer) as app_server:
        theirs = await sign_in_with_app_server(app_server, browser, home)
    their_bytes, their_mode = home.bytes(), home.mode()
    client = await start(sandbox)

    await browser.sign_in(client)
    ours = home.read()

    assert shape(ours) == shape(theirs)
    assert (home.bytes(), their_bytes) == (codex_bytes(ours), codex_bytes(theirs))
    assert home.mode() == their_mode
    assert len(ours["tokens"]["login_owner_id"]) == len(theirs["tokens"]["login_owner_id"])


async def test_we_renew_the_login_of_the_app_server_which_then_uses_ours(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """A rotation by either is one that the other goes on with."""
    client = await start(sandbox)
    async with AppServer.start(home.path, sandbox.issuer) as app_server:
        first = await sign_in_with_app_server(app_server, browser, home)

    await client.request("auth/refresh", {"force": True})
    second = home.read()
    since = client.mark()
    async with AppServer.start(home.path, sandbox.issuer) as app_server:
        await app_server.initialize()
        account = await app_server.request("account/read", {"refreshToken": True})
        third = home.read()
        await heard(client, since, "signedIn")
    status = await client.request("auth/refresh", {"force": True})

    tokens = [login["tokens"]["refresh_token"] for login in (first, second, third, home.read())]
    assert account["account"]["email"] == "plus@example.com"
    assert len(set(tokens)) == 4
    assert status["state"] == "signedIn"
    assert {request["status"] for request in sandbox.requests("refresh")} == {200}
    assert second["tokens"]["login_owner_id"] == first["tokens"]["login_owner_id"]


async def test_the_app_server_uses_the_login_that_we_made(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`account/read` names the person who signed in in the editor."""
    client = await start(sandbox)
    await browser.sign_in(client, person="password")

    async with AppServer.start(home.path, sandbox.issuer) as app_server:
        await app_server.initialize()
        account = await app_server.request("account/read", {})

    assert account["account"]["type"] == "chatgpt"
    assert (account["account"]["email"], account["account"]["planType"]) == (
        "pro@example.com",
        "pro",
    )


async def test_a_login_of_the_app_server_does_not_end_ours(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Both want 1455: the app-server asks ours to go by `GET /cancel`, in vain, and takes 1457."""
    client = await start(sandbox)
    request = await client.start_request("auth/login", {"method": "browser"})
    prompt = (await client.wait_for("auth/loginPrompt")).params

    async with AppServer.start(home.path, sandbox.issuer) as app_server:
        await app_server.initialize()
        login = await app_server.start_chatgpt_login()
        home.guard.add_authorize_url(login.auth_url)
        still_waiting = not request.answered
        await browser.visit(prompt["url"])
        result = await request.result()

    assert still_waiting
    assert "127.0.0.1%3A1457" in login.auth_url
    assert result["status"]["account"]["email"] == "plus@example.com"
    assert json.loads(home.bytes() or b"")["auth_mode"] == "chatgpt"


async def test_l7_a_login_that_waits_in_codex_keeps_its_port(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Ours takes the other one and ends nobody's; theirs then still succeeds."""
    async with AppServer.start(home.path, sandbox.issuer) as server:
        await server.initialize()
        theirs = await server.start_chatgpt_login()
        client = await start(sandbox)
        ours = await begin(client)
        await client.request("auth/cancelLogin", {})
        await ours.request.error()

        await browser.visit(theirs.auth_url)
        completed = await server.wait_notification("account/login/completed")

    assert ours.port == 1457
    assert completed["success"], completed


# The device code, theirs and ours


async def test_codex_reads_the_login_that_we_made_with_a_device_code(
    start: Starter, sandbox: Sandbox, codex
):
    """`codex login status` finds it, and the file has the members of the CLI's own."""
    sandbox.policy(deviceIntervalSeconds=1)
    client = await start(sandbox)
    attempt = await begin(client, method="deviceCode")
    await Visitor().enter_device_code(attempt.url, attempt.prompt["userCode"])
    await attempt.request.result()

    status = await codex.login_status()

    assert status.returncode == 0
    assert "Logged in using ChatGPT" in status.stderr


async def test_codex_s_own_device_login_and_ours_leave_files_of_the_same_shape(
    start: Starter, sandbox: Sandbox, home: CodexHome, codex
):
    """`codex login --device-auth` works against the sandbox; members and order are the same."""
    sandbox.policy(deviceIntervalSeconds=1)
    client = await start(sandbox)
    async with codex.device_login(sandbox) as shown:
        await Visitor().enter_device_code(f"{sandbox.issuer}/codex/device", shown.user_code)
        finished = await shown.finished()
    theirs = home.read()
    attempt = await begin(client, method="deviceCode")
    await Visitor().enter_device_code(attempt.url, attempt.prompt["userCode"])
    await attempt.request.result()
    ours = home.read()

    assert finished.returncode == 0, finished.stderr
    assert shape(ours) == shape(theirs)
    assert (ours["auth_mode"], ours["OPENAI_API_KEY"]) == (theirs["auth_mode"], None)
