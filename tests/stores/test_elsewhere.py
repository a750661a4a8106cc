"""A logout finds what an earlier store mode has left."""

from __future__ import annotations

import pytest

from codex_auth_lsp.errors import StoreReadOnly
from codex_auth_lsp.stores import keyring_calls, system
from codex_auth_lsp.stores.base import Remaining
from codex_auth_lsp.stores.elsewhere import remove_everywhere
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.memory import MemoryStore
from stores.fake_vaults import ABSENT, LOCKED, STORED_KEY, FakeVault
from stores.store_contract import KEY, LOGIN, OTHER_KEY, store_login


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    vault = FakeVault()
    monkeypatch.setattr(system, "system_vault", lambda _: vault)
    return vault


def test_logout_in_mode_file_clears_keyring_and_memory(home, vault):
    """All three logins are told, so that they can be revoked."""
    file, memory = FileStore(home), MemoryStore()
    store_login(file, LOGIN)
    store_login(memory, OTHER_KEY)
    vault.value = STORED_KEY

    removed = remove_everywhere(file, memory, home)

    assert removed is not None
    assert (removed.credential, removed.others) == (LOGIN, (OTHER_KEY, KEY))
    assert (removed.stores, removed.remaining) == (("file", "memory", "keyring"), ())
    assert (vault.value, memory.read().document, file.exists()) == (None, None, False)


def test_logout_in_mode_ephemeral_clears_the_keyring(home, vault):
    """Also where nothing is in memory."""
    vault.value = STORED_KEY
    memory = MemoryStore()

    removed = remove_everywhere(memory, memory, home)

    assert removed is not None
    assert (removed.credential, removed.stores, vault.value) == (KEY, ("keyring",), None)


@pytest.mark.parametrize("trouble", [LOCKED, ABSENT, AttributeError("odd")])
def test_keyring_that_cannot_be_looked_at_is_not_told(home, vault, trouble):
    """It was not asked for, and nobody is asked to unlock it."""
    vault.trouble = trouble
    file = FileStore(home)
    store_login(file, KEY)

    removed = remove_everywhere(file, MemoryStore(), home)

    assert removed is not None
    assert (removed.stores, removed.remaining) == (("file",), ())
    assert remove_everywhere(file, MemoryStore(), home) is None
    assert set(vault.calls) == {"get"}


def test_silent_keyring_holds_nobody_up(home, vault, monkeypatch):
    """A logout goes on without it."""
    monkeypatch.setattr(keyring_calls, "LOCKED_CALL_SECONDS", 0.05)
    vault.hang("get")

    assert remove_everywhere(FileStore(home), MemoryStore(), home) is None
    vault.let_go()


def test_file_that_cannot_be_removed_remains_where_the_keyring_was_cleared(
    home, vault, monkeypatch
):
    """And is an error where nothing was."""

    def refuse(_: FileStore, **_options: bool) -> None:
        raise StoreReadOnly("no")

    monkeypatch.setattr(FileStore, "remove", refuse)
    vault.value = STORED_KEY
    removed = remove_everywhere(FileStore(home), MemoryStore(), home)

    assert removed is not None
    assert (removed.stores, removed.remaining) == (
        ("keyring",),
        (Remaining("file", "storeReadOnly"),),
    )
    with pytest.raises(StoreReadOnly):
        remove_everywhere(FileStore(home), MemoryStore(), home)
