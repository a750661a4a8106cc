"""A file's next content: the room for it is there before it is, and nobody else takes that away."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.errors import StoreReadOnly, StoreWriteFailed
from codex_auth_lsp.stores import disk
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.replacement import Replacement, sweep
from e2e.shapes import api_key_login, codex_bytes
from stores.store_contract import KEY, OTHER_KEY, store_login
from support.small_disk import fill, small_disk

if TYPE_CHECKING:
    from pathlib import Path

AN_HOUR_AND_MORE = 4000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "codex"
    folder.mkdir(mode=0o700)
    return folder / "auth.json"


@pytest.fixture
def store(path: Path) -> FileStore:
    return FileStore(CodexHome(path.parent, "option"))


def temporaries(folder: Path) -> list[Path]:
    """Return the temporary files of ours."""
    return sorted(path for path in folder.iterdir() if path.name.startswith(".auth-"))


def grow_old(path: Path) -> None:
    """Let a file be of long ago."""
    status = path.stat()
    os.utime(path, (status.st_atime - AN_HOUR_AND_MORE, status.st_mtime - AN_HOUR_AND_MORE))


def test_room_is_taken_and_given_back(path):
    """It is private, as large as was asked for, and gone when nobody wants it."""
    replacement = Replacement(path, 10_000)
    (temporary,) = temporaries(path.parent)
    status = temporary.stat()
    replacement.drop()
    replacement.drop()

    assert (stat.S_IMODE(status.st_mode), status.st_size) == (0o600, 10_000)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 10_000])
def test_content_may_be_shorter_and_longer_than_the_room(path, size):
    """What is put in the place is the content and nothing else."""
    Replacement(path, size).put(b"content")

    assert path.read_bytes() == b"content"
    assert [entry.name for entry in path.parent.iterdir()] == ["auth.json"]


def test_room_is_taken_by_zeros_where_the_system_has_no_call_for_it(path, monkeypatch):
    """As by macOS, and by C libraries that leave it to the file system."""

    def refuse(*_arguments: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(disk.os, "posix_fallocate", refuse)
    replacement = Replacement(path, 5000)
    (temporary,) = temporaries(path.parent)

    assert temporary.read_bytes() == bytes(5000)
    replacement.put(b"content")
    assert path.read_bytes() == b"content"


def test_store_writes_into_the_room_that_it_took(store, path):
    """The next one finds its own; nothing is left in the end."""
    store_login(store, KEY)
    store.reserve()
    inode = temporaries(path.parent)[0].stat().st_ino
    store_login(store, OTHER_KEY)
    assert path.stat().st_ino == inode

    store_login(store, KEY)
    store.release()
    assert store.read().credential == KEY
    assert temporaries(path.parent) == []


@pytest.mark.parametrize("pages", [0, 1, 2])
def test_disk_with_hardly_any_room_is_found_out_before_there_is_anything_to_write(
    store, path, pages
):
    """(S9) An empty file fits everywhere and proves nothing."""
    with small_disk(path.parent):
        store_login(store, KEY)
        before = path.read_bytes()
        fill(path.parent, leave_pages=pages)
        for use in (store.reserve, store.check_writable):
            with pytest.raises(StoreWriteFailed):
                use()

        assert path.read_bytes() == before
        assert temporaries(path.parent) == []


def test_room_that_was_taken_is_there_when_the_disk_is_full(store, path):
    """(S9) Whoever fills it meanwhile."""
    with small_disk(path.parent):
        store_login(store, KEY)
        store.reserve()
        fill(path.parent, leave_pages=0)
        store_login(store, OTHER_KEY)

        assert store.read().credential == OTHER_KEY
        assert temporaries(path.parent) == []


def test_room_in_use_survives_the_sweep_of_another_window(store, path):
    """(S4) A login there does not cost the rotation that is on its way here."""
    store.reserve()
    store_login(FileStore(CodexHome(path.parent, "option")), KEY)
    assert len(temporaries(path.parent)) == 1

    store_login(store, OTHER_KEY)
    assert path.read_bytes() == codex_bytes(api_key_login("sk-2"))


def test_two_homes_whose_files_are_links_into_one_folder_do_not_sweep_each_other(tmp_path):
    """(S4) Their locks differ, so nothing keeps one from sweeping while the other writes."""
    shared = tmp_path / "dotfiles"
    shared.mkdir()
    stores = []
    for name in ("one", "two"):
        home = tmp_path / name
        home.mkdir()
        (home / "auth.json").symlink_to(shared / f"{name}.json")
        stores.append(FileStore(CodexHome(home, "option")))
    left = _killed(shared / "two.json")
    stores[0].reserve()
    writing = temporaries(shared)
    stores[1].reserve()
    store_login(stores[1], OTHER_KEY)
    assert set(writing) - {left} <= set(temporaries(shared))
    assert not left.exists()

    left = _killed(shared / "two.json")
    store_login(stores[0], KEY)
    assert temporaries(shared) == [left]
    assert [store.read().credential for store in stores] == [KEY, OTHER_KEY]


def _killed(path: Path) -> Path:
    """Leave what a killed process would have left of a write to `path`."""
    before = set(temporaries(path.parent))
    replacement = Replacement(path, 100)
    (temporary,) = set(temporaries(path.parent)) - before
    replacement.drop()
    temporary.write_bytes(b"half a login")
    return temporary


def test_old_ones_of_other_files_are_swept_at_last(path):
    """Nobody else may ever do it; one that is in use is not old, whatever its time."""
    left = _killed(path.with_name("other.json"))
    in_use = Replacement(path.with_name("third.json"), 100)
    (used,) = set(temporaries(path.parent)) - {left}
    sweep(path)
    assert set(temporaries(path.parent)) == {left, used}

    grow_old(left)
    grow_old(used)
    sweep(path)
    assert temporaries(path.parent) == [used]
    in_use.drop()


def test_home_in_which_no_lock_can_be_made_is_found_out_beforehand(tmp_path, monkeypatch):
    """The file may be a link into a folder that can be written, and the locks are in both."""
    home, shared = tmp_path / "codex", tmp_path / "dotfiles"
    home.mkdir()
    shared.mkdir()
    (home / "auth.json").symlink_to(shared / "codex.json")
    monkeypatch.setattr("codex_auth_lsp.stores.lock.os.access", lambda path, _: path != home)
    with pytest.raises(StoreReadOnly):
        FileStore(CodexHome(home, "option")).check_writable()


def test_replacement_is_good_for_one_write(path):
    """What it held is the file now, or gone; a second write would go nowhere."""
    replacement = Replacement(path, 5)
    replacement.put(b"first")

    with pytest.raises(ValueError, match="used up"):
        replacement.put(b"again")

    assert path.read_bytes() == b"first"
    assert temporaries(path.parent) == []
