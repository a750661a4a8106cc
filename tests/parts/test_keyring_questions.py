"""Questions of a real keyring that stand on the screen, whoever answers them, or nobody."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import example_key
from e2e.waiting import eventually
from stores.store_contract import KEY, OTHER_KEY, store_login

pytest.importorskip("secretstorage", reason="the Secret Service is a part of Linux desktops")

from codex_auth_lsp.config.home import CodexHome as StoreHome
from codex_auth_lsp.errors import StoreUnavailable
from codex_auth_lsp.stores.select import select_store
from parts.test_keyring import PATIENCE, SOON, looked
from stores.desktop_session import PASSWORD, DesktopSession

if TYPE_CHECKING:
    from codex_auth_lsp.stores.base import CredentialStore
    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient

pytestmark = [pytest.mark.part("keyring"), pytest.mark.part("display")]

MOST_THREADS = 6
"""That a window has which waits for a person: its own, and one each for the sign-in that waits, the
question, and a look."""


@pytest.fixture
def store(folder: Path) -> CredentialStore:
    return select_store("keyring", StoreHome(folder, "option"))


async def dialog(session: DesktopSession) -> None:
    """Wait until the keyring asks."""
    await eventually(session.dialogs, "a dialog", timeout=PATIENCE)


async def test_question_ends_when_the_keyring_is_unlocked_in_another_way(seen_session, store):
    """A person who unlocks the screen has answered."""
    store_login(store, KEY)
    seen_session.lock()
    check = asyncio.create_task(asyncio.to_thread(store.check_writable))
    await dialog(seen_session)
    seen_session.unlock()

    await asyncio.wait_for(check, SOON)
    await eventually(no_calls, "the end of the question")


async def test_question_ends_when_the_keyring_does(seen_session, store):
    """The next one serves as if nobody had asked."""
    store_login(store, KEY)
    seen_session.lock()
    check = asyncio.create_task(asyncio.to_thread(store.check_writable))
    await dialog(seen_session)
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
    store_login(store, KEY)
    seen_session.lock()
    check = asyncio.create_task(asyncio.to_thread(store.check_writable))
    await dialog(seen_session)
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
