"""Questions of a real keyring that stand on the screen, whoever answers them, or nobody."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import example_key
from e2e.waiting import eventually
from stores.store_contract import KEY, OTHER_KEY, store_login

pytest.importorskip("secretstorage", reason="the Secret Service is a part of Linux desktops")

import secretstorage

from codex_auth_lsp.config.home import CodexHome as StoreHome
from codex_auth_lsp.errors import StoreUnavailable
from codex_auth_lsp.stores.select import Stores
from parts.test_keyring import PATIENCE, SOON, looked
from stores.desktop_session import PASSWORD, DesktopSession

if TYPE_CHECKING:
    from codex_auth_lsp.stores.base import CredentialStore
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

pytestmark = [pytest.mark.part("keyring"), pytest.mark.part("display")]

MOST_THREADS = 6
"""That a window has which waits for a person: its own, and one each for the sign-in that waits, the
question, and a look."""

LOGOUT_ANSWER = 9.5
"""Seconds after which a logout is answered although nobody is: many clients give up after 10."""


@pytest.fixture
def store(folder: Path) -> CredentialStore:
    return Stores(StoreHome(folder, "option")).choose("keyring")


async def dialog(session: DesktopSession) -> None:
    """Wait until the keyring asks."""
    await eventually(session.dialogs, "a dialog", timeout=PATIENCE)


async def asked(session: DesktopSession, store: CredentialStore) -> asyncio.Task[None]:
    """Lock a keyring with a login in it; return a check whose question stands on the screen."""
    store_login(store, KEY)
    session.lock()
    check = asyncio.create_task(asyncio.to_thread(store.check_writable))
    await dialog(session)
    return check


async def test_question_ends_when_the_keyring_is_unlocked_in_another_way(seen_session, store):
    """A person who unlocks the screen has answered."""
    check = await asked(seen_session, store)
    seen_session.unlock()

    await asyncio.wait_for(check, SOON)
    await eventually(no_calls, "the end of the question")


async def test_question_ends_when_the_keyring_does(seen_session, store):
    """The next one serves as if nobody had asked."""
    check = await asked(seen_session, store)
    daemon = seen_session.daemons.pop()
    daemon.kill()
    daemon.wait()

    with pytest.raises(StoreUnavailable, match="has ended"):
        await asyncio.wait_for(check, SOON)
    seen_session.start_keyring()
    await asyncio.to_thread(store_login, store, OTHER_KEY)
    await eventually(no_calls, "the end of the question")


async def test_dialog_that_outlives_its_question_harms_nobody(seen_session, store):
    """Whatever is typed into it later."""
    check = await asked(seen_session, store)
    seen_session.unlock()
    await asyncio.wait_for(check, SOON)
    seen_session.type(PASSWORD)
    await eventually(lambda: not seen_session.dialogs(), "the end of the dialog", timeout=PATIENCE)

    assert seen_session.daemons[0].poll() is None
    assert (await looked(store)).credential == KEY


def no_calls() -> bool:
    """Say whether no thread has anything to do with a keyring."""
    return all(thread.name != "keyring" for thread in threading.enumerate())


async def test_sign_ins_that_follow_one_another_share_a_question_and_hold_nothing_up(
    start: Starter, home: CodexHome, seen_session, desktop
):
    """A person who tries again and again, and then keeps the login in a file."""
    home.configure('cli_auth_credentials_store = "keyring"\n')
    window = await start(environment=desktop)
    await sign_in_with_key(window, example_key("before"))
    seen_session.lock()
    attempts = [
        await window.start_request("auth/login", {"method": "browser", "attemptId": f"try-{n}"})
        for n in range(8)
    ]
    await dialog(seen_session)
    await eventually(lambda: threads(window) <= MOST_THREADS, "few threads")
    await window.request("auth/cancelLogin", {})
    kinds = [(await attempt.error()).kind for attempt in attempts]
    home.configure('cli_auth_credentials_store = "file"\n')
    started = time.monotonic()
    await sign_in_with_key(window, example_key("after"))

    assert time.monotonic() - started < SOON
    assert kinds == ["loginSuperseded"] * 7 + ["loginCancelled"]
    assert len(seen_session.dialogs()) == 1


async def test_questions_that_nobody_answered_do_not_matter_once_the_keyring_is_open(
    start: Starter, home: CodexHome, seen_session, desktop
):
    """More of them than may hang; then the desktop unlocks the keyring by itself."""
    home.configure('cli_auth_credentials_store = "keyring"\n')
    window = await start(environment=desktop)
    await sign_in_with_key(window, example_key("before"))
    seen_session.lock()
    for n in range(4):
        request = {"method": "apiKey", "apiKey": example_key("vain"), "attemptId": f"try-{n}"}
        attempt = await window.start_request("auth/login", request)
        await dialog(seen_session)
        await window.request("auth/cancelLogin", {})
        await attempt.error()
    seen_session.unlock()
    await sign_in_with_key(window, example_key("after"))
    result = await window.request("auth/logout", {})

    assert (result["removed"], result["remaining"]) == (["keyring"], [])
    assert seen_session.items() == []


def threads(window: LanguageClient) -> int:
    """Return how many threads a server has."""
    return sum(1 for _ in Path(f"/proc/{window.process.pid}/task").iterdir())


async def test_logout_waits_for_no_answer_and_a_late_one_completes_it(
    start: Starter, home: CodexHome, seen_session, desktop, sandbox: Sandbox, browser: Browser
):
    """The file goes and is revoked at once; what rests in the keyring goes when that opens."""
    home.configure('cli_auth_credentials_store = "keyring"\n')
    window, other = [await start(sandbox, environment=desktop) for _ in range(2)]
    await browser.sign_in(window)
    (item,) = seen_session.items()
    in_keyring = json.loads(item.secret)
    home.guard.add_login(in_keyring)
    home.configure('cli_auth_credentials_store = "file"\n')
    await browser.sign_in(window)
    in_file = home.read()
    home.configure('cli_auth_credentials_store = "auto"\n')
    seen_session.lock()
    since = other.mark()
    started = time.monotonic()
    logout = await window.start_request("auth/logout", {})
    await dialog(seen_session)
    await other.wait_for(
        "auth/statusChanged", lambda params: params["status"]["state"] == "unavailable", since=since
    )
    status = await window.request("auth/status", {})
    assert (home.bytes(), status["state"]) == (None, "unavailable")
    await eventually(lambda: is_revoked(sandbox, in_file), "the revocation", timeout=SOON)
    result = await logout.result()
    took = time.monotonic() - started

    assert took < LOGOUT_ANSWER
    assert (result["removed"], result["revoked"]) == (["file"], "yes")
    assert result["remaining"] == [{"store": "keyring", "kind": "storeLocked"}]
    since = window.mark()
    seen_session.type(PASSWORD)
    changed = await window.wait_for(
        "auth/statusChanged", lambda params: params["status"]["state"] == "signedOut", since=since
    )
    assert changed.params["origin"] == "thisServer"
    await eventually(lambda: seen_session.items() == [], "an empty keyring", timeout=SOON)
    await eventually(lambda: is_revoked(sandbox, in_keyring), "the revocation", timeout=SOON)
    assert [
        message.params["status"]["state"]
        for message in window.all("auth/statusChanged", since=since)
    ] == ["signedOut"]


def is_revoked(sandbox: Sandbox, login: dict[str, Any]) -> bool:
    """Say whether the issuer has ended a login."""
    bearer = {"Authorization": f"Bearer {login['tokens']['access_token']}"}
    return sandbox.models(bearer).status_code == 401


async def test_logout_completes_when_the_person_answers(
    start: Starter, home: CodexHome, seen_session, desktop
):
    """Nothing remains, and the answer says so."""
    home.configure('cli_auth_credentials_store = "keyring"\n')
    window = await start(environment=desktop)
    await sign_in_with_key(window, example_key("to-be-removed"))
    seen_session.lock()
    logout = await window.start_request("auth/logout", {})
    await dialog(seen_session)
    seen_session.type(PASSWORD)
    result = await logout.result()

    assert (result["removed"], result["remaining"]) == (["keyring"], [])
    assert result["status"]["state"] == "signedOut"
    assert seen_session.items() == []


async def test_huge_entry_holds_no_window_up(
    start: Starter, home: CodexHome, session: DesktopSession, desktop
):
    """Any program of the session can write one."""
    home.configure('cli_auth_credentials_store = "keyring"\n')
    window = await start(environment=desktop)
    await sign_in_with_key(window, example_key("small"))
    huge = b'{"OPENAI_API_KEY":"sk-1","x":[' + b"[]," * 3_000_000 + b"[]]}"
    with session.connection() as connection:
        (item,) = secretstorage.search_items(connection, {"service": "Codex Auth"})
        item.set_secret(huge)
    looking = await window.start_request("auth/status", {})
    longest = 0.0
    while not looking.answered:
        started = time.monotonic()
        await window.request("auth/methods", {})
        longest = max(longest, time.monotonic() - started)
    status = await looking.result()

    assert longest < 2 * SOON
    assert (status["state"], status["store"]["health"]) == ("unavailable", "unavailable")
    assert status["lastError"]["kind"] == "storeUnavailable"
    assert "far too large" in status["store"]["detail"]
    await sign_in_with_key(window, example_key("small-again"))
    assert (await window.request("auth/status", {}))["state"] == "signedIn"
