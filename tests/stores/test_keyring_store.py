"""The store mode `keyring`: in the keyring or nowhere, whatever mood the keyring is in."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import (
    LockTimedOut,
    StoreCorrupt,
    StoreLocked,
    StoreReadOnly,
    StoreUnavailable,
    StoreWriteFailed,
)
from codex_auth_lsp.stores import base, file, keyring_calls
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.base import Remaining
from codex_auth_lsp.stores.document import refreshed_document
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.keyring_store import KeyringStore
from codex_auth_lsp.stores.vault import VaultLocked, VaultRefused
from e2e.shapes import api_key_login, codex_bytes
from stores.fake_vaults import (
    ABSENT,
    LOCKED,
    PATIENCE,
    SHORT,
    STORED_KEY,
    FakeVault,
    looked,
)
from stores.store_contract import KEY, LOGIN, OTHER_KEY, StoreContract, store_login
from stores.test_lock import other_process_holds

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.secret import Secret


@pytest.fixture
def store(home: CodexHome, entry: KeyringEntry) -> KeyringStore:
    return KeyringStore(home, entry)


class TestKeyringStore(StoreContract):
    """It keeps the promises of every store."""

    @pytest.fixture
    def store(self, store):
        asyncio.run(store.sync())
        return store


def test_nothing_is_said_before_the_first_look(store, vault):
    """A window that starts neither waits for the keyring nor calls anybody signed out."""
    vault.value = STORED_KEY
    snapshot = store.read()

    assert (snapshot.known, snapshot.document, snapshot.report.health) == (False, None, "locked")
    assert vault.calls == []
    assert (looked(store).known, store.read().credential) == (True, KEY)


def test_report_says_that_the_login_is_encrypted_in_the_keyring(store):
    """There is no path to show."""
    assert looked(store).report == StoreReport("keyring", "keyring", encrypted=True)
    assert store.read().source == CredentialSource("keyring")


def test_value_is_that_of_the_codex_cli_byte_for_byte(store, vault):
    """Compact, in its order of keys."""
    store_login(store, KEY)

    assert vault.value == STORED_KEY


def test_unknown_members_and_numbers_are_kept_as_they_were_written(store, vault):
    """What another version added survives."""
    vault.value = '{"OPENAI_API_KEY":"sk-0","x":{"n":[1.50,1e3,"ü"],"e":{}}}'
    store_login(store, KEY)

    assert vault.value == STORED_KEY[:-1] + ',"x":{"n":[1.50,1e3,"ü"],"e":{}}}'


def test_text_with_spaces_is_read_as_well(store, vault):
    """As the Codex CLI does."""
    vault.value = codex_bytes(api_key_login("sk-1")).decode()

    assert looked(store).credential == KEY


def test_change_by_another_program_is_seen_at_the_next_look(store, vault):
    """And not before: reading asks nobody."""
    assert looked(store).credential is None
    vault.value = STORED_KEY
    calls = list(vault.calls)

    assert store.read().credential is None
    assert vault.calls == calls
    assert looked(store).credential == KEY


def test_same_entry_is_parsed_once(store, vault):
    """Looking often costs little."""
    vault.value = STORED_KEY
    first = looked(store)

    assert looked(store).document is first.document


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("{", "line 1, column 2 is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"auth_mode":"x"}', "`auth_mode` is not one that Codex knows"),
        ("\udcff", "byte 0 is not UTF-8"),
        ("", "it is empty"),
    ],
)
def test_entry_that_is_no_login_is_reported_and_replaced_by_a_login_only(store, vault, value, why):
    """Nothing of it is repeated."""
    vault.value = value
    snapshot = looked(store)

    assert snapshot.report.health == "corrupt"
    assert snapshot.report.detail == f"The entry in the keyring is not a stored login: {why}."
    assert snapshot.document is None
    assert vault.value == value
    assert store_login(store, KEY).credential == store.read().credential == KEY


@pytest.mark.parametrize("mode", [KeyringStore, AutoStore])
def test_entry_far_too_large_for_a_login_is_unavailable_and_replaced_by_a_login_only(
    home, entry, vault, mode
):
    """(S7) As a file of that size; nothing of it is decoded, hashed or parsed."""
    store = mode(home, entry)
    vault.value = '{"OPENAI_API_KEY":"sk-1","x":"' + "x" * base.MAXIMUM_BYTES + '"}'
    report = looked(store).report

    assert (report.backend, report.health) == ("keyring", "unavailable")
    assert report.detail == "The entry in the keyring is far too large for a login."
    with pytest.raises(StoreUnavailable, match="far too large"):
        store.update(lambda old: pytest.fail(f"asked what to make of {old}"))
    assert store_login(store, KEY).credential == looked(store).credential == KEY


def test_entry_far_too_large_for_a_login_can_be_removed(store, vault):
    """A logout removes whatever is there."""
    vault.value = "x" * (base.MAXIMUM_BYTES + 1)
    assert looked(store).report == StoreReport(
        "keyring",
        "keyring",
        "unavailable",
        encrypted=True,
        detail="The entry in the keyring is far too large for a login.",
    )

    assert store.remove().stores == ("keyring",)
    assert looked(store).report.health == "ok"


def test_largest_entry_is_read(store, vault):
    """The limit is that of a file."""
    frame = '{"OPENAI_API_KEY":"sk-1","x":""}'
    vault.value = frame[:-2] + "x" * (base.MAXIMUM_BYTES - len(frame)) + frame[-2:]

    assert looked(store).credential == KEY


def test_entry_that_is_no_login_is_never_replaced_by_a_renewal(store, vault):
    """Nobody knows what it is; only a person who signs in or out has it replaced."""
    vault.value = "{"
    with pytest.raises(StoreCorrupt, match="is not JSON"):
        store.update(lambda old: pytest.fail(f"asked what to make of {old}"))

    assert vault.value == "{"


@pytest.mark.parametrize(
    ("trouble", "health", "backend", "encrypted"),
    [
        (LOCKED, "locked", "keyring", True),
        (ABSENT, "unavailable", "none", False),
        (VaultRefused("The keyring refused: error 5."), "unavailable", "none", False),
    ],
)
def test_keyring_that_cannot_be_read_is_told_with_its_reason(
    store, vault, trouble, health, backend, encrypted
):
    """A state, and no error; nobody is called signed out for it."""
    vault.trouble = trouble
    snapshot = looked(store)

    assert snapshot.report == StoreReport(
        "keyring", backend, health, encrypted=encrypted, detail=str(trouble)
    )
    assert (snapshot.known, snapshot.document) == (True, None)
    assert "unlock" not in vault.calls


def test_locked_entry_counts_as_unchanged_until_it_is_seen_again(store, vault):
    """Locking a screen is no login of another program."""
    store_login(store, KEY)
    before = store.read()
    vault.trouble = LOCKED
    locked = looked(store)
    vault.trouble = None

    assert before.version == locked.version == looked(store).version
    assert store.read().credential == KEY


@pytest.mark.usefixtures("impatient")
def test_silent_keyring_is_locked_as_far_as_one_can_tell(store, vault):
    """(S15) A look comes back in time."""
    store_login(store, KEY)
    vault.hang("get")
    snapshot = looked(store)

    assert snapshot.report.health == "locked"
    assert snapshot.report.detail == "The keyring does not answer."
    vault.let_go()


@pytest.mark.usefixtures("impatient")
def test_keyring_that_speaks_again_is_looked_at_again(store, entry, vault):
    """Whoever watches is told, although no signal came."""
    spoke = threading.Event()
    entry.on_change = spoke.set
    vault.hang("get")
    looked(store)
    assert not spoke.is_set()
    vault.let_go()

    assert spoke.wait(PATIENCE)
    assert looked(store).report.health == "ok"


async def test_one_look_answers_everybody_who_asked_before_it(store, vault):
    """Ten signals cost two looks: one was under way, and saw too little for the others."""
    vault.hang("get")
    looks = [asyncio.ensure_future(store.sync()) for _ in range(10)]
    await asyncio.to_thread(vault.reached.wait, PATIENCE)
    vault.value = STORED_KEY
    vault.let_go()
    await asyncio.gather(*looks)

    assert vault.calls == ["get", "get"]
    assert store.read().credential == KEY


@pytest.mark.usefixtures("impatient")
async def test_everybody_who_looks_is_back_in_time(store, vault):
    """Also who had to wait for another's look."""
    vault.hang("get")
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(store.sync() for _ in range(5)))

    assert store.read().report.health == "locked"
    vault.let_go()


async def test_look_that_began_before_a_write_does_not_undo_it(store, vault):
    """What is known never goes back in time."""
    vault.hang("get")
    look = asyncio.ensure_future(store.sync())
    await asyncio.to_thread(vault.reached.wait, PATIENCE)
    vault.hangs = set()
    await asyncio.to_thread(store_login, store, KEY)
    vault.let_go()
    await look

    assert store.read().credential == KEY


def test_keyring_is_asked_on_threads_that_can_be_abandoned(store, vault):
    """Never on the event loop, nor on a thread that the process waits for."""
    looked(store)
    store.check_writable()
    store_login(store, KEY)
    store.remove()

    assert vault.threads == {"keyring"}


def test_login_is_stored_after_the_person_unlocked_the_keyring(store, vault):
    """The question comes before anything is changed."""
    vault.trouble = LOCKED
    vault.prompts.append(None)
    store_login(store, KEY)

    assert vault.value == STORED_KEY
    assert vault.calls[:2] == ["is_open", "unlock"]


def test_nobody_waits_for_our_locks_while_a_person_is_asked(store, vault, home):
    """The Codex CLI gives up after five seconds."""
    vault.trouble = LOCKED
    vault.prompts.append(VaultLocked("Nobody answered."))
    with other_process_holds(home.path / "auth.lock"), pytest.raises(StoreLocked, match="Nobody"):
        store_login(store, KEY)

    assert vault.calls == ["is_open", "unlock"]


def test_renewal_asks_nobody(store, vault):
    """It fails where the keyring was locked meanwhile, and is tried again by its caller."""
    store_login(store, KEY)
    vault.trouble = LOCKED
    vault.calls.clear()
    with pytest.raises(StoreLocked):
        store.update(lambda old: old)

    assert vault.calls == ["get"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("use", ["check_writable", "store", "remove"])
def test_silent_keyring_is_not_taken_for_a_person_who_thinks(store, vault, monkeypatch, use):
    """A login and a logout end after the wait for a keyring, not after that for a person."""
    monkeypatch.setattr(keyring_calls, "PROMPT_SECONDS", 10 * PATIENCE)
    vault.hang("get", "is_open")
    uses = {
        "check_writable": store.check_writable,
        "store": lambda: store_login(store, KEY),
        "remove": store.remove,
    }
    with pytest.raises(StoreLocked, match="does not answer"):
        uses[use]()

    assert "unlock" not in vault.calls
    vault.let_go()


@pytest.mark.usefixtures("impatient")
def test_question_that_nobody_answers_ends_the_wait(store, vault):
    """A login fails in its time, and the store goes on."""
    vault.trouble = LOCKED
    vault.hang("unlock")
    with pytest.raises(StoreLocked, match="Nobody answered"):
        store.check_writable()
    with pytest.raises(StoreLocked, match="Nobody answered"):
        store_login(store, KEY)

    vault.let_go()


def test_ending_process_waits_for_no_answer(store, entry, vault):
    """`close` lets everybody go who waits for a person."""
    vault.trouble = LOCKED
    vault.hang("unlock")
    errors = []

    def log_in() -> None:
        try:
            store.check_writable()
        except StoreLocked as exc:
            errors.append(exc)

    thread = threading.Thread(target=log_in)
    thread.start()
    assert vault.reached.wait(PATIENCE)
    entry.close()
    thread.join(PATIENCE)

    assert len(errors) == 1
    vault.let_go()


def test_check_asks_nobody_where_it_may_not(store, vault):
    """A renewal in the background opens no dialog."""
    vault.trouble = LOCKED
    with pytest.raises(StoreLocked):
        store.reserve()

    assert "unlock" not in vault.calls
    vault.trouble = None
    store.reserve()


def test_check_finds_a_folder_in_which_no_lock_can_be_made(store, home, vault, monkeypatch):
    """Before a browser opens."""
    missing = CodexHome(home.path / "missing", "environment")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        KeyringStore(missing, KeyringEntry(missing, vault)).check_writable()

    def refuse(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(file.os, "open", refuse)
    with pytest.raises(StoreReadOnly):
        store.check_writable()
    assert vault.calls == []


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(LOCKED, StoreLocked), (ABSENT, StoreUnavailable), (VaultRefused("No."), StoreWriteFailed)],
)
@pytest.mark.parametrize("use", ["check", "update", "remove"])
def test_keyring_that_cannot_be_written_is_an_error_of_its_kind(store, vault, use, trouble, error):
    """No login goes to a place that nobody asked for."""
    vault.trouble = trouble
    uses = {
        "check": store.check_writable,
        "update": lambda: store_login(store, KEY),
        "remove": store.remove,
    }
    with pytest.raises(error) as caught:
        uses[use]()

    assert caught.value.message == str(trouble)


def test_no_file_is_ever_written_in_this_mode(store, vault, path):
    """(S16) There is no silent step down."""
    vault.trouble = ABSENT
    with pytest.raises(StoreUnavailable):
        store_login(store, KEY)

    assert not path.exists()


@pytest.mark.parametrize("old", [None, STORED_KEY])
def test_login_that_is_lost_by_the_keyring_is_an_error_and_the_old_one_stays(store, vault, old):
    """What was written is read back."""
    vault.value = old
    looked(store)
    vault.keeps = lambda value: old if value != old else value
    with pytest.raises(StoreWriteFailed, match="did not keep"):
        store_login(store, OTHER_KEY)

    assert vault.value == old
    assert store.read().credential == (KEY if old else None)


@pytest.mark.parametrize("kept", ['{"OPENAI_API_', None])
def test_keyring_that_keeps_half_of_a_login_gets_the_old_one_back(store, vault, kept):
    """A failed login leaves the old one as it was."""
    vault.value = STORED_KEY
    vault.keeps = lambda value: value if value == STORED_KEY else kept
    with pytest.raises(StoreWriteFailed, match="did not keep"):
        store_login(store, OTHER_KEY)

    assert vault.value == STORED_KEY


def test_half_a_login_in_an_empty_keyring_is_taken_away(store, vault):
    """Nothing is left that was not there."""
    vault.keeps = lambda value: value[:5]
    with pytest.raises(StoreWriteFailed):
        store_login(store, KEY)

    assert vault.value is None


def test_write_that_fails_halfway_gets_the_old_login_back(store, vault):
    """The keychain's class deletes before it adds."""
    vault.value = STORED_KEY
    vault.set_trouble = VaultRefused("The keychain refused: error -25299.")
    with pytest.raises(StoreWriteFailed, match="-25299"):
        store_login(store, OTHER_KEY)

    assert vault.value == STORED_KEY


def test_login_too_large_for_the_keyring_is_refused_with_remedies(store, vault, path):
    """Nothing is tried, nothing is changed."""
    vault.value = STORED_KEY
    vault.limit = 100
    with pytest.raises(StoreWriteFailed, match="too large") as caught:
        store_login(store, LOGIN)

    remedies = " ".join(remedy.title for remedy in caught.value.remediation)
    assert '"auto"' in remedies
    assert '"file"' in remedies
    assert (vault.value, path.exists()) == (STORED_KEY, False)
    assert "set" not in vault.calls


@pytest.mark.usefixtures("impatient")
def test_write_that_hangs_is_an_error_and_changes_nothing_later(store, entry, vault):
    """The locks are let go in time, and the late call ends before its next step."""
    vault.hang("set")
    with pytest.raises(StoreLocked, match="does not answer"):
        store_login(store, KEY)
    came_back = threading.Event()
    entry.on_change = came_back.set
    vault.let_go()

    assert came_back.wait(PATIENCE)
    assert vault.value is None


def test_calls_under_the_locks_leave_time_to_the_codex_cli():
    """(S12) It waits five seconds for them; a read, a write and a read fit in."""
    assert keyring_calls.LOCKED_CALL_SECONDS * 3 < base.LOCK_SECONDS


def test_lock_of_another_program_is_respected(store, vault, home, monkeypatch):
    """Nothing is read or written before it is ours."""
    monkeypatch.setattr(file, "LOCK_SECONDS", SHORT)
    with other_process_holds(home.path / "auth.lock"), pytest.raises(LockTimedOut):
        store_login(store, KEY)

    assert vault.calls == ["is_open"]


def test_save_removes_the_file(store, path):
    """As the Codex CLI does."""
    path.write_bytes(codex_bytes(api_key_login("sk-old")))
    store_login(store, KEY)

    assert not path.exists()


def test_save_counts_also_where_the_file_cannot_be_removed(store, path, vault, caplog):
    """The login is stored; that the file is still there is told."""
    path.mkdir()
    (path / "x").touch()
    store_login(store, KEY)

    assert vault.value == STORED_KEY
    assert str(path) in caplog.text
    assert "is not used" in (store.read().report.detail or "")


def test_unused_file_is_told_and_not_read(store, path):
    """A login from before the mode was changed lies open to view."""
    path.write_bytes(codex_bytes(api_key_login("sk-old")))
    snapshot = looked(store)

    assert (snapshot.report.health, snapshot.credential) == ("ok", None)
    assert str(path) in (snapshot.report.detail or "")


def test_logout_clears_entry_duplicates_and_file(store, vault, path):
    """Whatever rests anywhere is told, so that it can be revoked."""
    vault.value, vault.duplicates = STORED_KEY, ["a copy"]
    path.write_bytes(codex_bytes(api_key_login("sk-2")))
    removed = store.remove()

    assert (removed.credential, removed.others) == (KEY, (OTHER_KEY,))
    assert (removed.stores, removed.remaining) == (("keyring", "file"), ())
    assert (vault.value, vault.duplicates, path.exists()) == (None, [], False)


def test_same_login_in_both_places_is_told_once(store, vault, path):
    """It is revoked once."""
    vault.value = STORED_KEY
    path.write_bytes(codex_bytes(api_key_login("sk-1")))
    removed = store.remove()

    assert (removed.credential, removed.others) == (KEY, ())


@pytest.mark.parametrize(
    ("trouble", "kind"), [(LOCKED, "storeLocked"), (ABSENT, "storeUnavailable")]
)
def test_logout_removes_the_file_where_the_keyring_cannot_be_had(store, vault, path, trouble, kind):
    """And says what may remain."""
    vault.trouble = trouble
    path.write_bytes(codex_bytes(api_key_login("sk-1")))
    removed = store.remove()

    assert (removed.stores, removed.remaining) == (("file",), (Remaining("keyring", kind),))
    assert not path.exists()


def test_file_that_nobody_may_see_does_not_keep_the_keyring_from_being_cleared(
    store, vault, path, monkeypatch
):
    """It may hold a login, so it is told."""
    vault.value = STORED_KEY

    def refuse(_path: Path) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "exists", refuse)
    removed = store.remove()

    assert (removed.stores, removed.remaining) == (
        ("keyring",),
        (Remaining("file", "storeReadOnly"),),
    )
    assert looked(store).report.health == "ok"


def test_logout_removes_an_entry_that_is_no_login(store, vault):
    """An explicit logout removes whatever is there."""
    vault.value = "{"

    assert store.remove().stores == ("keyring",)
    assert vault.value is None


def test_logout_asks_where_the_keyring_does_not_delete_unasked(store, vault, home):
    """Nobody waits for our locks meanwhile."""
    vault.value, vault.delete_asks = STORED_KEY, True
    with pytest.raises(StoreLocked):
        store.remove()
    removed = store.remove_ended()

    assert (removed.credential, vault.value) == (KEY, None)
    assert vault.calls[-3:] == ["delete", "delete, asking", "get"]


def test_keyring_is_made_for_a_login_and_never_for_a_logout(store, vault):
    """Nobody chooses a password in order to sign out."""
    for use in (store.check_writable, lambda: store_login(store, KEY), store.remove_ended):
        vault.trouble = LOCKED
        vault.prompts.append(None)
        use()

    assert vault.unlocked_for_writing == [True, True, False]


def test_nobody_is_asked_where_the_keyring_is_open(store, vault):
    """A look tells, however many questions are still unanswered."""
    store.check_writable()
    store_login(store, KEY)
    store.remove()

    assert "unlock" not in vault.calls


@pytest.mark.usefixtures("impatient")
def test_unanswered_questions_do_not_matter_once_the_keyring_is_open(store, vault):
    """It was unlocked in another way, and the dialogs stand there still."""
    vault.trouble = LOCKED
    vault.hang("unlock")
    for _ in range(4):
        with pytest.raises(StoreLocked, match="Nobody answered"):
            store.check_writable()
    vault.trouble = None
    store_login(store, KEY)

    assert vault.value == STORED_KEY
    assert vault.calls.count("unlock") == 1
    assert store.remove().credential == KEY
    vault.let_go()


def test_logout_that_the_keyring_ignores_is_an_error(store, vault):
    """A login that is still there was not removed."""
    vault.value = STORED_KEY
    vault.ignores_deletes = True
    with pytest.raises(StoreWriteFailed, match="did not delete"):
        store.remove()


def test_logout_without_the_folder_is_an_error(tmp_path):
    """A named folder must be there, as for the Codex CLI."""
    home = CodexHome(tmp_path / "missing", "environment")
    with pytest.raises(StoreUnavailable, match="does not exist"):
        KeyringStore(home, KeyringEntry(home, FakeVault())).remove()
    assert not home.path.exists()


def test_missing_folder_is_told_whatever_the_keyring_says(tmp_path):
    """Without it there is no entry to look for."""
    home = CodexHome(tmp_path / "missing", "environment")
    store = KeyringStore(home, KeyringEntry(home, FakeVault(STORED_KEY)))

    assert looked(store).report.health == "unavailable"
    assert "does not exist" in (store.read().report.detail or "")


class TestEncryptedStore:
    """Codex keeps the login in a store of its own, beside which nothing is written."""

    @pytest.fixture
    def store(self, home, vault):
        encrypted = home.path / "secrets" / "codex_auth.age"
        encrypted.parent.mkdir()
        encrypted.write_bytes(b"age-encryption.org/v1\n")
        entry = KeyringEntry(home, vault, secret_auth_storage=True)
        return KeyringStore(home, entry)

    def test_it_is_told_and_the_entry_is_not_looked_at(self, store, vault, home):
        """The entry may be from before."""
        vault.value = STORED_KEY
        snapshot = looked(store)

        assert (snapshot.report.health, snapshot.credential) == ("unavailable", None)
        assert str(home.path / "secrets" / "codex_auth.age") in snapshot.report.detail
        assert vault.calls == []

    def test_nothing_is_written(self, store, vault):
        """Nor is anybody asked to unlock anything."""
        for use in (store.check_writable, lambda: store_login(store, KEY)):
            with pytest.raises(StoreUnavailable, match="encrypted store"):
                use()
        assert vault.calls == []

    def test_logout_clears_what_it_can_and_says_what_remains(self, store, vault, path):
        """An entry and a file from before the feature."""
        vault.value = STORED_KEY
        path.write_bytes(codex_bytes(api_key_login("sk-1")))
        removed = store.remove()

        assert removed.stores == ("keyring", "file")
        assert removed.remaining == (Remaining("keyring", "storeUnavailable"),)
        assert (vault.value, path.exists()) == (None, False)

    def test_logout_that_can_remove_nothing_is_an_error(self, store):
        """Somebody is still signed in there."""
        with pytest.raises(StoreUnavailable, match="encrypted store"):
            store.remove()

    def test_store_is_used_once_the_encrypted_one_is_empty(self, store, vault, home):
        """What it says holds for the moment."""
        (home.path / "secrets" / "codex_auth.age").unlink()
        store_login(store, KEY)

        assert json.loads(vault.value)["OPENAI_API_KEY"] == "sk-1"


@pytest.mark.parametrize("mode", [KeyringStore, AutoStore])
@pytest.mark.parametrize("left", [b'{"half": ', codex_bytes(api_key_login("sk-2")), b"a text"])
def test_renewal_leaves_a_file_that_is_not_its_own_login(home, vault, path, mode, left):
    """Nobody signed in, so nobody wanted it gone; behind a link it may be anything."""
    store = mode(home, KeyringEntry(home, vault))
    store_login(store, LOGIN)
    other = home.path / "other"
    other.write_bytes(left)
    path.symlink_to(other)
    store.update(lambda old: refreshed_document(old, LOGIN))

    assert (left, path.is_symlink()) == (other.read_bytes(), True)


@pytest.mark.parametrize("mode", [KeyringStore, AutoStore])
def test_renewal_removes_a_file_that_holds_the_same_login(home, vault, path, mode):
    """Its tokens are the spent ones."""
    store = mode(home, KeyringEntry(home, vault))
    path.write_bytes(store_login(store, LOGIN).render())
    path.chmod(0o600)
    store.update(lambda old: refreshed_document(old, LOGIN))

    assert not path.exists()


@pytest.mark.parametrize("mode", [KeyringStore, AutoStore])
def test_login_removes_whatever_file_there_is(home, vault, path, mode):
    """As the Codex CLI does."""
    path.write_bytes(b"{")
    store_login(mode(home, KeyringEntry(home, vault)), LOGIN)

    assert not path.exists()


def test_old_login_that_cannot_be_put_back_is_an_error_and_noted(store, vault, caplog):
    """The keyring takes the half of a new one, and then nothing any more."""
    vault.value = STORED_KEY
    genuine, writes = vault.set, []

    def refuse_the_second(value: Secret) -> None:
        writes.append(value)
        if len(writes) > 1:
            raise VaultRefused("The keyring refused: odd.")
        genuine(value)

    vault.set = refuse_the_second
    vault.keeps = lambda value: value[:5]
    with pytest.raises(StoreWriteFailed, match="did not keep"):
        store_login(store, OTHER_KEY)

    assert len(writes) == 2
    assert "may not be what it was: The keyring refused: odd." in caplog.text
    assert "sk-" not in caplog.text
