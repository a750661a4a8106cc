"""`auth.json` as a container gets it, mounted by itself: it is written in place, and never half."""

from __future__ import annotations

import errno
import json
import os
import re
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.errors import StoreReadOnly, StoreWriteFailed
from codex_auth_lsp.stores import mounted_file
from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.mounted_file import is_mounted, overwrite
from codex_auth_lsp.stores.replacement import Replacement
from e2e.shapes import api_key_login, codex_bytes
from stores.store_contract import KEY, LOGIN, OTHER_KEY, StoreContract, store_login
from stores.test_system_calls import write
from support.bind_mount import mounted
from support.small_disk import fill, small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD = codex_bytes(api_key_login("sk-1"))
LOCKS = {"auth.lock", "auth.json.lock"}


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
def store(folder: Path) -> FileStore:
    return FileStore(CodexHome(folder, "option"))


@pytest.mark.usefixtures("mount")
class TestMountedStore(StoreContract):
    """It keeps the promises of every store."""

    @pytest.fixture
    def store(self, folder, shared, mount):
        shared.write_bytes(b"")
        return FileStore(CodexHome(folder, "option"))


@pytest.mark.usefixtures("mount")
@pytest.mark.parametrize("credential", [OTHER_KEY, LOGIN], ids=["as long", "longer"])
def test_login_reaches_the_other_side_of_the_mount(store, folder, shared, credential):
    """Longer and shorter ones, in the same file, with nothing left beside it."""
    inode = shared.stat().st_ino
    store.check_writable()
    store_login(store, credential)
    assert FileStore(CodexHome(shared.parent, "option"), shared).read().credential == credential

    store_login(store, KEY)
    assert (shared.read_bytes(), shared.stat().st_ino) == (OLD, inode)
    assert {entry.name for entry in folder.iterdir()} == {"auth.json", *LOCKS}
    assert [entry.name for entry in shared.parent.iterdir()] == ["shared.json"]


@pytest.mark.usefixtures("mount")
def test_logout_empties_what_it_cannot_remove(store, folder, shared):
    """An empty file there is nothing stored, and no broken login; the next login goes into it."""
    assert store.remove() == Removed(KEY, ("file",))
    assert (shared.read_bytes(), store.exists(), store.remove()) == (b"", False, None)
    snapshot = store.read()
    assert (snapshot.report.health, snapshot.document, snapshot.version) == ("ok", None, "")

    store_login(store, OTHER_KEY)
    assert store.read().credential == OTHER_KEY


def test_file_that_is_mounted_read_only_is_told_before_anything_is_tried(store, folder, shared):
    """(S10) The folder around it can be written, which helps nobody."""
    with mounted(shared, folder / "auth.json", read_only=True):
        assert store.read().report.health == "readOnly"
        assert store.read().credential == KEY
        for use in (store.reserve, store.check_writable, lambda: store_login(store, OTHER_KEY)):
            with pytest.raises(StoreReadOnly):
                use()

    assert shared.read_bytes() == OLD


def test_full_disk_on_the_other_side_is_found_out_before_there_is_anything_to_write(
    store, folder, shared
):
    """(S9) That may be another file system than the folder's."""
    with ExitStack() as stack:
        stack.enter_context(small_disk(shared.parent))
        shared.write_bytes(OLD)
        stack.enter_context(mounted(shared, folder / "auth.json"))
        store.check_writable()
        fill(shared.parent, leave_pages=1)
        with pytest.raises(StoreWriteFailed):
            store.reserve()

        assert shared.read_bytes() == OLD


@pytest.mark.usefixtures("mount")
def test_write_that_a_power_loss_broke_off_is_taken_from_its_journal(store, folder, shared):
    """Only the file that is mounted has one; the next write mends the file."""
    journal = _left_by_a_killed_process(folder / "auth.json", codex_bytes(api_key_login("sk-2")))
    shared.write_bytes(OLD[:20])
    assert store.read().credential == OTHER_KEY
    assert journal.exists()

    assert store.update(lambda old: old).credential == OTHER_KEY
    assert shared.read_bytes() == codex_bytes(api_key_login("sk-2"))
    assert not journal.exists()


@pytest.mark.usefixtures("mount")
@pytest.mark.parametrize("content", [OLD, b"junk"], ids=["a whole login", "a journal of junk"])
def test_journal_counts_only_where_it_is_whole_and_the_file_is_not(store, folder, shared, content):
    """What stands in the file goes before it."""
    journal = b"half a login" if content == b"junk" else codex_bytes(api_key_login("sk-2"))
    _left_by_a_killed_process(folder / "auth.json", journal)
    shared.write_bytes(content)
    snapshot = store.read()

    assert snapshot.credential == (KEY if content == OLD else None)
    assert snapshot.report.health == ("ok" if content == OLD else "corrupt")


def _left_by_a_killed_process(path: Path, content: bytes) -> Path:
    replacement = Replacement(path, 1)
    (journal,) = path.parent.glob(".auth-????????????????")
    replacement.drop()
    journal.write_bytes(content)
    return journal


WRITES = "fallocate|pwrite64|write|ftruncate|fsync|rename"


@pytest.mark.part("strace")
@pytest.mark.usefixtures("mount")
def test_login_is_written_in_place_in_an_order_that_survives_a_kill(folder, shared):
    """(S5) First the journal is on the disk, then each step, and the journal goes last."""
    problem, calls = write(folder)
    steps = [
        (found[1], "journal" if ".auth-" in call else "file")
        for call in calls
        if (found := re.search(rf"\b({WRITES})\(", call))
    ]
    assert (problem, shared.read_bytes()) == ("", codex_bytes(api_key_login("sk-new")))
    assert steps == [
        ("fallocate", "journal"),
        ("write", "journal"),
        ("ftruncate", "journal"),
        ("fsync", "journal"),
        ("rename", "journal"),
        ("fsync", "file"),  # of the folder
        ("write", "file"),
        ("fsync", "file"),
        ("write", "file"),
        ("fsync", "file"),
        ("ftruncate", "file"),
        ("fsync", "file"),
        ("fsync", "file"),
    ]


@pytest.mark.part("strace")
@pytest.mark.usefixtures("mount")
@pytest.mark.parametrize(
    ("call", "when"),
    [("write", 2), ("write", 3), ("fsync", 2), ("fsync", 3), ("fsync", 4), ("ftruncate", 2)],
)
@pytest.mark.parametrize("old", ["sk-a-longer-one-than-the-next", "sk"])
def test_process_that_is_killed_while_it_writes_in_place_leaves_a_whole_login(
    folder, shared, call, when, old
):
    """(S5) As JSON, that is: there may be white space behind it; and the next write goes on."""
    shared.write_bytes(codex_bytes(api_key_login(old)))
    write(folder, f"{call}:signal=SIGKILL:when={when}")
    content = shared.read_bytes()
    assert json.loads(content)["OPENAI_API_KEY"] in {old, "sk-new"}

    assert write(folder)[0] == ""
    assert shared.read_bytes() == codex_bytes(api_key_login("sk-new"))
    assert {entry.name for entry in folder.iterdir()} == {"auth.json", *LOCKS}


@pytest.mark.parametrize(
    ("call", "when"), [("fsync", 1), ("fsync", 2), ("fsync", 3), ("ftruncate", 1), ("read", 2)]
)
@pytest.mark.parametrize("new", [b'{"much": "longer than what was there"}', b"{}"])
def test_old_content_is_put_back_where_a_call_fails(tmp_path, monkeypatch, call, when, new):
    """(S9) Whichever it is; only what has succeeded as a whole stays."""
    path = tmp_path / "auth.json"
    path.write_bytes(b'{"old": "content"}')
    genuine, calls = getattr(os, call), 0

    def fail_once(*arguments: int) -> bytes | None:
        nonlocal calls
        calls += 1
        if calls == when:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return genuine(*arguments)

    monkeypatch.setattr(mounted_file.os, call, fail_once)
    with pytest.raises(OSError, match="Input/output error"):
        overwrite(path, new)

    assert path.read_bytes() == b'{"old": "content"}'


def test_file_is_mounted_only_where_the_system_says_so(folder, shared):
    """Names with spaces are escaped there; a folder above that is mounted does not count."""
    path = folder / "auth.json"
    path.write_bytes(OLD)
    assert not is_mounted(path)
    with mounted(shared, path):
        assert is_mounted(path)
        assert not is_mounted(folder / "auth")
    with small_disk(folder):
        path.write_bytes(OLD)
        assert not is_mounted(path)
