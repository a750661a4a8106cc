"""Two logins in the store mode `auto`: the newer one is in force, and the older one goes.

Nobody is put back to an older login, whichever place is locked, silent or late.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.errors import StoreError, StoreLocked
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.age import Age
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.document import login_document, refreshed_document
from codex_auth_lsp.stores.json_text import render_compact_json
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.vault import VaultRefused
from e2e.shapes import api_key_login, codex_bytes
from stores.fake_vaults import ABSENT, LOCKED, PATIENCE, STORED_KEY, looked
from stores.store_contract import KEY, LOGIN, OTHER_KEY, store_login

OTHER_STORED_KEY = STORED_KEY.replace("sk-1", "sk-2")
OTHER_KEY_FILE = codex_bytes(api_key_login("sk-2"))
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def store(home, entry):
    return AutoStore(home, entry)


def login(name: str, *, hours_ago: float, owner: str = "one"):
    return replace(
        LOGIN,
        refresh_token=Secret(f"rt-{name}"),
        login_owner_id=owner,
        last_refresh=NOW - timedelta(hours=hours_ago),
    )


def value(credential) -> str:
    return render_compact_json(login_document(credential, None).members).decode()


def write(path, content: bytes, written_at: float) -> None:
    """Write a file as another program did at some time."""
    path.write_bytes(content)
    path.chmod(0o600)
    os.utime(path, (written_at, written_at))


# Which one is newer


@pytest.mark.parametrize(
    ("in_file", "in_keyring", "newer"),
    [
        (Age(NOW, 1.0), Age(NOW - timedelta(seconds=1), 99.0), True),
        (Age(NOW - timedelta(seconds=1), 99.0), Age(NOW, 1.0), False),
        (Age(NOW, 12.0), Age(NOW, 10.0), True),
        (Age(None, 11.0), Age(NOW, 10.0), True),
        (Age(None, 10.9), Age(None, 10.0), False),
        (Age(None, 9.0), Age(None, 10.0), False),
        (Age(NOW, None), Age(None, 10.0), False),
        (Age(None, 12.0), Age(None, None), False),
    ],
)
def test_word_of_a_login_counts_before_when_it_was_written(in_file, in_keyring, newer):
    """In doubt it is the keyring's, as for the Codex CLI."""
    assert in_file.is_newer_than(in_keyring) is newer


def test_tokens_renewed_later_are_in_force_wherever_they_are(store, vault, path):
    """A token that was spent long ago would end the whole login if it were sent again."""
    new, old = login("new", hours_ago=1), login("old", hours_ago=2)
    vault.value, vault.written_at = value(old), NOW.timestamp()
    write(path, login_document(new, None).render(), NOW.timestamp() - 999)
    assert looked(store).credential == new
    assert store.read().report.backend == "file"
    assert "older login" in store.read().report.detail
    vault.value = value(new)
    write(path, login_document(old, None).render(), NOW.timestamp() + 999)

    assert looked(store).credential == new
    assert store.read().report.backend == "keyring"


def test_key_written_later_is_in_force_wherever_it_is(store, vault, path):
    """After a restart, too, when nobody remembers."""
    vault.value, vault.written_at = STORED_KEY, NOW.timestamp() - 60
    write(path, OTHER_KEY_FILE, NOW.timestamp() - 30)
    assert looked(store).credential == OTHER_KEY
    vault.written_at = NOW.timestamp() - 10

    assert looked(store).credential == KEY


@pytest.mark.parametrize("is_login", [True, False], ids=["login", "renewal"])
def test_next_save_leaves_the_newest_alone(store, vault, path, is_login):
    """In the keyring, and no file."""
    new, old = login("new", hours_ago=1), login("old", hours_ago=2)
    newest = login("newest", hours_ago=0)
    vault.value = value(old)
    write(path, login_document(new, None).render(), NOW.timestamp())
    given = []

    def merge(document):
        given.append(document.credential)
        return refreshed_document(document, newest)

    store.update(merge, over_unreadable=is_login)

    assert given == [new]
    assert (vault.value, path.exists()) == (value(newest), False)


# A keyring that was locked when somebody signed in


def test_login_that_had_to_go_to_the_file_stays_in_force_when_the_keyring_opens(
    store, vault, path, home
):
    """And takes the place of the older one there, so that it is in force for the Codex CLI too."""
    store_login(store, KEY)
    vault.trouble = LOCKED
    store_login(store, OTHER_KEY)
    assert looked(store).credential == OTHER_KEY
    vault.trouble = None
    assert looked(store).credential == OTHER_KEY
    assert store.is_unsettled

    assert store.settle() == Removed(KEY, ("keyring",))
    assert (vault.value, path.exists(), store.is_unsettled) == (OTHER_STORED_KEY, False, False)
    assert looked(AutoStore(home, KeyringEntry(home, vault))).credential == OTHER_KEY


@pytest.mark.usefixtures("impatient")
def test_renewal_that_had_to_go_to_the_file_replaces_the_spent_tokens(store, entry, vault, path):
    """It is the same login, so nothing has to be revoked."""
    spent, renewed = login("spent", hours_ago=2), login("renewed", hours_ago=0)
    store_login(store, spent)
    came_back = threading.Semaphore(0)
    entry.on_change = came_back.release
    vault.hang("set", "delete")
    store.update(lambda old: refreshed_document(old, renewed))
    assert (vault.value, path.exists()) == (value(spent), True)
    vault.let_go()
    assert [came_back.acquire(timeout=PATIENCE) for _ in range(2)] == [True] * 2

    assert looked(store).credential == renewed
    assert store.settle() is None
    assert (vault.value, path.exists()) == (value(renewed), False)


def test_locked_keyring_with_the_newer_login_is_waited_for(store, vault, path):
    """A screen that locks puts nobody back to the login of a forgotten file."""
    write(path, OTHER_KEY_FILE, NOW.timestamp() - 60)
    vault.value, vault.written_at = STORED_KEY, NOW.timestamp() - 30
    assert looked(store).credential == KEY
    vault.trouble = LOCKED
    snapshot = looked(store)

    assert (snapshot.report.health, snapshot.credential) == ("locked", None)
    with pytest.raises(StoreLocked):
        store.update(lambda old: pytest.fail(f"asked what to make of {old}"))


@pytest.mark.parametrize("trouble", [LOCKED, ABSENT])
def test_unreadable_keyring_with_an_older_login_gives_way(store, vault, path, trouble):
    """The newer one is in the file."""
    write(path, OTHER_KEY_FILE, NOW.timestamp() - 30)
    vault.value, vault.written_at = STORED_KEY, NOW.timestamp() - 60
    looked(store)
    vault.trouble = trouble

    assert looked(store).credential == OTHER_KEY


def test_locked_entry_that_was_no_login_gives_way(store, vault, path):
    """There is nothing in it to wait for."""
    vault.value, vault.written_at = "{", NOW.timestamp()
    write(path, OTHER_KEY_FILE, NOW.timestamp() - 30)
    assert looked(store).credential == OTHER_KEY
    vault.trouble = LOCKED

    assert looked(store).credential == OTHER_KEY


def test_login_of_another_program_in_the_opened_keyring_is_newer(store, vault, path):
    """What this process knows ends there."""
    store_login(store, KEY)
    vault.trouble = LOCKED
    store_login(store, OTHER_KEY)
    vault.trouble, vault.written_at = None, path.stat().st_mtime + 5

    assert looked(store).credential == KEY
    assert (store.is_unsettled, store.settle(), vault.value) == (False, None, STORED_KEY)


def test_keyring_that_refuses_the_newer_login_loses_the_older_one(store, vault, path):
    """The Codex CLI would take it."""
    store_login(store, KEY)
    vault.trouble = LOCKED
    store_login(store, OTHER_KEY)
    vault.trouble, vault.set_trouble = None, VaultRefused("No.")
    looked(store)
    store.settle()

    assert vault.value is None
    assert looked(store).credential == OTHER_KEY
    assert not store.is_unsettled


# A write that comes through after it was given up


@pytest.mark.usefixtures("impatient")
def test_write_that_lands_late_does_not_win_over_a_later_login(store, entry, vault, path):
    """Whatever the keyring says of when it was written."""
    store_login(store, KEY)
    came_back = threading.Semaphore(0)
    entry.on_change = came_back.release
    vault.hang("late set", "delete")
    late = login("late", hours_ago=0, owner="two")
    store_login(store, late)
    vault.hang("late set", "delete", "get")
    store_login(store, OTHER_KEY)
    vault.written_at = path.stat().st_mtime + 5
    vault.let_go()
    assert [came_back.acquire(timeout=PATIENCE) for _ in range(3)] == [True] * 3
    assert vault.value == value(late)

    assert looked(store).credential == OTHER_KEY
    assert store.settle() == Removed(late, ("keyring",))
    assert (vault.value, looked(store).credential, path.exists()) == (
        OTHER_STORED_KEY,
        OTHER_KEY,
        False,
    )


@pytest.mark.usefixtures("impatient")
def test_write_that_lands_late_and_is_the_newest_ends_in_one_place(store, entry, vault, path):
    """The file was its copy."""
    came_back = threading.Event()
    entry.on_change = came_back.set
    vault.hang("late set")
    store_login(store, KEY)
    assert path.exists()
    vault.let_go()
    assert came_back.wait(PATIENCE)
    assert looked(store).credential == KEY
    store.settle()

    assert (vault.value, path.exists(), looked(store).credential) == (STORED_KEY, False, KEY)


def test_settling_a_keyring_that_is_gone_is_an_error(store, vault):
    """It is tried again at a later look."""
    store_login(store, KEY)
    vault.trouble = LOCKED
    store_login(store, OTHER_KEY)
    with pytest.raises(StoreError):
        store.settle()
