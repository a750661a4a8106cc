"""`auth.json` as a container gets it, mounted by itself: it is read, and never written."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.errors import StoreReadOnly
from codex_auth_lsp.stores import mount_table
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.base import Remaining, Removed
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.keyring_store import KeyringStore
from codex_auth_lsp.stores.mounted_file import is_mounted
from e2e.shapes import api_key_login, codex_bytes
from stores.fake_vaults import FakeVault
from stores.store_contract import KEY, OTHER_KEY, store_login
from support.bind_mount import mounted
from support.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD = codex_bytes(api_key_login("sk-1"))
LOCKS = {"auth.lock", "auth.json.lock"}
STAYS = Removed(KEY, (), remaining=(Remaining("file", "storeReadOnly"),))


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """The file on the other side of the mount."""
    path = tmp_path / "host" / "shared.json"
    path.parent.mkdir()
    path.write_bytes(OLD)
    path.chmod(0o600)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "a folder"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def mount(shared: Path, folder: Path) -> Iterator[None]:
    with mounted(shared, folder / "auth.json"):
        yield


@pytest.fixture
def store(home: CodexHome) -> FileStore:
    return FileStore(home)


@pytest.mark.usefixtures("mount")
def test_login_is_read_and_the_report_says_what_helps(store, folder, shared):
    """Like any other, and what the other side puts into it as well."""
    snapshot = store.read()
    assert (snapshot.report.health, snapshot.credential) == ("readOnly", KEY)
    assert snapshot.report.detail == (
        f"{folder / 'auth.json'} is mounted by itself and cannot be replaced; "
        "mount its folder, not the file."
    )

    shared.write_bytes(codex_bytes(api_key_login("sk-2")))
    assert store.read().credential == OTHER_KEY


@pytest.mark.usefixtures("mount")
@pytest.mark.parametrize("content", [b"", b"half a"], ids=["empty", "junk"])
def test_what_is_no_login_is_no_logout_either(store, shared, content):
    """Somebody may just be writing it; that no sign-in helps is told with it."""
    shared.write_bytes(content)
    snapshot = store.read()

    assert (snapshot.report.health, snapshot.document) == ("corrupt", None)
    assert "is not a stored login" in snapshot.report.detail
    assert "mount its folder" in snapshot.report.detail


@pytest.mark.parametrize("read_only", [False, True], ids=["writable", "read-only"])
def test_it_is_told_before_anything_is_tried(store, folder, shared, read_only):
    """(S10) Whether the mount can be written or not; nothing is left beside it."""
    with mounted(shared, folder / "auth.json", read_only=read_only):
        for use in (store.reserve, store.check_writable, lambda: store_login(store, OTHER_KEY)):
            with pytest.raises(StoreReadOnly, match="mount its folder, not the file"):
                use()

        assert {entry.name for entry in folder.iterdir()} <= {"auth.json", *LOCKS}
    assert shared.read_bytes() == OLD


def test_file_that_is_mounted_in_the_middle_stays_as_it_is(store, folder, shared):
    """(S10) After the room was taken; when it is mounted no more, the next write comes through."""
    (folder / "auth.json").write_bytes(OLD)
    store.reserve()
    with mounted(folder / "auth.json", folder / "auth.json"):
        with pytest.raises(StoreReadOnly):
            store_login(store, OTHER_KEY)
        assert (folder / "auth.json").read_bytes() == OLD
    store_login(store, OTHER_KEY)

    assert (store.read().report.health, store.read().credential) == ("ok", OTHER_KEY)


@pytest.mark.usefixtures("mount")
def test_link_to_it_is_told_by_the_file_that_is_mounted(tmp_path, folder):
    """The link can be replaced, and its target cannot."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "auth.json").symlink_to(folder / "auth.json")
    store = FileStore(CodexHome(other, "option"))

    assert store.read().report.health == "readOnly"
    with pytest.raises(StoreReadOnly):
        store.reserve()


@pytest.mark.usefixtures("mount")
def test_logout_tells_that_it_remains_and_whose_tokens_these_are(store, shared):
    """So that they can be revoked."""
    assert store.remove() == STAYS
    assert shared.read_bytes() == OLD


@pytest.mark.usefixtures("mount")
@pytest.mark.parametrize("mode", [KeyringStore, AutoStore])
def test_logout_tells_so_in_every_mode(home, shared, mode):
    """With nothing in the keyring, and with a login there."""
    store = mode(home, KeyringEntry(home, FakeVault()))
    assert store.remove() == STAYS

    if mode is KeyringStore:  # the keyring takes the login whatever becomes of the file
        store.check_writable()
        store_login(store, OTHER_KEY)
        assert store.remove() == Removed(OTHER_KEY, ("keyring",), (KEY,), STAYS.remaining)
    assert shared.read_bytes() == OLD


def test_file_is_mounted_only_where_the_system_says_so(folder, shared):
    """Also on itself; a folder above that is mounted does not count."""
    path = folder / "auth.json"
    assert not is_mounted(path)
    path.write_bytes(OLD)
    assert not is_mounted(path)
    for source in (shared, path):
        with mounted(source, path):
            assert is_mounted(path)
        assert not is_mounted(path)
    with ExitStack() as stack:
        stack.enter_context(small_disk(folder))
        path.write_bytes(OLD)
        assert not is_mounted(path)


def test_table_of_mounts_that_cannot_be_opened_tells_nothing(tmp_path, monkeypatch):
    """As in a container without `/proc`: then it is looked each time."""
    monkeypatch.setattr(mount_table, "_PATH", str(tmp_path / "nothing"))
    table = mount_table.MountTable()
    found = [table.generation(), table.generation()]
    monkeypatch.setattr(sys, "platform", "darwin")

    assert found == [None, None]
    assert table.generation() == 0
