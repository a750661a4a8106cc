"""Locks between processes: real files, real holders."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.errors import LockTimedOut
from codex_auth_lsp.stores import lock, lock_holder
from codex_auth_lsp.stores.lock import Turnstile, held, is_held

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT = 0.2
"""Seconds of a wait that is meant to be in vain."""

PATIENCE = 10.0
"""Seconds that nothing here may take."""

_HOLD = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def other_process_holds(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the lock as the Codex CLI does, until the block or it ends."""
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def is_locked(path: Path) -> bool:
    """Say whether anybody holds the lock, looked at through a descriptor of its own."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "auth.lock", tmp_path / "auth.json.lock"


def test_both_locks_are_held_for_the_block_and_free_after_it(paths):
    """(S12) Also when the block fails; the files stay, and only their owner may open them."""

    def fail_with_locks() -> None:
        with held(paths, seconds=SHORT):
            assert [is_locked(path) for path in paths] == [True, True]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_with_locks()
    assert [is_locked(path) for path in paths] == [False, False]
    assert {0o600} == {path.stat().st_mode & 0o777 for path in paths}


def test_nobody_is_named_where_the_system_does_not_tell(paths, monkeypatch, tmp_path):
    """As on macOS and Windows, and where `/proc` is not there."""
    monkeypatch.setattr(lock_holder, "_PROC", tmp_path / "nothing")
    with (
        other_process_holds(paths[0]),
        pytest.raises(LockTimedOut, match=r"^Another program keeps auth\.lock locked"),
        held(paths, seconds=SHORT),
    ):
        pytest.fail("the lock was taken twice")


@pytest.mark.parametrize("which", [0, 1])
def test_lock_of_another_process_is_waited_for_no_longer_than_the_deadline(paths, which):
    """(S13) The error names the lock and who holds it; whatever was taken is let go."""
    with other_process_holds(paths[which]) as holder:
        started = time.monotonic()
        who = rf"^Process {holder.pid} \(python.*\) keeps {paths[which].name} locked"
        with (
            pytest.raises(LockTimedOut, match=who),
            held(paths, seconds=SHORT),
        ):
            pytest.fail("the lock was taken twice")
        waited = time.monotonic() - started
        assert is_locked(paths[1 - which]) is False

    assert SHORT <= waited < PATIENCE


def test_waiting_for_a_lock_opens_its_file_once(paths, monkeypatch):
    """Each time that it is closed every window looks at the login again."""
    opened: list[Path] = []
    genuine = lock.os.open

    def note(path: Path, *arguments: int) -> int:
        opened.append(path)
        return genuine(path, *arguments)

    with other_process_holds(paths[0]):
        monkeypatch.setattr(lock.os, "open", note)
        with pytest.raises(LockTimedOut), held(paths, seconds=SHORT):
            pytest.fail("the lock was taken twice")

    assert opened.count(paths[0]) == 1


def test_first_lock_is_taken_before_the_second(paths):
    """The order is the Codex CLI's: two programs that wait for each other would wait for ever.

    (S12)
    """
    first, second = paths
    taken = threading.Event()

    def take() -> None:
        with held(paths, seconds=PATIENCE):
            taken.set()

    with other_process_holds(second):
        thread = threading.Thread(target=take)
        thread.start()
        deadline = time.monotonic() + PATIENCE
        while not is_locked(first):
            assert time.monotonic() < deadline
        assert not taken.is_set()
    thread.join(PATIENCE)

    assert taken.is_set()


def test_lock_of_a_process_that_was_killed_is_free(paths):
    """(S11) The kernel lets go for it."""
    with other_process_holds(paths[0]) as holder:
        holder.kill()
        holder.wait(PATIENCE)
        with held(paths, seconds=PATIENCE):
            assert is_locked(paths[0])


def test_child_process_does_not_inherit_a_lock(paths):
    """(S11) A credential command or a browser that lives on keeps nobody waiting."""
    script = "import sys; print('runs', flush=True); sys.stdin.read()"
    with held(paths, seconds=SHORT):
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            close_fds=False,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"runs\n"
    locked = [is_locked(path) for path in paths]
    child.communicate()

    assert locked == [False, False]


def test_lock_file_that_is_a_link_is_not_followed(paths, tmp_path):
    """(S2) Nobody makes us create or open a file elsewhere."""
    paths[0].symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="symbolic links"), held(paths, seconds=SHORT):
        pytest.fail("a link was followed")
    assert not (tmp_path / "elsewhere").exists()


def test_turnstile_lets_one_through_at_a_time(tmp_path):
    """Without waiting; whoever leaves lets the next one in."""
    first, second = (Turnstile(lambda: tmp_path / "refresh.lock") for _ in range(2))

    assert [first.try_enter(), second.try_enter()] == [True, False]
    first.leave()
    assert [second.try_enter(), first.try_enter()] == [True, False]
    second.leave()
    second.leave()
    assert not is_locked(tmp_path / "refresh.lock")


def test_lock_on_a_file_that_is_no_longer_there_does_not_count(paths, monkeypatch):
    """(S11) Somebody tidied the folder between the opening and the locking."""
    genuine = lock.try_lock
    replaced = []

    def replace_once(descriptor: int) -> bool:
        if not replaced:
            paths[0].unlink()
            replaced.append(descriptor)
        return genuine(descriptor)

    monkeypatch.setattr(lock, "try_lock", replace_once)
    with held(paths, seconds=PATIENCE):
        assert (len(replaced), is_locked(paths[0])) == (1, True)


def test_turnstile_that_is_tried_again_by_its_holder_can_still_be_left(tmp_path):
    """A try that fails, for this process holds it already, forgets nothing."""
    path = tmp_path / "refresh.lock"
    turnstile = Turnstile(lambda: path)

    assert [turnstile.try_enter(), turnstile.try_enter()] == [True, False]
    turnstile.leave()
    assert is_locked(path) is False


def test_turnstile_goes_where_its_path_leads_now(tmp_path):
    """The login became a link while this window was open; its lock lies beside the real file."""
    where = [tmp_path / "first.lock"]
    turnstile = Turnstile(lambda: where[0])
    turnstile.try_enter()
    turnstile.leave()
    where[0] = tmp_path / "second.lock"

    with other_process_holds(where[0]):
        assert turnstile.try_enter() is False


def test_turnstile_is_free_when_its_process_has_ended(tmp_path):
    """A crash in the middle of a refresh blocks nobody."""
    path = tmp_path / "refresh.lock"
    turnstile = Turnstile(lambda: path)
    with other_process_holds(path) as holder:
        assert turnstile.try_enter() is False
        holder.kill()
        holder.wait(PATIENCE)

    assert turnstile.try_enter() is True
    turnstile.leave()


def test_turnstile_whose_file_is_removed_lets_nobody_in(tmp_path):
    """(S11) Who tidies the folder ends no turn: the folder is locked with the file."""
    path = tmp_path / "refresh.lock"
    first, second = (Turnstile(lambda: path) for _ in range(2))
    assert first.try_enter()

    path.unlink()
    while_held = [second.try_enter(), second.try_enter()]
    first.leave()

    assert while_held == [False, False]
    assert second.try_enter() is True
    second.leave()


def test_turnstile_does_with_its_file_where_folders_cannot_be_locked(tmp_path, monkeypatch):
    """On some network file systems."""
    genuine = lock.try_lock

    def refuse_folders(descriptor: int) -> bool:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return genuine(descriptor)

    monkeypatch.setattr(lock, "try_lock", refuse_folders)
    first, second = (Turnstile(lambda: tmp_path / "refresh.lock") for _ in range(2))

    assert [first.try_enter(), second.try_enter()] == [True, False]
    first.leave()
    assert second.try_enter() is True
    second.leave()


def test_turnstile_does_with_its_file_where_the_folder_cannot_be_opened(tmp_path, monkeypatch):
    """It may be one that this user cannot list."""
    monkeypatch.setattr(lock, "_open_folder", lambda _: None)
    first, second = (Turnstile(lambda: tmp_path / "refresh.lock") for _ in range(2))

    assert [first.try_enter(), second.try_enter()] == [True, False]
    first.leave()


def test_turnstile_leaves_nothing_open(tmp_path):
    """Neither after its turn nor after tries in vain."""
    first, second = (Turnstile(lambda: tmp_path / "refresh.lock") for _ in range(2))
    before = open_descriptors()

    first.try_enter()
    (tmp_path / "refresh.lock").unlink()
    for _ in range(3):
        second.try_enter()
    first.leave()

    assert before == open_descriptors()


NOBODY = 65534
NEEDS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can act for another user")
_HOLD_FOLDER = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_SH)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def folder_held(folder: Path, *, user: int | None = None) -> Iterator[None]:
    """Let another process lock a folder, which whoever can open it can do.

    It opens it by a descriptor of ours, since the folders above are closed to others.
    """
    folder.chmod(0o755)
    descriptor = os.open(folder, os.O_RDONLY)
    with subprocess.Popen(
        ["/usr/bin/env", "python3", "-I", "-c", _HOLD_FOLDER, f"/proc/self/fd/{descriptor}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        pass_fds=[descriptor],
    ) as process:
        os.close(descriptor)
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield
        process.kill()


@NEEDS_ROOT
def test_another_user_who_locks_the_folder_keeps_nobody_out(tmp_path):
    """(S11) The Codex CLI makes it with mode 0755; the file, which is ours, goes on to count."""
    first, second = (Turnstile(lambda: tmp_path / "refresh.lock") for _ in range(2))
    with folder_held(tmp_path, user=NOBODY):
        assert [first.try_enter(), second.try_enter()] == [True, False]
        first.leave()
        assert second.try_enter() is True
        second.leave()


@NEEDS_ROOT
@pytest.mark.parametrize("user", [0, NOBODY])
def test_own_program_that_has_the_folder_keeps_others_out(tmp_path, monkeypatch, user):
    """It is in its turn, and its file was removed."""
    monkeypatch.setattr(lock_holder.os, "getuid", lambda: user)
    with folder_held(tmp_path, user=user):
        assert Turnstile(lambda: tmp_path / "refresh.lock").try_enter() is False


@pytest.mark.parametrize(("mode", "expected"), [(0o700, False), (0o750, True), (0o755, True)])
@pytest.mark.parametrize("hidden", ["locks", "process"])
def test_holder_that_nobody_can_name_counts_where_the_folder_is_closed(
    tmp_path, monkeypatch, hidden, mode, expected
):
    """As where `/proc` hides the processes of others, and on systems without it."""
    folder = tmp_path / "home"
    folder.mkdir()
    proc = tmp_path / "proc"
    proc.mkdir()
    with folder_held(folder):
        if hidden == "process":
            (proc / "locks").write_text(Path("/proc/locks").read_text())
        monkeypatch.setattr(lock_holder, "_PROC", proc)
        folder.chmod(mode)

        assert Turnstile(lambda: folder / "refresh.lock").try_enter() is expected


def test_lock_is_looked_at_without_being_made(paths):
    """A doctor changes nothing, and keeps nobody out."""
    missing = is_held(paths[0])
    made = paths[0].exists()
    with other_process_holds(paths[0]):
        while_held = is_held(paths[0])

    assert (missing, made) == (False, False)
    assert (while_held, is_held(paths[0]), is_locked(paths[0])) == (True, False, False)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EIO])
def test_lock_that_the_file_system_cannot_give_leaves_nothing_open(paths, monkeypatch, code):
    """Some network file systems have none: it is an error, for a write and for a turn."""

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    before = open_descriptors()
    with pytest.raises(OSError, match=os.strerror(code)), held(paths, seconds=SHORT):
        pytest.fail("the lock was taken")
    with pytest.raises(OSError, match=os.strerror(code)):
        Turnstile(lambda: paths[0]).try_enter()

    assert open_descriptors() == before


def test_folder_that_goes_away_while_a_lock_is_waited_for_is_an_error(tmp_path):
    """And nothing stays open."""
    folder = tmp_path / "home"
    folder.mkdir()
    path, before, outcome = folder / "auth.lock", open_descriptors(), []

    def wait() -> None:
        try:
            with held((path,), seconds=PATIENCE):
                outcome.append("taken")
        except OSError as exc:
            outcome.append(exc.strerror)

    with other_process_holds(path):
        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.monotonic() + PATIENCE
        while open_descriptors() < before + 2:  # its pipe to the holder, and the lock's file
            assert time.monotonic() < deadline
        path.unlink()
        folder.rmdir()
        thread.join(PATIENCE)

    assert outcome == ["No such file or directory"]
