"""A logout finds what an earlier store mode has left."""

from __future__ import annotations

import asyncio

import pytest

from codex_auth_lsp.errors import StoreLocked, StoreReadOnly
from codex_auth_lsp.stores import keyring_calls, system
from codex_auth_lsp.stores.base import Remaining, Removed
from codex_auth_lsp.stores.elsewhere import remove_everywhere
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.select import Stores
from codex_auth_lsp.stores.vault import VaultRefused
from stores.fake_vaults import ABSENT, LOCKED, STORED_KEY, FakeVault, looked
from stores.store_contract import KEY, LOGIN, OTHER_KEY, store_login


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    vault = FakeVault()
    monkeypatch.setattr(system, "system_vault", lambda _: vault)
    return vault


@pytest.fixture
def stores(home, vault):
    return Stores(home)


def test_logout_in_mode_file_clears_keyring_and_memory(stores, vault):
    """All three logins are told, so that they can be revoked."""
    file = stores.choose("file")
    store_login(file, LOGIN)
    store_login(stores.memory, OTHER_KEY)
    vault.value = STORED_KEY

    removed = remove_everywhere(file, stores)

    assert removed is not None
    assert (removed.credential, removed.others) == (LOGIN, (OTHER_KEY, KEY))
    assert (removed.stores, removed.remaining) == (("file", "memory", "keyring"), ())
    assert (vault.value, stores.memory.read().document, file.exists()) == (None, None, False)


def test_logout_in_mode_ephemeral_clears_file_and_keyring(stores, vault, path):
    """Every store is tried."""
    store_login(stores.choose("file"), LOGIN)
    store_login(stores.memory, OTHER_KEY)
    vault.value = STORED_KEY

    removed = remove_everywhere(stores.memory, stores)

    assert removed is not None
    assert (removed.credential, removed.others) == (LOGIN, (OTHER_KEY, KEY))
    assert removed.stores == ("file", "memory", "keyring")
    assert (vault.value, path.exists()) == (None, False)
    assert remove_everywhere(stores.memory, stores) is None


@pytest.mark.parametrize("trouble", [LOCKED, ABSENT, AttributeError("odd")])
def test_keyring_that_cannot_be_looked_at_is_not_told(stores, vault, trouble):
    """It was not asked for, and nobody is asked to unlock it."""
    vault.trouble = trouble
    file = stores.choose("file")
    store_login(file, KEY)

    removed = remove_everywhere(file, stores)

    assert removed is not None
    assert (removed.stores, removed.remaining) == (("file",), ())
    assert remove_everywhere(file, stores) is None
    assert set(vault.calls) <= {"get", "is_there"}
    assert stores.leftover is None


@pytest.mark.parametrize("knows", ["the keyring", "this process"])
def test_locked_keyring_that_is_known_to_hold_a_login_is_told_and_cleared_later(
    stores, vault, knows
):
    """(S15) It would come back with the old mode; nobody is asked for it."""
    vault.value, vault.written_at = STORED_KEY, 1.0
    if knows == "the keyring":
        vault.shows_locked_items = True
    else:
        looked(stores.choose("keyring"))
    vault.trouble = LOCKED
    file = stores.choose("file")

    removed = remove_everywhere(file, stores)

    assert removed is not None
    assert (removed.stores, removed.remaining) == ((), (Remaining("keyring", "storeLocked"),))
    assert "unlock" not in vault.calls
    vault.trouble = None
    leftover = stores.leftover
    assert leftover is not None
    asyncio.run(leftover.sync())
    assert leftover.settle() == Removed(KEY, ("keyring",))
    assert (vault.value, stores.leftover) == (None, None)


def test_logout_is_remembered_whatever_modes_come_and_go(stores, vault):
    """(S15) One entry for the life of the process."""
    keyring = stores.choose("keyring")
    store_login(keyring, KEY)
    vault.trouble = LOCKED
    with pytest.raises(StoreLocked):
        keyring.remove()
    stores.choose("file")
    vault.trouble = None
    store = stores.choose("auto")
    assert not store.read().known

    assert looked(store).credential is None
    assert store.settle() == Removed(KEY, ("keyring",))


def test_silent_keyring_holds_nobody_up(stores, vault, monkeypatch):
    """A logout goes on without it."""
    monkeypatch.setattr(keyring_calls, "LOCKED_CALL_SECONDS", 0.05)
    vault.hang("get", "is_there")

    assert remove_everywhere(stores.choose("file"), stores) is None
    vault.let_go()


def test_file_that_cannot_be_removed_remains_where_the_keyring_was_cleared(
    stores, vault, monkeypatch
):
    """And is an error where nothing was."""

    def refuse(_: FileStore) -> None:
        raise StoreReadOnly("no")

    monkeypatch.setattr(FileStore, "remove", refuse)
    vault.value = STORED_KEY
    removed = remove_everywhere(stores.choose("file"), stores)

    assert removed is not None
    assert (removed.stores, removed.remaining) == (
        ("keyring",),
        (Remaining("file", "storeReadOnly"),),
    )
    with pytest.raises(StoreReadOnly):
        remove_everywhere(stores.choose("file"), stores)


@pytest.mark.parametrize(
    ("trouble", "kind", "is_cleared_later"),
    [(LOCKED, "storeLocked", True), (VaultRefused("No."), "storeWriteFailed", False)],
)
def test_entry_that_could_be_read_and_not_deleted_remains(
    stores, vault, trouble, kind, is_cleared_later
):
    """It is told; one that is locked goes when it opens, one that was refused does not."""
    vault.value = STORED_KEY

    def refuse(**_: object) -> bool:
        raise trouble

    vault.delete = refuse
    removed = remove_everywhere(stores.choose("file"), stores)

    assert removed == Removed(None, (), remaining=(Remaining("keyring", kind),))
    assert (vault.value, stores.leftover is not None) == (STORED_KEY, is_cleared_later)


def test_entry_that_is_not_codex_s_place_is_left_alone(stores, vault, folder):
    """The Codex CLI keeps the login in its encrypted store, and looks at no entry."""
    vault.value = STORED_KEY
    (folder / "secrets").mkdir()
    (folder / "secrets" / "codex_auth.age").write_bytes(b"age-encryption.org/v1\n")
    file = stores.choose("file")
    store_login(file, LOGIN)
    removed = remove_everywhere(file, stores, secret_auth_storage=True)

    assert removed == Removed(LOGIN, ("file",))
    assert (vault.value, vault.calls) == (STORED_KEY, [])
