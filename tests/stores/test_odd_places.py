"""File systems and machines that do less than usual: no locks, files that stay, no more threads."""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.errors import StoreUnavailable
from codex_auth_lsp.stores import lock, lock_holder, replacement
from codex_auth_lsp.stores.abandon import AbandonableCalls, Hanging
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.lock import Turnstile, held
from codex_auth_lsp.stores.mounted_file import is_mounted
from codex_auth_lsp.stores.permissions import permission_notices
from codex_auth_lsp.stores.replacement import Replacement, sweep


def no_locks(_descriptor: int) -> bool:
    """Be a file system without locks."""
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def left_behind(path: Path) -> Path:
    """Leave what a killed process would have left of a write to `path`."""
    before = set(path.parent.iterdir())
    replacement = Replacement(path, 100)
    (temporary,) = set(path.parent.iterdir()) - before
    replacement.drop()
    temporary.write_bytes(b"half a login")
    return temporary


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_file_that_cannot_be_removed_keeps_no_other_one(tmp_path, monkeypatch):
    """A sweep goes on to the next."""
    path = tmp_path / "auth.json"
    one, other = left_behind(path), left_behind(path)
    genuine = type(path).unlink

    def unlink(self: Path, *, missing_ok: bool = False) -> None:
        if self == one:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        genuine(self, missing_ok=missing_ok)

    monkeypatch.setattr(type(path), "unlink", unlink)
    sweep(path)

    assert (one.exists(), other.exists()) == (True, False)


def test_nothing_is_swept_where_nobody_knows_what_is_in_use(tmp_path, monkeypatch):
    """Without locks it may be another window's write of this moment."""
    path = tmp_path / "auth.json"
    left = left_behind(path)
    monkeypatch.setattr(replacement, "try_lock", no_locks)

    sweep(path)

    assert left.exists()


def test_folder_with_the_name_of_a_temporary_file_is_left_alone(tmp_path):
    """It is nobody's half login."""
    path = tmp_path / "auth.json"
    name = left_behind(path)
    name.unlink()
    name.mkdir()
    os.utime(name, (1.0, 1.0))

    sweep(path)

    assert name.is_dir()


def test_replacement_whose_file_cannot_be_removed_is_told_in_the_log(tmp_path, monkeypatch, caplog):
    """The old file stays, and nothing else fails for it."""
    caplog.set_level("INFO")
    path = tmp_path / "auth.json"
    room = Replacement(path, 5)

    def unlink(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(type(path), "unlink", unlink)
    room.drop()

    assert "is still there: Operation not permitted" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
def test_lock_that_fails_leaves_no_file_open(tmp_path, monkeypatch):
    """The error is told to who wanted to write, and descriptors do not run out by it."""
    monkeypatch.setattr(lock, "try_lock", no_locks)
    before = open_descriptors()

    for _ in range(3):
        with (
            pytest.raises(OSError, match="locks"),
            held((tmp_path / "a", tmp_path / "b"), seconds=1.0),
        ):
            pytest.fail("nothing is written without a lock")

    assert open_descriptors() == before


def test_turn_is_taken_by_its_file_where_the_folder_cannot_be_locked(tmp_path, monkeypatch):
    """As on some network file systems."""
    genuine = lock.try_lock

    def files_alone(descriptor: int) -> bool:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        return no_locks(descriptor) if is_folder else genuine(descriptor)

    monkeypatch.setattr(lock, "try_lock", files_alone)
    first, second = (Turnstile(lambda: tmp_path / "turn.lock") for _ in range(2))

    entered = [first.try_enter(), second.try_enter()]
    first.leave()

    assert (entered, second.try_enter()) == ([True, False], True)
    second.leave()


def test_turn_is_taken_by_its_file_where_the_folder_cannot_be_opened(tmp_path, monkeypatch):
    """One that may be entered and not be read."""
    genuine = os.open

    def files_alone(path: object, flags: int, *rest: int) -> int:
        if flags & os.O_DIRECTORY:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return genuine(path, flags, *rest)

    monkeypatch.setattr(os, "open", files_alone)
    first, second = (Turnstile(lambda: tmp_path / "turn.lock") for _ in range(2))

    entered = [first.try_enter(), second.try_enter()]
    first.leave()

    assert entered == [True, False]


def test_holder_whose_name_is_hidden_is_told_by_its_number(tmp_path, monkeypatch):
    """Some systems hide the processes of others."""
    monkeypatch.setattr(lock_holder, "_PROC", tmp_path)

    assert lock_holder._named(4711) == "process 4711"


def test_permissions_of_a_file_that_is_gone_say_nothing(tmp_path):
    """It was there a moment ago."""
    assert permission_notices(tmp_path / "auth.json") == ()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_no_file_is_mounted_where_the_system_does_not_tell(tmp_path, monkeypatch, platform):
    """It is found out by the write then."""
    monkeypatch.setattr("sys.platform", platform)
    (tmp_path / "auth.json").touch()

    assert not is_mounted(tmp_path / "auth.json")


async def test_call_for_which_there_is_no_thread_is_one_that_hangs(monkeypatch):
    """A process at its limit answers all the same."""

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(Hanging):
        await AbandonableCalls().call_async(lambda: None, 1.0)
    with pytest.raises(Hanging):
        AbandonableCalls().call(lambda: None, 1.0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux has /proc")
def test_folder_that_takes_no_files_is_told_as_that():
    """It is there, so nobody shall make it."""
    store = FileStore(CodexHome(Path("/proc/self"), "option"))

    with pytest.raises(StoreUnavailable, match=r"No file can be made in /proc/\d+; name another"):
        store.check_writable()
