"""Windows of an editor on a real keyring: what each is told, with the real CLI beside them."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import example_key
from e2e.waiting import eventually
from support.codex_cli import CodexCli
from support.secrets_guard import API_KEY

pytest.importorskip("secretstorage", reason="the Secret Service is a part of Linux desktops")

from stores.desktop_session import end

if TYPE_CHECKING:
    from e2e.conftest import CommandLine, Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

pytestmark = pytest.mark.part("keyring")

SOON = 1.0
"""Seconds within which a window has told of a change."""

STATUS_SECONDS = 3.5
"""Seconds after which a status is there, whatever the keyring does: 3, and the way to it."""

KEY = example_key("of-the-keyring")


@pytest.fixture
def codex(home: CodexHome, desktop: dict[str, str]) -> CodexCli:
    """Offer the `codex` command on the test's folder, in the session."""
    home.guard.add(KEY, API_KEY)
    return CodexCli(home.path, desktop)


@pytest.fixture(autouse=True)
def keyring_mode(home: CodexHome) -> None:
    """Keep the login of the test's folder in the keyring."""
    home.configure('cli_auth_credentials_store = "keyring"\n')


async def heard(
    window: LanguageClient, since: int, *, cause: str, **expected: str
) -> dict[str, Any]:
    """Return what a window said soon of a change."""
    message = await window.wait_for(
        "auth/statusChanged",
        lambda params: {name: params["status"][name] for name in expected} == expected,
        since=since,
        timeout=SOON,
    )
    assert message.params["cause"] == cause
    return dict(message.params["status"])


async def test_login_in_one_window_is_one_in_all_of_them_and_in_the_terminal(
    start: Starter, home: CodexHome, session, desktop, codex
):
    """And so is the logout; no file is ever there."""
    one, two = [await start(environment=desktop) for _ in range(2)]
    since = two.mark()
    await sign_in_with_key(one, KEY)
    status = await heard(two, since, cause="externalChange", state="signedIn")
    assert status["store"] == {
        "mode": "keyring",
        "backend": "keyring",
        "encrypted": True,
        "health": "ok",
    }
    assert status["source"] == {"kind": "keyring"}
    assert (await codex.login_status()).returncode == 0
    assert home.bytes() is None
    since = two.mark()
    result = await one.request("auth/logout", {})

    assert (result["removed"], result["remaining"]) == (["keyring"], [])
    await heard(two, since, cause="externalChange", state="signedOut")
    assert (await codex.login_status()).returncode == 1
    assert session.items() == []


@pytest.mark.part("codex")
async def test_every_change_by_codex_is_heard(start: Starter, home: CodexHome, desktop, codex):
    """Its login, its second login in the place of the first, and its logout."""
    window = await start(environment=desktop)
    other_key = example_key("of-the-second-login")
    home.guard.add(other_key, API_KEY)
    since = window.mark()
    await codex.login_with_api_key(KEY)
    await heard(window, since, cause="externalChange", state="signedIn")
    first = (await window.request("auth/credential", {}))["revision"]
    await codex.login_with_api_key(other_key)
    second = (await window.request("auth/credential", {}))["revision"]
    since = window.mark()
    await codex.logout()
    await heard(window, since, cause="externalChange", state="signedOut")

    assert (first, second) == (1, 2)


async def test_locked_and_unlocked_keyring_is_told_as_health(start: Starter, session, desktop):
    """The account comes back, and nobody asked for anything."""
    window = await start(environment=desktop)
    await sign_in_with_key(window, KEY)
    since = window.mark()
    session.lock()
    status = await heard(window, since, cause="storeHealth", state="unavailable")
    assert status["store"]["health"] == "locked"
    assert status["lastError"]["kind"] == "storeLocked"
    error = await window.request_error("auth/login", {"method": "apiKey", "apiKey": KEY})
    assert error.data["kind"] == "storeLocked"
    since = window.mark()
    session.unlock()

    await heard(window, since, cause="storeHealth", state="signedIn")


async def test_silent_keyring_holds_no_status_up(start: Starter, session, desktop):
    """Nor a window that starts; when it speaks again, nobody has to ask."""
    window = await start(environment=desktop)
    await sign_in_with_key(window, KEY)
    session.daemons[0].send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        status = await window.request("auth/status", {})
        took = time.monotonic() - started
        late = await start(environment=desktop)
        first = await late.request("auth/status", {})
        since = late.mark()
    finally:
        session.daemons[0].send_signal(signal.SIGCONT)

    assert took < STATUS_SECONDS
    assert (status["state"], status["store"]["health"]) == ("unavailable", "locked")
    assert (first["state"], first["store"]["health"]) == ("unavailable", "locked")
    await heard(late, since, cause="storeHealth", state="signedIn")


async def test_keyring_that_ends_and_starts_is_told(start: Starter, session, desktop):
    """The login is where it was."""
    window = await start(environment=desktop)
    await sign_in_with_key(window, KEY)
    since = window.mark()
    end(session.daemons.pop())
    await heard(window, since, cause="storeHealth", state="unavailable")
    since = window.mark()
    session.start_keyring()

    await heard(window, since, cause="storeHealth", state="signedIn")


async def test_mode_can_be_changed_while_windows_are_open(start: Starter, home, session, desktop):
    """Each then watches the other place."""
    home.configure('cli_auth_credentials_store = "file"\n')
    window = await start(environment=desktop)
    await sign_in_with_key(window, KEY)
    since = window.mark()
    home.configure('cli_auth_credentials_store = "auto"\n')
    await window.wait_for(
        "auth/statusChanged",
        lambda params: params["status"]["store"]["mode"] == "auto",
        since=since,
        timeout=SOON,
    )
    await sign_in_with_key(window, KEY)
    assert home.bytes() is None
    since = window.mark()
    session.lock()

    await heard(window, since, cause="storeHealth", state="unavailable")


async def test_login_is_refreshed_in_the_keyring(
    start: Starter, home, session, desktop, sandbox: Sandbox, browser: Browser
):
    """One rotation for two windows, written in place."""
    one, two = [await start(sandbox, environment=desktop) for _ in range(2)]
    await browser.sign_in(one)
    (before,) = session.items()
    await asyncio.gather(
        *(window.request("auth/refresh", {"force": True}) for window in (one, two))
    )
    (after,) = session.items()
    for item in (before, after):
        home.guard.add_login(json.loads(item.secret))

    assert (before.label, before.attributes) == (after.label, after.attributes)
    assert before.secret != after.secret


async def test_command_line_works_on_the_keyring(command_line: CommandLine, home, desktop, session):
    """A headless terminal in the session."""
    home.guard.add(KEY, API_KEY)
    login = await command_line("login", "--with-api-key", stdin=KEY.encode(), environment=desktop)
    status = await command_line("status", environment=desktop)
    logout = await command_line("logout", environment=desktop)
    after = await command_line("status", environment=desktop)

    assert [outcome.returncode for outcome in (login, status, logout, after)] == [0, 0, 0, 1]
    assert session.items() == []


@pytest.mark.part("codex")
async def test_login_beside_a_locked_keyring_is_the_newer_one_for_everybody(
    start: Starter, home, session, desktop, codex, sandbox: Sandbox, browser: Browser
):
    """Mode `auto`: when the keyring opens, no window and no terminal is put back to the old one."""
    home.configure('cli_auth_credentials_store = "auto"\n')
    one, two = [await start(sandbox, environment=desktop) for _ in range(2)]
    older = await browser.sign_in(one)
    home.guard.add_login(json.loads(session.items()[0].secret))
    session.lock()
    newer = await browser.sign_in(one, person="new")
    in_file = home.read()
    since = [window.mark() for window in (one, two)]
    session.unlock()
    for window, mark in zip((one, two), since, strict=True):
        changed = await window.wait_for(
            "auth/statusChanged",
            lambda params: params["status"]["store"]["backend"] == "keyring",
            since=mark,
            timeout=SOON,
        )
        assert changed.params["status"]["store"]["encrypted"] is True
        accounts = [
            message.params["status"]["account"]
            for message in window.all("auth/statusChanged", since=mark)
        ]
        assert accounts == [newer["status"]["account"]] * len(accounts)

    assert older["status"]["account"] != newer["status"]["account"]
    assert [json.loads(item.secret) for item in session.items()] == [in_file]
    assert home.bytes() is None
    assert (await codex.login_status()).returncode == 0


async def test_logout_from_a_locked_keyring_is_finished_by_a_later_window(
    start: Starter, home, session, desktop, sandbox: Sandbox, browser: Browser
):
    """(S15) The window in which it was asked for is closed before anybody unlocks the keyring."""
    window = await start(sandbox, environment=desktop)
    await browser.sign_in(window)
    (item,) = session.items()
    home.guard.add_login(json.loads(item.secret))
    session.lock()
    error = await window.request_error("auth/logout", {})
    await window.close()
    session.unlock()
    later = await start(sandbox, environment=desktop)
    await eventually(lambda: session.items() == [], "an empty keyring")
    await sandbox.saw("revoke")

    assert error.data["kind"] == "storeLocked"
    assert (await later.request("auth/status", {}))["state"] == "signedOut"
    states = {
        message.params["status"]["state"] for message in later.all("auth/statusChanged", since=0)
    }
    assert states == {"signedOut"}


async def test_status_that_waits_for_a_silent_keyring_can_be_cancelled(
    start: Starter, session, desktop
):
    """At once, and its id is free; whoever else waits goes on waiting."""
    window = await start(environment=desktop)
    await sign_in_with_key(window, KEY)
    session.daemons[0].send_signal(signal.SIGSTOP)
    try:
        other = await window.start_request("auth/status", {})
        cancelled = await window.start_request("auth/status", {})
        await cancelled.cancel()
        started = time.monotonic()
        error = await cancelled.error()
        took = time.monotonic() - started
        other_waits = not other.answered
    finally:
        session.daemons[0].send_signal(signal.SIGCONT)
    status = await other.result()

    assert (error.code, other_waits) == (-32800, True)
    assert took < SOON
    assert status["state"] in {"signedIn", "unavailable"}
