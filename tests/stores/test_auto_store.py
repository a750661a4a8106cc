"""The store mode `auto`: the keyring where it can be had, else the file, and which is told."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import (
    LockTimedOut,
    StoreCorrupt,
    StoreError,
    StoreLocked,
    StoreReadOnly,
    StoreUnavailable,
)
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores import file
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.base import Remaining
from codex_auth_lsp.stores.document import login_document, refreshed_document
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.vault import VaultRefused
from e2e.shapes import api_key_login, codex_bytes
from stores.fake_vaults import ABSENT, LOCKED, SHORT, STORED_KEY, FakeVault, looked
from stores.store_contract import KEY, LOGIN, OTHER_KEY, StoreContract, store_login
from stores.test_lock import is_locked, other_process_holds

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.document import Document

OTHER_KEY_FILE = codex_bytes(api_key_login("sk-2"))


@pytest.fixture
def store(home: CodexHome, entry: KeyringEntry) -> AutoStore:
    return AutoStore(home, entry)


class TestAutoStoreWithKeyring(StoreContract):
    """It keeps the promises of every store."""

    @pytest.fixture
    def store(self, store):
        asyncio.run(store.sync())
        return store


class TestAutoStoreWithoutKeyring(TestAutoStoreWithKeyring):
    """With a file too."""

    @pytest.fixture
    def vault(self):
        vault = FakeVault()
        vault.trouble = ABSENT
        return vault


def test_nothing_is_said_before_the_first_look(store, path):
    """The keyring's login would win over the file's."""
    path.write_bytes(OTHER_KEY_FILE)

    assert (store.read().known, store.read().document) == (False, None)
    assert store.read().report.mode == "auto"


def test_login_is_kept_in_the_keyring_where_there_is_one(store, vault, path):
    """Encrypted, and a file from before goes."""
    path.write_bytes(OTHER_KEY_FILE)
    store_login(store, KEY)

    assert (vault.value, path.exists()) == (STORED_KEY, False)
    assert store.read().report == StoreReport("auto", "keyring", encrypted=True)
    assert store.read().source == CredentialSource("keyring")


def test_keyrings_login_wins_over_the_files(store, vault, path):
    """As for the Codex CLI; that a file lies unused is told."""
    vault.value = STORED_KEY
    path.write_bytes(OTHER_KEY_FILE)
    snapshot = looked(store)

    assert snapshot.credential == KEY
    assert snapshot.report.detail == f"The login in {path} is not used: the keyring has one."


def test_files_login_is_used_where_the_keyring_has_none_and_moves_there_when_written(
    store, vault, path
):
    """As by the Codex CLI."""
    path.write_bytes(OTHER_KEY_FILE)
    snapshot = looked(store)
    assert (snapshot.credential, snapshot.source.kind) == (OTHER_KEY, "file")
    given = []

    def merge(document):
        given.append(document.credential)
        return document

    store.update(merge)

    assert given == [OTHER_KEY]
    assert (store.read().credential, path.exists()) == (OTHER_KEY, False)
    assert store.read().source.kind == "keyring"


@pytest.mark.parametrize("trouble", [LOCKED, ABSENT, VaultRefused("No.")])
def test_login_is_kept_in_the_file_where_the_keyring_fails_and_that_is_told(
    store, vault, path, trouble
):
    """Unencrypted is never silent."""
    vault.trouble = trouble
    store_login(store, KEY)
    report = looked(store).report

    assert codex_bytes(api_key_login("sk-1")) == path.read_bytes()
    assert (report.mode, report.backend, report.encrypted) == ("auto", "file", False)
    assert report.detail == f"{trouble} Logins are kept in {path}, unencrypted."
    assert store.read().credential == KEY


@pytest.mark.usefixtures("impatient")
def test_silent_keyring_keeps_nobody_from_signing_in(store, vault, path):
    """The file serves, and nothing waits long."""
    vault.hang("get", "is_open")
    store.check_writable()
    store_login(store, KEY)

    assert looked(store).credential == KEY
    assert path.exists()
    vault.let_go()


@pytest.mark.parametrize("fails", ["loses", "refuses"])
def test_keyring_that_fails_while_it_is_written_leaves_the_login_to_the_file(
    store, vault, path, fails
):
    """And no older login in the keyring, where it would win."""
    vault.value = '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-0"}'
    if fails == "loses":
        vault.keeps = lambda value: value if "sk-0" in value else None
    else:
        vault.set_trouble = VaultRefused("No.")
    store_login(store, KEY)

    assert vault.value is None
    assert codex_bytes(api_key_login("sk-1")) == path.read_bytes()
    assert looked(store).credential == KEY


def test_login_too_large_for_the_keyring_goes_to_the_file_and_that_is_told(store, vault, path):
    """Any other window says the same of it."""
    vault.value, vault.limit = STORED_KEY, 200
    store_login(store, LOGIN)
    report = looked(store).report

    assert (vault.value, store.read().credential) == (None, LOGIN)
    assert (report.backend, report.health) == ("file", "ok")
    assert report.detail == (
        f"The login is too large for the system's keyring. Logins are kept in {path}, unencrypted."
    )


def test_locked_keyring_without_a_login_in_the_file_is_not_signed_out(store, vault):
    """The login may be in it."""
    vault.trouble = LOCKED

    assert looked(store).report == StoreReport(
        "auto", "keyring", "locked", encrypted=True, detail=str(LOCKED)
    )


def test_locked_keyring_gives_way_to_a_login_in_the_file(store, vault, path):
    """As for the Codex CLI."""
    vault.trouble = LOCKED
    path.write_bytes(OTHER_KEY_FILE)

    assert looked(store).credential == OTHER_KEY


def test_absent_keyring_and_no_file_is_signed_out(store, vault, path):
    """A machine without a desktop is no trouble; where a login would go is told."""
    vault.trouble = ABSENT
    report = looked(store).report

    assert (report.backend, report.health) == ("file", "ok")
    assert str(path) in (report.detail or "")


def test_entry_that_is_no_login_gives_way_to_the_file_and_is_told_without_one(store, vault, path):
    """As for the Codex CLI, except that signed out it is not."""
    vault.value = "{"
    assert looked(store).report.health == "corrupt"
    path.write_bytes(OTHER_KEY_FILE)
    assert looked(store).credential == OTHER_KEY


def test_what_cannot_be_read_is_never_replaced_by_a_renewal(store, vault, path):
    """Neither an entry, nor a locked one, nor a file."""

    def merge(old):
        pytest.fail(f"asked what to make of {old}")

    vault.value = "{"
    with pytest.raises(StoreCorrupt):
        store.update(merge)
    vault.value = None
    path.write_bytes(b"junk")
    with pytest.raises(StoreCorrupt):
        store.update(merge)
    path.unlink()
    vault.trouble = LOCKED
    with pytest.raises(StoreLocked):
        store.update(merge)


@pytest.mark.parametrize("trouble", [LOCKED, ABSENT, VaultRefused("No.")])
def test_login_in_a_keyring_that_is_gone_is_not_taken_for_signed_out(store, vault, trouble):
    """A renewal that finds nothing would be given up, and the spent tokens would stay in there."""
    vault.value = STORED_KEY
    assert looked(store).credential == KEY
    vault.trouble = trouble
    with pytest.raises(StoreError):
        store.update(lambda old: pytest.fail(f"asked what to make of {old}"))
    vault.trouble = None

    assert looked(store).credential == KEY


@pytest.mark.usefixtures("impatient")
def test_silent_keyring_is_not_taken_for_signed_out(store, vault):
    """Nobody can say what it holds."""
    vault.value = STORED_KEY
    vault.hang("get")
    with pytest.raises(StoreLocked):
        store.update(lambda old: pytest.fail(f"asked what to make of {old}"))
    vault.let_go()

    assert looked(store).credential == KEY


def test_login_that_was_in_the_file_and_is_gone_from_it_was_ended(store, vault, path):
    """No keyring has to be looked at for that, so a machine without one knows it too."""
    vault.trouble = ABSENT
    path.write_bytes(OTHER_KEY_FILE)
    looked(store)
    pinned = store.pinned()
    path.unlink()
    given = []
    pinned.update(given.append)

    assert given == [None]


def test_renewal_of_a_login_in_the_file_needs_no_keyring(store, vault, path):
    """It is there, whatever the keyring may hold."""
    vault.trouble = ABSENT
    path.write_bytes(OTHER_KEY_FILE)
    stored = store.update(lambda old: login_document(KEY, old))

    assert (stored.credential, looked(store).credential) == (KEY, KEY)


def test_file_that_is_no_login_is_told(store, path):
    """Whatever the keyring says."""
    path.write_bytes(b"junk")
    report = looked(store).report

    assert (report.mode, report.backend, report.health) == ("auto", "file", "corrupt")


def test_person_is_asked_before_a_login_and_never_for_a_write(store, vault):
    """A renewal in the background opens no dialog."""
    vault.trouble = LOCKED
    store.reserve()
    store_login(store, KEY)
    assert "unlock" not in vault.calls
    vault.prompts.append(None)
    store.check_writable()
    store_login(store, KEY)

    assert vault.calls.count("unlock") == 1
    assert vault.value == STORED_KEY


def test_dismissed_question_is_no_error_here(store, vault, caplog):
    """There is the file."""
    caplog.set_level(logging.INFO)
    vault.trouble = LOCKED
    store.check_writable()

    assert "kept in a file" in caplog.text


def test_folder_that_cannot_be_written_is_told_before_a_login(store, monkeypatch):
    """The locks are there, whoever keeps the login."""

    def refuse(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(file.os, "open", refuse)
    with pytest.raises(StoreReadOnly):
        store.check_writable()


def test_merge_runs_under_the_locks_of_the_codex_cli(store, home):
    """So nobody changes what it was given."""
    held = []
    store.update(lambda _: held.append(is_locked(home.path / "auth.lock")))

    assert held == [True]


def test_lock_of_another_program_is_respected(store, vault, home, monkeypatch):
    """Nothing is read or written before it is ours."""
    monkeypatch.setattr(file, "LOCK_SECONDS", SHORT)
    with other_process_holds(home.path / "auth.lock"), pytest.raises(LockTimedOut):
        store_login(store, KEY)

    assert vault.calls == []


def test_logout_clears_both_places(store, vault, path):
    """(P23) Both logins are told, so that both can be revoked."""
    vault.value = STORED_KEY
    path.write_bytes(OTHER_KEY_FILE)
    removed = store.remove()

    assert (removed.credential, removed.others) == (KEY, (OTHER_KEY,))
    assert (removed.stores, removed.remaining) == (("keyring", "file"), ())
    assert (vault.value, path.exists()) == (None, False)


@pytest.mark.parametrize(
    ("trouble", "remaining"),
    [(LOCKED, (Remaining("keyring", "storeLocked"),)), (ABSENT, ())],
    ids=["locked", "absent"],
)
def test_logout_completes_where_the_keyring_cannot_be_had(store, vault, path, trouble, remaining):
    """The Codex CLI fails there and leaves the file."""
    vault.trouble = trouble
    path.write_bytes(OTHER_KEY_FILE)
    removed = store.remove()

    assert (removed.credential, removed.stores) == (OTHER_KEY, ("file",))
    assert removed.remaining == remaining
    assert not path.exists()


@pytest.mark.usefixtures("impatient")
def test_logout_completes_where_the_keyring_hangs(store, vault, path):
    """Nobody waits for ever, and the file is gone first."""
    vault.hang("get")
    path.write_bytes(OTHER_KEY_FILE)
    removed = store.remove()

    assert (removed.stores, removed.remaining) == (
        ("file",),
        (Remaining("keyring", "storeLocked"),),
    )
    vault.let_go()


def test_logout_of_nobody_is_a_success_where_there_is_no_keyring(store, vault):
    """And there is nothing to tell of, unless a login was seen in one that is gone now."""
    vault.trouble = ABSENT
    assert store.remove() is None
    vault.trouble, vault.value = None, STORED_KEY
    assert looked(store).credential == KEY
    vault.trouble = ABSENT
    removed = store.remove()

    assert (removed.credential, removed.stores) == (None, ())
    assert removed.remaining == (Remaining("keyring", "storeUnavailable"),)


def test_logout_that_reaches_nothing_is_an_error_where_the_keyring_is_locked(store, vault):
    """The login is most likely in it."""
    vault.trouble = LOCKED
    with pytest.raises(StoreLocked):
        store.remove()


def test_codex_encrypted_store_is_told_and_nothing_is_written_beside_it(home, vault, path):
    """Nor is it stepped down to a file, which Codex would not read."""
    encrypted = home.path / "secrets" / "codex_auth.age"
    encrypted.parent.mkdir()
    encrypted.write_bytes(b"age-encryption.org/v1\n")
    store = AutoStore(home, KeyringEntry(home, vault, secret_auth_storage=True))
    path.write_bytes(OTHER_KEY_FILE)
    snapshot = looked(store)

    assert (snapshot.report.mode, snapshot.report.health) == ("auto", "unavailable")
    assert snapshot.credential is None
    for use in (store.check_writable, lambda: store_login(store, KEY)):
        with pytest.raises(StoreUnavailable, match="encrypted store"):
            use()
    assert path.read_bytes() == OTHER_KEY_FILE
    assert store.remove().remaining == (Remaining("keyring", "storeUnavailable"),)
    with pytest.raises(StoreUnavailable, match="encrypted store"):
        store.remove()


# What the person hears of a login in a file


@pytest.mark.parametrize(
    ("trouble", "limit", "expected"),
    [
        (LOCKED, 10**6, ["locked"]),
        (ABSENT, 10**6, ["unavailable"]),
        (None, 10, ["tooLarge"]),
        (None, 10**6, []),
    ],
    ids=["locked", "absent", "too large", "an empty keyring"],
)
def test_login_that_had_to_go_to_the_file_is_a_notice(store, vault, path, trouble, limit, expected):
    """Each reason is a cause; a login that the next save moves to the keyring is none."""
    path.write_bytes(OTHER_KEY_FILE)
    path.chmod(0o600)
    vault.trouble, vault.limit = trouble, limit
    report = looked(store).report

    assert [notice.cause for notice in report.notices] == expected
    assert [notice.message for notice in report.notices] == [report.detail] * len(expected)


@pytest.mark.parametrize("content", [None, b"no login"], ids=["no file", "no login"])
def test_without_a_login_in_the_file_there_is_no_notice(store, vault, path, content):
    """The status says where a login would go, and that is enough."""
    if content is not None:
        path.write_bytes(content)
    vault.trouble = ABSENT

    assert looked(store).report.notices == ()


def test_file_that_others_may_read_is_told_beside_the_fallback(store, vault, path):
    """One notice hides no other; the permissions are no part of the status."""
    path.write_bytes(OTHER_KEY_FILE)
    path.chmod(0o644)
    vault.trouble = ABSENT
    report = looked(store).report

    assert [notice.code for notice in report.notices] == ["plaintextFallback", "storePermissions"]
    assert report.detail == report.notices[0].message


def test_room_that_was_taken_and_not_used_is_given_back(store, vault, home):
    """A renewal that fails leaves nothing in the folder."""
    looked(store)
    place = store.pinned()
    place.reserve()
    taken = [path.name for path in home.path.iterdir() if path.stat().st_size > 0]
    place.release()
    place.release()

    assert len(taken) == 1
    assert [path.name for path in home.path.iterdir() if path.stat().st_size > 0] == []


@pytest.mark.parametrize("keyring", [None, LOCKED])
def test_last_try_of_a_renewal_goes_where_the_login_was(store, vault, path, keyring):
    """It was in the file: there is nothing to write over in the keyring."""
    vault.trouble = LOCKED
    store_login(store, LOGIN)
    looked(store)
    place = store.pinned()
    vault.trouble = keyring
    stored = place.update(lambda old: renewed(old), at_last=True)

    assert stored is not None
    where = path.read_text() if keyring is LOCKED else vault.value
    assert "at-2" in (where or "")


def renewed(old: Document | None) -> Document:
    """Return a login's document with what its renewal brought."""
    return refreshed_document(old, replace(LOGIN, access_token=Secret("at-2")))
