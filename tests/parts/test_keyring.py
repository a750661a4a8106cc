"""The real Secret Service (gnome-keyring) and the real Codex CLI: one login in one item.

Each test has a desktop session of its own, and drives the stores as a language server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.store_report import StoreReport
from codex_auth_lsp.errors import StoreLocked, StoreUnavailable
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores import keyring_calls, secret_service, secret_service_asking, vault
from codex_auth_lsp.stores.abandon import MAXIMUM_HANGING
from codex_auth_lsp.stores.account_name import account_name
from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.secret_service import SecretServiceVault
from codex_auth_lsp.stores.select import Stores
from codex_auth_lsp.stores.watcher import Watcher
from e2e.shapes import CLIENT_ID, OPENAI_ISSUER, api_key_login, codex_bytes
from e2e.waiting import eventually
from stores.store_contract import KEY, LOGIN, OTHER_KEY, StoreContract, store_login
from stores.test_lock import is_locked
from support import codex_cli
from support.codex_cli import CodexCli

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from codex_auth_lsp.stores.base import CredentialStore, Snapshot

pytest.importorskip("secretstorage", reason="the Secret Service is a part of Linux desktops")

import keyring.backends.SecretService
import secretstorage
from jeepney import message_bus
from jeepney.io.blocking import Proxy

from stores.desktop_session import (
    KEYRING,
    PASSWORD,
    PROMPTER,
    DesktopSession,
    desktop_session,
    end,
    virtual_display,
)

pytestmark = pytest.mark.part("keyring")

AT_ONCE = 1.0
"""Seconds: what asks nobody and waits for nothing; the first use imports a library."""

SOON = 1.0
"""Seconds within which a change is heard."""

LATE = vault.READ_SECONDS + 1.0
"""Seconds after which a look at a silent keyring must be back."""

PATIENCE = 20.0
"""Seconds that nothing here may take."""

BIG_LOGIN = replace(
    LOGIN,
    access_token=Secret("a" * 100_000),
    issuer=OPENAI_ISSUER,
    client_id=CLIENT_ID,
    last_refresh=datetime.now(UTC),
)
"""Tokens are some kilobytes; more does no harm."""


@pytest.fixture
def home(folder: Path) -> CodexHome:
    path = folder / "codex"
    path.mkdir(mode=0o700)
    (path / "config.toml").write_text('cli_auth_credentials_store = "keyring"\n')
    return CodexHome(path, "option")


@pytest.fixture
def store(home: CodexHome) -> CredentialStore:
    return Stores(home).choose("keyring")


@pytest.fixture
def codex(home: CodexHome, session: DesktopSession) -> CodexCli:
    """Offer the `codex` command on the test's folder, in the session."""
    return CodexCli(home.path, session.environment | {"HOME": str(session.folder / "home")})


async def looked(store: CredentialStore) -> Snapshot:
    """Return what a store holds after a look at the keyring."""
    await store.sync()
    return store.read()


def entry(session: DesktopSession, home: CodexHome) -> list[str]:
    """Return the secrets of every item that any program could take for this login."""
    return [item.secret for item in session.items(username=account_name(home.path))]


def make_item(session: DesktopSession, home: CodexHome, secret: str, **attributes: str) -> None:
    """Make an item as some other program does."""
    account = account_name(home.path)
    with session.connection() as connection:
        secretstorage.get_default_collection(connection).create_item(
            "made by another program",
            {"service": vault.SERVICE, "username": account, **attributes},
            secret.encode(),
        )


STORED_KEY = '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-1"}'
STORED_OTHER_KEY = '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-2"}'


class TestKeyringStore(StoreContract):
    """On the real keyring it keeps the promises of every store."""

    @pytest.fixture
    def store(self, session, store):
        asyncio.run(store.sync())
        return store


class TestAutoStore(TestKeyringStore):
    """In the mode `auto` too."""

    @pytest.fixture
    def store(self, session, home):
        store = Stores(home).choose("auto")
        asyncio.run(store.sync())
        return store


# Beside the Codex CLI


@pytest.mark.part("codex")
async def test_item_that_we_make_is_that_of_the_codex_cli_in_every_detail(
    session, store, codex, home
):
    """Label, attributes and value; and no other item is there."""
    await codex.login_with_api_key("sk-1")
    made_by_codex = session.items()
    await codex.logout()
    assert session.items() == []
    store_login(store, KEY)

    assert session.items() == made_by_codex
    assert [item.secret for item in made_by_codex] == [STORED_KEY]
    assert session.run("secret-tool", "lookup", "service", "Codex Auth") == STORED_KEY


@pytest.mark.part("codex")
@pytest.mark.parametrize(
    ("login", "words"),
    [(KEY, "API key configured"), (BIG_LOGIN, "Logged in using ChatGPT")],
    ids=["key", "tokens"],
)
async def test_codex_reads_what_we_stored(session, store, codex, home, login, words):
    """A new login, and one in the place of another."""
    for credential in (OTHER_KEY, login):
        store_login(store, credential)
    status = await codex.login_status()

    assert (status.returncode, words in status.stderr) == (0, True), status.stderr
    assert len(entry(session, home)) == 1
    assert not (home.path / "auth.json").exists()


@pytest.mark.part("codex")
async def test_we_read_what_codex_stored_and_write_it_in_place(session, store, codex, home):
    """There is one item at every moment, and either program's login is the other's."""
    await codex.login_with_api_key("sk-1")
    (made_by_codex,) = session.items()
    assert (await looked(store)).credential == KEY
    store_login(store, OTHER_KEY)
    assert session.items() == [replace(made_by_codex, secret=STORED_OTHER_KEY)]
    await codex.login_with_api_key("sk-1")

    assert session.items() == [made_by_codex]
    assert (await looked(store)).credential == KEY


@pytest.mark.part("codex")
async def test_logout_on_either_side_is_one_on_the_other(session, store, codex, home):
    """Nothing is left in the keyring."""
    store_login(store, KEY)
    assert (await codex.logout()).returncode == 0
    assert (await looked(store)).credential is None
    await codex.login_with_api_key("sk-1")
    assert store.remove().credential == KEY
    status = await codex.login_status()

    assert (status.returncode, "Not logged in" in status.stderr) == (1, True)
    assert session.items() == []


@pytest.mark.part("codex")
async def test_folder_and_a_link_to_it_have_one_login(session, codex, home):
    """The account is made of the real path."""
    link = home.path.with_name("link")
    link.symlink_to(home.path)
    store_login(Stores(CodexHome(link, "option")).choose("keyring"), KEY)
    status = await CodexCli(link, codex.environment).login_status()

    assert status.returncode == (await codex.login_status()).returncode == 0
    assert len(entry(session, home)) == 1


@pytest.mark.part("codex")
async def test_entry_of_the_python_library_is_used_in_place_by_both(session, store, codex, home):
    """It has no `target`; a second item would come back after a logout."""
    library = keyring.backends.SecretService.Keyring()
    library.set_password(vault.SERVICE, account_name(home.path), STORED_KEY)
    assert (await looked(store)).credential == KEY
    assert (await codex.login_status()).returncode == 0
    store_login(store, OTHER_KEY)
    assert entry(session, home) == [STORED_OTHER_KEY]
    await codex.login_with_api_key("sk-1")
    assert entry(session, home) == [STORED_KEY]
    store.remove()

    assert (await codex.login_status()).returncode == 1
    assert session.items() == []


@pytest.mark.part("codex")
async def test_items_of_several_programs_become_one(session, store, codex, home):
    """The one that the Codex CLI reads is the one that is read and stays."""
    make_item(session, home, STORED_OTHER_KEY)
    await codex.login_with_api_key("sk-1")  # it takes the only item there is
    make_item(session, home, STORED_KEY, target="default", application="rust-keyring")
    make_item(session, home, "{}", application="Python keyring library")
    make_item(session, home, "{}", target="another", application="rust-keyring")
    assert len(entry(session, home)) == 4
    assert (await looked(store)).credential == KEY
    store_login(store, OTHER_KEY)

    assert sorted(entry(session, home)) == [STORED_OTHER_KEY, "{}"]
    assert "sk-2" not in (await codex.login_status()).stderr
    assert (await codex.login_status()).returncode == 0
    assert store.remove().credential == OTHER_KEY
    # An item with a target of its own is another entry, and nobody's business here.
    assert [item.attributes["target"] for item in session.items()] == ["another"]


async def test_newest_of_equal_items_is_read_and_stays(session, store, home):
    """The Codex CLI calls them ambiguous, until we have written."""
    for application, secret in (("one", STORED_OTHER_KEY), ("two", STORED_KEY)):
        make_item(session, home, secret, target="default", application=application)
        await next_second()
    assert (await looked(store)).credential == KEY
    store_login(store, OTHER_KEY)

    assert entry(session, home) == [STORED_OTHER_KEY]


async def next_second() -> None:
    """Wait until an item that is made now is newer than one that was made before."""
    second = int(time.time())
    await eventually(lambda: int(time.time()) > second, "the next second")


async def test_item_that_goes_away_meanwhile_is_no_trouble(session, home):
    """Two programs may sign out at once."""
    service = secret_service.SecretServiceVault(home.path)
    make_item(session, home, STORED_KEY, target="default")
    with session.connection() as connection:
        account = {"username": account_name(home.path)}
        (item,) = secretstorage.search_items(connection, account)
        assert service.delete() is True
        secret_service_asking.delete(connection, item.item_path, may_prompt=False)

    assert service.delete() is False


@pytest.mark.part("codex")
async def test_unknown_members_of_a_newer_codex_survive(session, store, home):
    """In the keyring as in the file."""
    make_item(session, home, STORED_KEY[:-1] + ',"future":{"n":1.50}}', target="default")
    store_login(store, OTHER_KEY)

    assert entry(session, home) == [STORED_OTHER_KEY[:-1] + ',"future":{"n":1.50}}']


@pytest.mark.part("codex")
async def test_codex_encrypted_store_is_recognized(session, codex, home, monkeypatch):
    """The real CLI with the feature switched on."""
    monkeypatch.setattr(codex_cli, "COMMAND_DEADLINE", 60.0)  # it derives a key for seconds
    with (home.path / "config.toml").open("a") as config:
        config.write("[features]\nsecret_auth_storage = true\n")
    login = await codex.login_with_api_key("sk-1")
    assert login.returncode == 0, login.stderr
    store = Stores(home).choose("keyring", secret_auth_storage=True)
    report = (await looked(store)).report

    assert report.health == "unavailable"
    assert str(home.path / "secrets" / "codex_auth.age") in (report.detail or "")
    with pytest.raises(StoreUnavailable, match="encrypted store"):
        store_login(store, KEY)
    assert (await codex.login_status()).returncode == 0


# The mode `auto`


@pytest.fixture
def auto_home(home: CodexHome) -> CodexHome:
    (home.path / "config.toml").write_text('cli_auth_credentials_store = "auto"\n')
    return home


@pytest.mark.part("codex")
async def test_auto_uses_the_keyring_as_codex_does(session, codex, auto_home):
    """The file of a time without a keyring goes."""
    (auto_home.path / "auth.json").write_bytes(codex_bytes(api_key_login("sk-2")))
    store = Stores(auto_home).choose("auto")
    assert (await looked(store)).credential == OTHER_KEY
    store_login(store, KEY)

    assert (await codex.login_status()).returncode == 0
    assert entry(session, auto_home) == [STORED_KEY]
    assert not (auto_home.path / "auth.json").exists()
    assert store.read().report == StoreReport("auto", "keyring", encrypted=True)


@pytest.mark.part("codex")
async def test_auto_uses_the_file_without_a_session_and_logs_out_where_codex_fails(
    auto_home, monkeypatch, folder
):
    """Both programs on a machine without a desktop."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    codex = CodexCli(auto_home.path, {"XDG_RUNTIME_DIR": str(folder)})
    store = Stores(auto_home).choose("auto")
    store_login(store, KEY)
    status = await codex.login_status()
    assert (status.returncode, "API key configured" in status.stderr) == (0, True)
    report = (await looked(store)).report
    assert (report.backend, report.health, report.encrypted) == ("file", "ok", False)
    assert "no D-Bus session bus" in (report.detail or "")

    assert (await codex.logout()).returncode == 1
    assert store.remove().stores == ("file",)
    assert (await codex.login_status()).returncode == 1


# A keyring that is locked


async def test_locked_keyring_is_told_at_once_on_a_machine_without_a_display(session, store):
    """Whoever asks, and whatever for."""
    store_login(store, KEY)
    session.lock()
    started = time.monotonic()
    assert (await looked(store)).report.health == "locked"
    for use in (store.check_writable, lambda: store_login(store, OTHER_KEY)):
        with pytest.raises(StoreLocked):
            await asyncio.to_thread(use)
    session.unlock()
    assert (await looked(store)).credential == KEY
    session.lock()
    with pytest.raises(StoreLocked):
        await asyncio.to_thread(store.remove)

    assert time.monotonic() - started < AT_ONCE * 4
    session.unlock()
    assert (await looked(store)).credential is None
    assert (await asyncio.to_thread(store.settle)) == Removed(KEY, ("keyring",))
    assert session.items() == []


async def test_keyring_that_was_never_unlocked_is_locked_and_not_empty(session, store, home):
    """Its items show nothing of themselves then."""
    store_login(store, KEY)
    end(session.daemons.pop())
    session.start_keyring(password=None)
    assert (await looked(store)).report.health == "locked"
    session.unlock()

    assert (await looked(store)).credential == KEY
    assert entry(session, home) == [STORED_KEY]


@pytest.mark.part("display")
async def test_looking_at_a_locked_keyring_asks_nobody(seen_session, store):
    """A status never causes a dialog, and waits for none."""
    store_login(store, KEY)
    seen_session.lock()
    for _ in range(3):
        assert (await looked(store)).report.health == "locked"
    with pytest.raises(StoreLocked):
        store.reserve()

    assert seen_session.dialogs() == []


@pytest.mark.part("display")
async def test_person_who_answers_gets_the_login_stored(seen_session, store, home):
    """Looks come back at once meanwhile, and the Codex CLI's locks are free."""
    store_login(store, KEY)
    seen_session.lock()
    login = asyncio.create_task(asyncio.to_thread(store_login, store, OTHER_KEY))
    await eventually(seen_session.dialogs, "a dialog", timeout=PATIENCE)
    started = time.monotonic()
    assert (await looked(store)).report.health == "locked"
    assert time.monotonic() - started < AT_ONCE
    assert not is_locked(home.path / "auth.lock")
    seen_session.type(PASSWORD)
    await asyncio.wait_for(login, PATIENCE)

    assert entry(seen_session, home) == [STORED_OTHER_KEY]
    assert store.read().credential == OTHER_KEY


@pytest.mark.part("display")
async def test_question_that_nobody_answers_ends_and_a_late_answer_is_heard(
    seen_session, store, monkeypatch
):
    """One answer settles whatever has been asked until then."""
    monkeypatch.setattr(keyring_calls, "PROMPT_SECONDS", 1.0)
    store_login(store, KEY)
    seen_session.lock()
    listener = Listener(store)
    async with watched(store, listener.notice):
        for _ in range(MAXIMUM_HANGING):
            with pytest.raises(StoreLocked, match="Nobody answered"):
                await asyncio.wait_for(asyncio.to_thread(store.check_writable), PATIENCE)
        await listener.sees(health="locked")
        seen_session.type(PASSWORD)
        await listener.sees(KEY, within=PATIENCE)  # programs of the desktop take their time
        await eventually(lambda: not seen_session.dialogs(), "the end of the dialogs")

    await asyncio.to_thread(store.check_writable)
    assert seen_session.daemons[0].poll() is None


@pytest.mark.part("display")
async def test_question_that_the_person_dismisses_is_a_locked_keyring(seen_session, store):
    """Nothing is stored, and the next attempt asks again."""
    seen_session.lock()
    for _ in range(2):
        login = asyncio.create_task(asyncio.to_thread(store_login, store, KEY))
        await eventually(seen_session.dialogs, "a dialog", timeout=PATIENCE)
        seen_session.press("Escape")
        with pytest.raises(StoreLocked, match="was not unlocked"):
            await asyncio.wait_for(login, PATIENCE)
        await eventually(lambda: not seen_session.dialogs(), "the end of the dialog")

    assert (await looked(store)).report.health == "locked"


@pytest.mark.part("display")
async def test_process_that_ends_waits_for_no_answer(seen_session, store):
    """Whoever waits for the person is let go."""
    seen_session.lock()
    check = asyncio.create_task(asyncio.to_thread(store.check_writable))
    await eventually(seen_session.dialogs, "a dialog", timeout=PATIENCE)
    store._entry.close()

    with pytest.raises(StoreLocked):
        await asyncio.wait_for(check, AT_ONCE)


@pytest.mark.part("display")
async def test_desktop_without_a_keyring_gets_one_whose_password_the_person_chooses(
    folder, monkeypatch, home, store
):
    """As on a desktop that signs people in by itself; only a login makes one."""
    with virtual_display() as display, desktop_session(folder, display=display) as session:
        session.enter(monkeypatch)
        session.start_keyring(password=None)
        report = (await looked(store)).report
        assert report.detail == "The desktop has no keyring yet to keep a login in."
        assert await asyncio.to_thread(store.remove) is None
        assert (report.health, session.dialogs()) == ("unavailable", [])
        login = asyncio.create_task(asyncio.to_thread(store_login, store, KEY))
        await eventually(session.dialogs, "a dialog", timeout=PATIENCE)
        session.press(*PASSWORD, "Tab", *PASSWORD, "Return")
        await asyncio.wait_for(login, PATIENCE)

        assert entry(session, home) == [STORED_KEY]
        assert (await looked(store)).credential == KEY


# A keyring that is not there, silent, or goes away


async def test_bus_without_a_keyring_is_told_at_once(bare_session, store):
    """A window manager without a desktop."""
    started = time.monotonic()
    report = (await looked(store)).report

    assert time.monotonic() - started < AT_ONCE
    assert (report.backend, report.health) == ("none", "unavailable")
    assert report.detail == "No keyring service answers in this desktop session."
    with pytest.raises(StoreUnavailable):
        store_login(store, KEY)


async def test_bus_that_is_gone_is_told_at_once(session, store):
    """The session ended, this program did not."""
    store_login(store, KEY)
    end(session.bus)

    assert (await looked(store)).report.health == "unavailable"


@pytest.mark.parametrize("who", ["bus", "keyring"])
async def test_silent_program_delays_a_look_by_three_seconds_at_most(session, store, who):
    """(S15) It is looked again, unasked, when it speaks again."""
    store_login(store, KEY)
    process = session.bus if who == "bus" else session.daemons[0]
    spoke = asyncio.Event()
    async with watched(store, spoke.set):
        await asyncio.wait_for(spoke.wait(), SOON)  # the watch is in place
        process.send_signal(signal.SIGSTOP)
        started = time.monotonic()
        try:
            snapshot = await looked(store)
        finally:
            took = time.monotonic() - started
            spoke.clear()
            process.send_signal(signal.SIGCONT)
        assert (snapshot.report.health, took < LATE) == ("locked", True)
        if who == "keyring":
            await asyncio.wait_for(spoke.wait(), SOON)
        assert (await looked(store)).credential == KEY


async def test_keyring_that_dies_while_it_is_asked_is_unavailable_and_can_come_back(
    session, store, home
):
    """The login is where it was."""
    store_login(store, KEY)
    daemon = session.daemons.pop()
    daemon.send_signal(signal.SIGSTOP)
    look = asyncio.create_task(looked(store))
    await asyncio.to_thread(wait_for_thread)
    daemon.kill()
    assert (await look).report.health == "unavailable"
    session.start_keyring()

    assert (await looked(store)).credential == KEY
    store_login(store, OTHER_KEY)
    assert entry(session, home) == [STORED_OTHER_KEY]


def wait_for_thread() -> None:
    """Wait until a call to the keyring is under way."""
    deadline = time.monotonic() + PATIENCE
    while not any(thread.name == "keyring" for thread in threading.enumerate()):
        assert time.monotonic() < deadline


async def test_bus_starts_the_keyring_for_whoever_looks(folder, monkeypatch, home):
    """As for the Codex CLI; it is locked then."""
    with desktop_session(folder, services=(PROMPTER, KEYRING)) as session:
        session.enter(monkeypatch)
        session.start_keyring()
        store = Stores(home).choose("keyring")
        store_login(store, KEY)
        end(session.daemons.pop())
        assert (await looked(store)).report.health == "locked"
        session.unlock()

        assert (await looked(store)).credential == KEY


@pytest.mark.part("codex")
async def test_bus_is_found_without_the_variable_as_codex_finds_it(
    session, codex, store, monkeypatch
):
    """An editor that was started from elsewhere."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    environment = {k: v for k, v in codex.environment.items() if k != "DBUS_SESSION_BUS_ADDRESS"}
    store_login(store, KEY)

    assert (await CodexCli(codex.home, environment).login_status()).returncode == 0
    assert (await looked(store)).credential == KEY


# Notices of changes


@contextlib.asynccontextmanager
async def watched(store: CredentialStore, on_change: Callable[[], None]) -> AsyncIterator[None]:
    """Call `on_change` after every notice while the block runs."""
    watch = store.watch(on_change)
    assert watch is not None
    watch.start()
    try:
        yield
    finally:
        await watch.stop()


class Listener:
    """Looks after every notice, and remembers what it saw."""

    def __init__(self, store: CredentialStore) -> None:
        self.store = store
        self.notices = 0
        self.seen: asyncio.Queue[Snapshot] = asyncio.Queue()
        self._looks: set[asyncio.Task[None]] = set()

    def notice(self) -> None:
        self.notices += 1
        look = asyncio.ensure_future(self._look())
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def _look(self) -> None:
        self.seen.put_nowait(await looked(self.store))

    async def sees(
        self, credential: object = None, health: str = "ok", within: float = SOON
    ) -> None:
        """Wait, not long, until this is what there is."""
        async with asyncio.timeout(within):
            while True:
                snapshot = await self.seen.get()
                if (snapshot.credential, snapshot.report.health) == (credential, health):
                    return

    async def is_quiet(self) -> bool:
        """Say whether looking alone brings no further notice."""
        for _ in range(5):
            await looked(self.store)
        before = self.notices
        for _ in range(5):
            await looked(self.store)
        return self.notices == before


async def test_change_by_another_program_is_heard_soon(session, store, home):
    """Made, deleted, locked, unlocked; and looking is no change."""
    listener = Listener(store)
    async with watched(store, listener.notice):
        await listener.sees()
        make_item(session, home, STORED_KEY, target="default")
        await listener.sees(KEY)
        session.lock()
        await listener.sees(health="locked")
        session.unlock()
        await listener.sees(KEY)
        session.run("secret-tool", "clear", "service", vault.SERVICE)
        await listener.sees()

        assert await listener.is_quiet()


async def test_end_and_start_of_the_keyring_are_heard_soon(session, store):
    """The watch goes on with the next one."""
    store_login(store, KEY)
    listener = Listener(store)
    async with watched(store, listener.notice):
        await listener.sees(KEY)
        end(session.daemons.pop())
        await listener.sees(health="unavailable")
        session.start_keyring()
        await listener.sees(KEY)
        await asyncio.to_thread(store.remove)
        await listener.sees()


@pytest.mark.part("codex")
async def test_every_write_of_codex_is_heard_soon(session, store, codex, home):
    """gnome-keyring is silent when it changes a secret in place; the CLI's locks are not."""
    listener = Listener(store)
    watcher = Watcher([home.path / "auth.json", home.path / "auth.lock"], listener.notice)
    watcher.start()
    async with watched(store, listener.notice):
        await listener.sees()
        for key, credential in (("sk-1", KEY), ("sk-2", OTHER_KEY)):
            await codex.login_with_api_key(key)
            await listener.sees(credential)
        await codex.logout()
        await listener.sees()
        assert await listener.is_quiet()
    await watcher.stop()


async def test_write_of_another_window_is_heard_soon(session, store, home):
    """Of ours, in place too."""
    other = Stores(home).choose("keyring")
    listener = Listener(store)
    watcher = Watcher([home.path / "auth.json", home.path / "auth.lock"], listener.notice)
    watcher.start()
    async with watched(store, listener.notice):
        await listener.sees()
        for credential in (KEY, OTHER_KEY):
            await asyncio.to_thread(store_login, other, credential)
            await listener.sees(credential)
        await asyncio.to_thread(other.remove)
        await listener.sees()
    await watcher.stop()


@pytest.mark.part("bus")
async def test_service_that_dies_of_being_looked_at_is_not_looked_at_without_end(bare_session):
    """Looking starts it again."""
    from codex_auth_lsp.stores.secret_service_watch import listen

    notices: asyncio.Queue[None] = asyncio.Queue()

    async def notice(count: int) -> None:
        for _ in range(count):
            await asyncio.wait_for(notices.get(), SOON)

    listening = asyncio.create_task(
        listen(bare_session.address, lambda: notices.put_nowait(None), SystemClock())
    )
    await notice(1)
    with bare_session.connection() as connection:
        bus = Proxy(message_bus, connection)
        for lives in range(3):
            bus.RequestName("org.freedesktop.secrets")
            await notice(1)
            bus.ReleaseName("org.freedesktop.secrets")
            await notice(1 if lives == 0 else 0)
        bus.RequestName("org.freedesktop.secrets")
        await notice(1)
    listening.cancel()
    await asyncio.wait([listening])

    assert notices.empty()


async def test_watch_costs_no_thread_and_no_timer(session, store):
    """An idle window sleeps."""
    heard = asyncio.Event()
    async with watched(store, heard.set):
        await asyncio.wait_for(heard.wait(), SOON)
        loop = asyncio.get_running_loop()

        assert [thread.name for thread in threading.enumerate() if thread.name == "keyring"] == []
        assert [timer for timer in loop._scheduled if not timer.cancelled()] == []


def test_nothing_of_the_login_is_left_in_the_clear(session, store, home, folder):
    """Neither in CODEX_HOME nor in what the keyring writes."""
    secret = "sk-" + os.urandom(16).hex()
    store_login(store, replace(KEY, api_key=Secret(secret)))
    files = [path for path in folder.rglob("*") if path.is_file()]

    assert json.loads(entry(session, home)[0])["OPENAI_API_KEY"] == secret
    assert any(path.suffix == ".keyring" for path in files)
    assert [path for path in files if secret.encode() in path.read_bytes()] == []


async def test_locked_keyring_tells_whether_it_holds_an_entry(session, home, folder):
    """A logout in another mode says so, and nobody is asked."""
    make_item(session, home, STORED_KEY)
    nobody = folder / "nobody"
    nobody.mkdir()
    session.lock()

    assert SecretServiceVault(home.path).is_there()
    assert not SecretServiceVault(nobody).is_there()
