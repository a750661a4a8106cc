"""What a save to the keyring does to `auth.json`: the name goes, and what it leads to stays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.document import login_document, refreshed_document
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.keyring_store import KeyringStore
from e2e.shapes import codex_bytes
from stores.fake_vaults import FakeVault
from stores.store_contract import KEY, LOGIN, store_login
from support.read_only import read_only

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> CodexHome:
    path = tmp_path / "codex"
    path.mkdir(mode=0o700)
    return CodexHome(path, "option")


@pytest.fixture
def path(home: CodexHome) -> Path:
    return home.path / "auth.json"


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


@pytest.mark.parametrize("mode", [KeyringStore, AutoStore])
@pytest.mark.parametrize("is_login", [True, False], ids=["login", "renewal"])
def test_save_removes_a_link_and_leaves_what_it_leads_to(home, vault, path, mode, is_login):
    """(S2) As the Codex CLI does: the file may be the login of another folder too."""
    other = home.path / "other"
    other.write_bytes(codex_bytes(login_document(LOGIN, None).members))
    before = other.read_bytes()
    path.symlink_to(other)
    store = mode(home, KeyringEntry(home, vault)).pinned()
    if is_login:
        store_login(store, LOGIN)
    else:
        vault.value = before.decode()
        store.update(lambda old: refreshed_document(old, LOGIN))

    assert (os.path.lexists(path), other.read_bytes()) == (False, before)


def test_link_that_leads_elsewhere_since_then_is_left_alone(home, vault, path):
    """A renewal is of the login that was read, and no other file is its leftover."""
    other = home.path / "other"
    other.write_bytes(codex_bytes(login_document(LOGIN, None).members))
    path.symlink_to(other)
    store = AutoStore(home, KeyringEntry(home, vault)).pinned()
    path.unlink()
    path.write_bytes(other.read_bytes())
    store.update(lambda old: refreshed_document(old, LOGIN))

    assert (path.exists(), other.exists()) == (True, True)


@pytest.mark.parametrize("mode", [KeyringStore, AutoStore])
def test_folder_without_room_for_locks_is_told_in_the_report(home, vault, mode):
    """(S10) A keyring alone is not enough: nothing is written without the locks."""
    store = mode(home, KeyringEntry(home, vault))
    store_login(store, KEY)
    with read_only(home.path):
        report = store.read().report

    assert (report.backend, report.health) == ("keyring", "readOnly")
    assert store.read().report.health == "ok"
