"""A logout that could not reach the keyring is made good when it opens, if that is certainly right.

On both store modes, with a vault that says when it was written and one that does not.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.errors import StoreLocked
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.document import login_document, refreshed_document
from codex_auth_lsp.stores.json_text import render_compact_json
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.keyring_store import KeyringStore
from e2e.shapes import api_key_login, codex_bytes
from stores.fake_vaults import LOCKED, PATIENCE, STORED_KEY, looked
from stores.store_contract import KEY, LOGIN, OTHER_KEY, store_login

OTHER_STORED_KEY = STORED_KEY.replace("sk-1", "sk-2")


@pytest.fixture(params=[KeyringStore, AutoStore])
def store(request, home, entry):
    return request.param(home, entry)


def now() -> float:
    return datetime.now(UTC).timestamp()


def log_out_in_vain(store, vault) -> None:
    """Sign out while the keyring is locked."""
    vault.trouble = LOCKED
    with pytest.raises(StoreLocked):
        store.remove()
    vault.trouble = None


def test_login_that_was_seen_counts_as_gone_and_goes(store, vault):
    """Nobody is signed in again by an unlocked screen."""
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    assert (looked(store).report.health, store.read().credential) == ("ok", None)
    assert store.is_unsettled

    assert store.settle() == Removed(KEY, ("keyring",))
    assert (vault.value, store.is_unsettled, store.settle()) == (None, False, None)


def test_opened_keyring_is_no_change_by_another_program(store, vault):
    """The version tells what others did."""
    store_login(store, KEY)
    vault.trouble = LOCKED
    with pytest.raises(StoreLocked):
        store.remove()
    locked = looked(store)
    vault.trouble = None

    assert (locked.report.health, locked.version) == ("locked", looked(store).version)


def test_login_that_was_never_seen_goes_where_it_was_written_before(store, vault):
    """A window that began beside a locked keyring."""
    vault.value, vault.written_at = STORED_KEY, now() - 60
    log_out_in_vain(store, vault)

    assert looked(store).credential is None
    assert store.settle() == Removed(KEY, ("keyring",))


def test_login_that_was_never_seen_goes_where_its_tokens_are_from_before(store, vault):
    """A keychain does not say when it was written; a renewal does."""
    login = replace(LOGIN, last_refresh=datetime.now(UTC) - timedelta(hours=1))
    store_login(store, login)
    store._entry._snapshot = replace(store._entry._snapshot, version="")  # as if never seen
    log_out_in_vain(store, vault)

    assert looked(store).credential is None
    assert store.settle() == Removed(login, ("keyring",))


@pytest.mark.parametrize(
    ("value", "written"), [(OTHER_STORED_KEY, 2.0), (STORED_KEY, 2.0), (OTHER_STORED_KEY, None)]
)
def test_login_that_may_be_from_after_the_logout_stays(store, vault, value, written):
    """Somebody signed in with another program; the same key may be a new login too."""
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    vault.value, vault.written_at = value, written and now() + written

    assert looked(store).credential in {KEY, OTHER_KEY}
    assert (store.is_unsettled, store.settle(), vault.value) == (False, None, value)


def test_clock_that_was_set_back_makes_no_later_login_an_earlier_one(home, vault):
    """It was written at a time before that of the logout, and after it."""
    clock = SteppedClock()
    store = KeyringStore(home, KeyringEntry(home, vault, clock=clock))
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    clock.hours -= 2
    vault.value, vault.written_at = OTHER_STORED_KEY, clock.now().timestamp()

    assert looked(store).credential == OTHER_KEY
    assert (store.is_unsettled, store.settle()) == (False, None)


class SteppedClock(SystemClock):
    """A clock that somebody sets."""

    hours = 0

    def now(self):
        return super().now() + timedelta(hours=self.hours)


def test_later_login_of_ours_takes_its_place(store, vault):
    """And is no leftover; the one before it is told, so that it can be revoked."""
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    replaced = []

    def merge(old):
        replaced.append(old.credential)
        return login_document(OTHER_KEY, old)

    store.update(merge, over_unreadable=True)

    assert replaced == [KEY]
    assert (looked(store).credential, store.is_unsettled) == (OTHER_KEY, False)


def test_renewal_finds_nobody_signed_in(store, vault):
    """What it has got is revoked instead of stored."""
    store_login(store, LOGIN)
    log_out_in_vain(store, vault)
    given = []
    store.update(given.append)

    assert given == [None]


def test_login_that_was_made_while_the_logout_waited_for_the_person_stays(store, vault):
    """Both waited for one answer, and the logout was asked for first."""
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    vault.trouble = LOCKED

    def unlock_and_sign_in(**_options: bool) -> None:
        vault.trouble = None
        store_login(store, OTHER_KEY)

    vault.unlock = unlock_and_sign_in

    assert store.remove_ended() is None
    assert looked(store).credential == OTHER_KEY


@pytest.mark.parametrize("was_seen", [True, False])
def test_login_of_another_window_that_came_while_the_person_was_asked_stays(store, vault, was_seen):
    """Also where this window was stopped, and goes on after it."""
    vault.value, vault.written_at = STORED_KEY, now() - 60
    if was_seen:
        looked(store)
    log_out_in_vain(store, vault)
    vault.trouble = LOCKED

    def unlock_and_sign_in(**_options: bool) -> None:
        vault.trouble = None
        vault.value, vault.written_at = OTHER_STORED_KEY, now() + 1

    vault.unlock = unlock_and_sign_in

    assert store.remove_ended() is None
    assert looked(store).credential == OTHER_KEY


@pytest.mark.parametrize("written", [None, -60.0])
def test_answered_question_ends_a_login_of_which_nothing_was_known(store, vault, written):
    """The person has agreed, and nothing says that it is from after the logout."""
    vault.value, vault.written_at = STORED_KEY, written and now() + written
    log_out_in_vain(store, vault)
    vault.trouble = LOCKED
    vault.prompts.append(None)

    assert store.remove_ended() == Removed(KEY, ("keyring",))
    assert vault.value is None


def test_login_that_was_renewed_after_the_logout_goes_all_the_same(store, vault):
    """By a window or a program that did not hear of it."""
    login = replace(LOGIN, login_owner_id="one")
    store_login(store, login)
    log_out_in_vain(store, vault)
    renewed = replace(login, refresh_token=Secret("rt-2"), last_refresh=datetime.now(UTC))
    vault.value = render_compact_json(login_document(renewed, None).members).decode()
    vault.written_at = now() + 2

    assert looked(store).credential is None
    assert store.settle() == Removed(renewed, ("keyring",))


def test_login_that_was_seen_goes_whatever_the_time_of_its_writing(store, vault):
    """The clock was ahead then."""
    vault.value, vault.written_at = STORED_KEY, now() + 86400
    looked(store)
    log_out_in_vain(store, vault)

    assert looked(store).credential is None
    assert store.settle() == Removed(KEY, ("keyring",))


def test_logout_that_reaches_it_later_is_enough(store, vault):
    """The person tried again."""
    store_login(store, KEY)
    log_out_in_vain(store, vault)

    assert store.remove() == Removed(KEY, ("keyring",))
    assert (looked(store).credential, store.is_unsettled) == (None, False)


def test_locked_keyring_cannot_be_settled(store, vault):
    """It is an error and not taken for done."""
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    looked(store)
    vault.trouble = LOCKED

    with pytest.raises(StoreLocked):
        store.settle()
    vault.trouble = None
    assert store.settle() == Removed(KEY, ("keyring",))


@pytest.mark.usefixtures("impatient")
def test_write_that_lands_after_the_logout_goes_too(home, entry, vault):
    """It was sent before, and nobody waited for it any more."""
    store = KeyringStore(home, entry)
    store_login(store, OTHER_KEY)
    came_back = threading.Event()
    entry.on_change = came_back.set
    vault.hang("late set")
    with pytest.raises(StoreLocked):
        store_login(store, KEY)
    vault.hang("late set", "get")
    with pytest.raises(StoreLocked):
        store.remove()
    vault.written_at = now() + 2
    vault.let_go()
    assert came_back.wait(PATIENCE)

    assert vault.value == STORED_KEY
    assert looked(store).credential is None
    assert store.settle() == Removed(KEY, ("keyring",))


def test_file_goes_at_once_in_mode_auto(home, entry, vault, path):
    """Nobody waits for the keyring."""
    store = AutoStore(home, entry)
    path.write_bytes(codex_bytes(api_key_login("sk-2")))
    vault.value, vault.trouble = STORED_KEY, LOCKED
    removed = store.remove()

    assert (removed.credential, removed.stores, path.exists()) == (OTHER_KEY, ("file",), False)
    assert [place.kind for place in removed.remaining] == ["storeLocked"]
    assert "unlock" not in vault.calls


def test_renewed_login_beside_a_leftover_stays_in_the_file(home, entry, vault):
    """A new login that had to go to the file is not taken for what was to go."""
    store = AutoStore(home, entry)
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    vault.trouble = LOCKED
    store_login(store, LOGIN)
    store.update(lambda old: refreshed_document(old, LOGIN))
    vault.trouble = None
    assert looked(store).credential == LOGIN
    store.settle()

    assert looked(store).credential == LOGIN
    assert vault.value is None


def restarted(store, home, vault):
    """Return the same store as a window has it that starts now."""
    return type(store)(home, KeyringEntry(home, vault))


def test_window_that_starts_after_the_logout_knows_of_it(store, home, vault):
    """The one in which somebody signed out may have been closed before the keyring opened."""
    login = replace(LOGIN, login_owner_id="one")
    store_login(store, login)
    log_out_in_vain(store, vault)
    later = restarted(store, home, vault)

    assert looked(later).credential is None
    assert later.is_unsettled
    assert later.settle() == Removed(login, ("keyring",))
    assert vault.value is None


def test_window_that_runs_knows_of_a_logout_in_another_one(store, home, vault):
    """Both saw the login, and the keyring opens for both."""
    other = restarted(store, home, vault)
    store_login(store, KEY)
    assert looked(other).credential == KEY
    log_out_in_vain(store, vault)

    assert looked(other).credential is None
    assert (store.settle(), other.settle()) == (Removed(KEY, ("keyring",)), None)
    assert (looked(other).credential, other.is_unsettled) == (None, False)


@pytest.mark.parametrize("by_us", [True, False])
def test_login_after_the_logout_is_nobody_s_leftover(store, home, vault, by_us):
    """Whoever made it, and whether or not the record of the logout is still there."""
    store_login(store, KEY)
    log_out_in_vain(store, vault)
    if by_us:
        store_login(restarted(store, home, vault), OTHER_KEY)
    else:
        vault.value, vault.written_at = OTHER_STORED_KEY, now() + 2
    for window in (store, restarted(store, home, vault)):
        assert (looked(window).credential, window.is_unsettled) == (OTHER_KEY, False)
    store_login(store, KEY)

    assert looked(restarted(store, home, vault)).credential == KEY


def test_record_of_a_logout_has_no_secret_and_is_for_this_user_alone(store, home, vault):
    """(S15) It goes with the login."""
    store_login(store, LOGIN)
    log_out_in_vain(store, vault)
    record = home.path / "auth.json.logout.json"
    text = record.read_text()

    assert record.stat().st_mode & 0o777 == 0o600
    for token in (LOGIN.access_token, LOGIN.refresh_token, LOGIN.id_token):
        assert token.reveal() not in text
    looked(store)
    store.settle()
    assert not record.exists()


@pytest.mark.parametrize(
    "text",
    ["", "[", "[]", "{}", '{"at": "x"}', '{"at": 1, "seen": [1], "owners": [], "late": []}',
     '{"at": NaN, "seen": [], "owners": [], "late": []}', "[" * 60000, "x" * 70000],
)  # fmt: skip
def test_record_that_says_nothing_ends_no_login(store, home, vault, text):
    """Whatever stands there; the next logout that needs it writes its own."""
    (home.path / "auth.json.logout.json").write_text(text)
    vault.value, vault.written_at = STORED_KEY, now()
    assert looked(store).credential == KEY
    log_out_in_vain(store, vault)

    assert looked(restarted(store, home, vault)).credential is None


def test_folder_that_takes_no_record_leaves_the_logout_to_this_window(store, home, vault, caplog):
    """It says so in the log."""
    store_login(store, KEY)
    (home.path / "auth.json.logout.json").mkdir()
    log_out_in_vain(store, vault)

    assert "Only this window knows of the logout" in caplog.text
    assert looked(store).credential is None
    assert store.settle() == Removed(KEY, ("keyring",))
