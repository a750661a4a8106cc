"""Two logins in the store mode `auto`: which is in force, and when the other one goes.

Nobody is put back to an older login, whichever place is locked, silent or late.
"""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.errors import StoreError, StoreLocked
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.age import Age
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.document import login_document, refreshed_document
from codex_auth_lsp.stores.json_text import render_compact_json
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
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
    ("mine", "other", "newer"),
    [
        (NOW, NOW - timedelta(seconds=1), True),
        (NOW - timedelta(seconds=1), NOW, False),
        (NOW + timedelta(minutes=4), NOW, True),
        (NOW + timedelta(minutes=6), NOW, None),
        (NOW, NOW + timedelta(minutes=6), None),
        (NOW, NOW, None),
        (None, NOW, None),
        (NOW, None, None),
    ],
)
def test_word_of_both_logins_tells_which_is_newer_and_nothing_else(mine, other, newer):
    """(S14) A clock that was ahead makes no login the newest for ever."""
    ages = Age(mine, NOW.timestamp()), Age(other, 0.0)

    assert ages[0].is_newer_than(ages[1], NOW) is newer


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


@pytest.mark.parametrize("minutes", [-999, 999])
@pytest.mark.parametrize(
    ("in_keyring", "in_file"),
    [
        (KEY, OTHER_KEY),
        (KEY, login("old", hours_ago=1)),
        (login("rotated", hours_ago=1), login("spent", hours_ago=1)),
        (login("new", hours_ago=1), login("ahead", hours_ago=-9)),
    ],
    ids=["two keys", "a key", "half an answer", "a clock that was ahead"],
)
def test_copy_that_is_restored_is_not_used_and_that_is_told(
    store, vault, path, in_keyring, in_file, minutes
):
    """(S16) Times of files tell nothing: a spent token would end the login, and a key be lost."""
    vault.value, vault.written_at = value(in_keyring), NOW.timestamp()
    write(path, login_document(in_file, None).render(), NOW.timestamp() + 60 * minutes)
    snapshot = looked(store)

    assert snapshot.credential == in_keyring
    assert "is not used" in (snapshot.report.detail or "")
    assert (store.is_unsettled, store.settle(), path.exists()) == (False, None, True)


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


def test_locked_keyring_with_the_login_in_force_is_waited_for(store, vault, path):
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
    new, old = login("new", hours_ago=1), login("old", hours_ago=2)
    write(path, login_document(new, None).render(), NOW.timestamp())
    vault.value = value(old)
    looked(store)
    vault.trouble = trouble

    assert looked(store).credential == new


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
    vault.trouble, vault.value = None, STORED_KEY.replace("sk-1", "sk-3")

    assert "sk-3" in looked(store).credential.api_key.reveal()
    assert (store.is_unsettled, store.settle(), path.exists()) == (False, None, True)


def test_keyring_whose_clock_was_ahead_does_not_bring_the_older_login_back(store, vault, path):
    """(S14) The process that signed in knows which it is."""
    vault.value, vault.written_at = value(login("ahead", hours_ago=-24)), NOW.timestamp() + 86400
    looked(store)
    vault.trouble = LOCKED
    store_login(store, OTHER_KEY)
    assert looked(store).credential == OTHER_KEY
    vault.trouble = None

    assert looked(store).credential == OTHER_KEY


def test_login_beside_a_keyring_that_was_never_seen_stays_in_force(store, vault, path):
    """A window that began while it was locked; renewed tokens in there say that they are newer."""
    vault.value, vault.trouble = STORED_KEY, LOCKED
    mine, newer = login("mine", hours_ago=1), login("newer", hours_ago=0, owner="two")
    store_login(store, mine)
    vault.trouble = None
    assert looked(store).credential == mine
    vault.trouble = LOCKED
    store_login(store, mine)
    vault.trouble, vault.value = None, value(newer)

    assert looked(store).credential == newer
    assert not store.is_unsettled


def test_keyring_that_refuses_is_tried_once_and_nothing_is_changed(store, vault, path):
    """(S15) Nothing is revoked for it, and no disk and no keyring is kept busy."""
    store_login(store, KEY)
    vault.trouble = LOCKED
    store_login(store, OTHER_KEY)
    vault.trouble, before = None, path.stat()
    vault.keeps = lambda value: STORED_KEY
    looked(store)
    assert store.is_unsettled
    with pytest.raises(StoreError):
        store.settle()

    assert looked(store).credential == OTHER_KEY
    assert (store.is_unsettled, store.settle(), vault.value) == (False, None, STORED_KEY)
    assert path.stat() == before


def test_moves_keep_their_distance(home, vault, path):
    """Whatever changes meanwhile."""
    clock = SteppedClock()
    store = AutoStore(home, KeyringEntry(home, vault, clock=clock))
    for number, expected in enumerate([True, False, True]):
        vault.trouble = None
        vault.value, vault.keeps = (
            value(login("old", hours_ago=9, owner="two")),
            lambda value: value,
        )
        write(path, login_document(login(f"new {number}", hours_ago=1), None).render(), 0)
        looked(store)
        assert store.is_unsettled is expected
        assert (store.settle() is not None) is expected
        clock.seconds += 20


class SteppedClock(SystemClock):
    """A clock that goes on when it is told to."""

    seconds = 0.0

    def monotonic(self):
        return self.seconds


@pytest.mark.parametrize("in_keyring", [KEY, login("A", hours_ago=5, owner="two")])
def test_renewal_of_the_files_login_leaves_another_one_in_the_keyring(
    store, vault, path, in_keyring
):
    """Nobody has signed out of it."""
    spent, renewed = login("spent", hours_ago=2), login("renewed", hours_ago=0)
    vault.trouble = LOCKED
    store_login(store, spent)
    pinned = store.pinned()
    vault.trouble, vault.value = None, value(in_keyring)
    pinned.update(lambda old: refreshed_document(old, renewed))

    assert vault.value == value(in_keyring)
    assert looked(store).credential == renewed


# A keyring that cannot be had while tokens are renewed


@pytest.mark.parametrize("trouble", [LOCKED, ABSENT])
def test_last_try_of_a_renewal_takes_the_file(store, vault, path, home, trouble):
    """(S15) What was spent is in the keyring, and the next window sends what is in the file."""
    spent, renewed = login("spent", hours_ago=2), login("renewed", hours_ago=0)
    store_login(store, spent)
    looked(store)
    pinned = store.pinned()
    vault.trouble = trouble
    with pytest.raises(StoreError):
        pinned.update(lambda old: refreshed_document(old, renewed))
    pinned.update(lambda old: refreshed_document(old, renewed), at_last=True)
    assert (vault.value, looked(store).credential) == (value(spent), renewed)
    vault.trouble = None
    later = AutoStore(home, KeyringEntry(home, vault))

    assert looked(later).credential == renewed
    assert later.settle() is None
    assert (vault.value, path.exists()) == (value(renewed), False)


@pytest.mark.parametrize("ended", ["by a logout", "by a login"])
def test_last_try_of_a_renewal_leaves_what_was_done_meanwhile(store, vault, path, ended):
    """Nobody is signed in again, and a newer login stays."""
    store_login(store, login("spent", hours_ago=2))
    pinned = store.pinned()
    vault.trouble = LOCKED
    if ended == "by a logout":
        with pytest.raises(StoreLocked):
            store.remove()
        with pytest.raises(StoreLocked):
            pinned.update(lambda old: pytest.fail(f"asked what to make of {old}"), at_last=True)
        assert not path.exists()
    else:
        store_login(store, OTHER_KEY)
        given = []
        pinned.update(lambda old: given.append(old.credential), at_last=True)
        assert given == [OTHER_KEY]


def test_keyring_that_went_away_with_a_login_is_not_taken_for_signed_out(store, vault):
    """Its service died; nobody has signed out."""
    store_login(store, KEY)
    vault.trouble = ABSENT
    report = looked(store).report

    assert (report.mode, report.health) == ("auto", "unavailable")


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
