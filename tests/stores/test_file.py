"""`auth.json`: read whatever stands there, replaced whole or not at all, for its owner's eyes."""

from __future__ import annotations

import os
import resource
import stat
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.store_report import CredentialSource
from codex_auth_lsp.errors import (
    LockTimedOut,
    StoreCorrupt,
    StoreReadOnly,
    StoreUnavailable,
    StoreWriteFailed,
)
from codex_auth_lsp.stores import file as file_module
from codex_auth_lsp.stores.base import Removed
from codex_auth_lsp.stores.document import Document, login_document
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.replacement import Replacement, replace_durably
from e2e.shapes import EXAMPLE_KEY_FILE, api_key_login, codex_bytes
from stores.store_contract import KEY, LOGIN, OTHER_KEY, StoreContract, store_login
from stores.test_lock import is_locked, other_process_holds
from support.read_only import read_only

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCKS = {"auth.lock", "auth.json.lock"}


@pytest.fixture
def store(home: CodexHome) -> FileStore:
    return FileStore(home)


@contextmanager
def disk_that_takes_no_byte() -> Iterator[None]:
    """Let every write to a file fail, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def open_descriptors() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/dev/fd").iterdir()))


class TestFileStore(StoreContract):
    """It keeps the promises of every store."""

    @pytest.fixture
    def store(self, home):
        return FileStore(home)


def test_written_file_is_byte_for_byte_that_of_the_codex_cli(store, path):
    """Nothing else is left in the folder but the lock files."""
    store_login(store, KEY)

    assert codex_bytes(api_key_login("sk-1")) == path.read_bytes()
    assert {"auth.json", *LOCKS} == {entry.name for entry in path.parent.iterdir()}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o777])
@pytest.mark.parametrize("old_mode", [None, 0o644, 0o400])
def test_file_is_its_owners_alone_whatever_the_umask(store, path, umask, old_mode):
    """(S1) Also where it stood open to everybody before."""
    if old_mode is not None:
        path.write_bytes(EXAMPLE_KEY_FILE)
        path.chmod(old_mode)
    old = os.umask(umask)
    try:
        store_login(store, KEY)
    finally:
        os.umask(old)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_report_and_source_name_the_path(store, path):
    """A person can find the file."""
    snapshot = store.read()

    assert (snapshot.report.mode, snapshot.report.backend) == ("file", "file")
    assert (snapshot.report.path, snapshot.report.encrypted) == (str(path), False)
    assert snapshot.source == CredentialSource("file", str(path))


def test_reading_changes_nothing(store, path):
    """Neither a file nor a lock is made."""
    store.read()
    path.write_bytes(EXAMPLE_KEY_FILE)
    before = path.stat()
    store.read()

    assert before == path.stat()
    assert [entry.name for entry in path.parent.iterdir()] == ["auth.json"]


def test_every_change_is_seen_at_once(store, path):
    """Also one in place that leaves the size as it is, faster than a file system's clock."""
    path.write_bytes(codex_bytes(api_key_login("sk-0")))
    with path.open("r+b") as file:
        for number in range(1000):
            key = f"sk-{number % 10}"
            file.seek(0)
            file.write(codex_bytes(api_key_login(key)))
            file.flush()
            assert store.read().credential.api_key.reveal() == key


def test_unchanged_content_is_the_same_snapshot(store, path):
    """It is parsed once, and touching the file changes nothing."""
    path.write_bytes(EXAMPLE_KEY_FILE)
    path.chmod(0o600)
    first = store.read()
    os.utime(path)

    assert store.read() is first


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "it is empty"),
        (b"{", "line 1, column 2 is not JSON"),
        (b"\xff\xfe\x00", "byte 0 is not UTF-8"),
        (b"[]", "it is not a JSON object"),
        (b"\x00" * 100, "line 1, column 1 is not JSON"),
        (b'{"auth_mode": "secret-mode"}', "`auth_mode` is not one that Codex knows"),
        (b"[" * 100_000, "it is nested too deeply"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_file_that_is_no_login_is_reported_and_kept(store, path, raw, reason):
    """(S7) It is told by its path and the place in it, and stays as it is."""
    path.write_bytes(raw)
    snapshot = store.read()

    assert (snapshot.report.health, snapshot.document) == ("corrupt", None)
    assert snapshot.report.detail == f"{path} is not a stored login: {reason}."
    assert path.read_bytes() == raw


def test_file_that_is_no_login_gives_way_to_a_new_one_or_a_logout(store, path):
    """Both are what a person asked for."""
    path.write_bytes(b"junk")
    store_login(store, KEY)
    assert store.read().credential == KEY

    path.write_bytes(b"junk")
    assert store.remove() == Removed(None, ("file",))
    assert not path.exists()


def test_junk_is_no_empty_store(store, path):
    """A refresh must not take it for a logout; a login is what replaces it."""
    path.write_bytes(b"junk")
    given = []
    with pytest.raises(StoreCorrupt):
        store.update(given.append)
    store.update(given.append, over_unreadable=True)

    assert (given, path.read_bytes()) == ([None], b"junk")


def temporary_for(path: Path) -> Path:
    """Return a name for a temporary file of ours that is to replace `path`."""
    before = set(path.parent.iterdir())
    replacement = Replacement(path, 1)
    (temporary,) = set(path.parent.glob(".auth-????????????????")) - before
    replacement.drop()
    return temporary


def test_what_a_killed_process_left_behind_is_swept_by_the_next_write(store, path):
    """(S4) It may hold live tokens. Empty files and a Codex CLI's own are left alone."""
    left = [temporary_for(path), temporary_for(path)]
    empty = temporary_for(path)
    kept = [path.with_name(name) for name in (".auth-aB3dE9", ".auth-0123abc", f"{left[0].name}0")]
    for temporary in left + kept:
        temporary.write_bytes(b"half a login")
    empty.touch()

    store_login(store, KEY)

    names = {entry.name for entry in path.parent.iterdir()}
    assert {*(entry.name for entry in (*kept, empty)), "auth.json", *LOCKS} == names


def test_far_too_large_file_is_not_read(store, path):
    """(S7) A login has some kilobytes."""
    with path.open("wb") as file:
        file.truncate(1 << 40)
    report = store.read().report

    assert (report.health, report.detail) == (
        "unavailable",
        f"{path} cannot be read: it is far too large for a login.",
    )


def test_login_that_could_not_be_read_again_is_not_written(store, path):
    """(S7) It is found out before a token is spent, as far as that can be; the old one stays."""
    megabyte = 1024 * 1024
    old = Document({"OPENAI_API_KEY": "sk-old", "note": "x" * (megabyte - 4096)})
    path.write_bytes(old.render())

    with pytest.raises(StoreWriteFailed, match="too large"):
        store.reserve()
    with pytest.raises(StoreWriteFailed, match="too large"):
        store.update(lambda _: Document({"OPENAI_API_KEY": "k" * megabyte}))
    assert path.read_bytes() == old.render()
    assert [entry.name for entry in path.parent.glob(".auth*")] == []
    assert store.read().report.health == "ok"


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "loop"])
def test_what_is_no_file_is_unavailable_and_nobody_waits_for_it(store, path, kind):
    """(S2) The report says why, and looking again and again uses nothing up."""
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    descriptors = open_descriptors()
    reports = [store.read().report for _ in range(3)]

    assert {report.health for report in reports} == {"unavailable"}
    assert f"{path} cannot be read: " in (reports[0].detail or "")
    assert open_descriptors() == descriptors


def test_folder_in_the_place_of_the_file_survives_a_login_and_a_logout(store, path):
    """The errors say what is in the way, before a person is asked, too; nothing is left."""
    path.mkdir()
    for use in (store.check_writable, lambda: store_login(store, KEY), store.remove):
        with pytest.raises(StoreUnavailable, match="is a folder and not a file; move it away"):
            use()

    assert path.is_dir()
    assert {"auth.json", *LOCKS} == {entry.name for entry in path.parent.iterdir()}


@pytest.mark.parametrize("target_exists", [True, False])
def test_link_stays_one_and_its_target_is_replaced(store, path, tmp_path, target_exists):
    """(S2) People keep the file among their dotfiles; the lock of it stands beside the real one."""
    target = tmp_path / "dotfiles" / "codex.json"
    target.parent.mkdir()
    if target_exists:
        target.write_bytes(EXAMPLE_KEY_FILE)
    path.symlink_to(target)
    store.check_writable()
    store_login(store, LOGIN)

    assert path.is_symlink()
    assert (target.is_symlink(), stat.S_IMODE(target.stat().st_mode)) == (False, 0o600)
    assert store.read().credential == LOGIN
    assert {"codex.json", "codex.json.lock"} == {entry.name for entry in target.parent.iterdir()}
    assert {"auth.json", "auth.lock"} == {entry.name for entry in path.parent.iterdir()}


def test_logout_through_a_link_takes_the_login_and_leaves_the_link(store, path, tmp_path):
    """The login is in the target; the next one goes where the person wants it."""
    target = tmp_path / "codex.json"
    target.write_bytes(codex_bytes(api_key_login("sk-1")))
    path.symlink_to(target)

    assert store.remove() == Removed(KEY, ("file",))
    assert (path.is_symlink(), target.exists()) == (True, False)
    store_login(store, OTHER_KEY)
    assert target.exists()


@pytest.mark.parametrize("folder_exists", [True, False])
def test_link_to_nothing_is_nothing_stored(store, path, tmp_path, folder_exists):
    """A logout has nothing to do, and a login into a folder that is not there says so."""
    path.symlink_to(tmp_path / ("codex.json" if folder_exists else "missing/codex.json"))

    assert (store.read().report.health, store.read().document) == ("ok", None)
    assert store.remove() is None
    assert path.is_symlink()
    if not folder_exists:
        with pytest.raises(StoreUnavailable, match="does not exist"):
            store_login(store, KEY)


def test_write_that_fails_leaves_the_old_bytes_and_nothing_else(store, path):
    """A full disk costs nobody the login that was there."""
    store_login(store, KEY)
    before = path.read_bytes()
    with disk_that_takes_no_byte(), pytest.raises(StoreWriteFailed) as caught:
        store.update(lambda old: login_document(OTHER_KEY, old))

    assert str(path) in str(caught.value)
    assert (before, KEY) == (path.read_bytes(), store.read().credential)
    assert {"auth.json", *LOCKS} == {entry.name for entry in path.parent.iterdir()}
    assert [is_locked(path.parent / name) for name in LOCKS] == [False, False]


def test_replacement_of_a_path_in_no_folder_fails_as_a_whole(tmp_path):
    """The error is the system's; the caller puts it in words."""
    with pytest.raises(FileNotFoundError):
        replace_durably(tmp_path / "missing" / "auth.json", b"{}")

    assert list(tmp_path.iterdir()) == []


def test_reader_never_sees_half_a_file(store, path):
    """(S6) A rename takes effect at once: every read gives one login or the other, whole."""
    store_login(store, KEY)
    whole = {codex_bytes(api_key_login("sk-1")), codex_bytes(api_key_login("sk-2"))}
    done = threading.Event()
    seen: set[bytes] = set()

    def watch() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=watch)
    reader.start()
    for number in range(200):
        store_login(store, KEY if number % 2 else OTHER_KEY)
    done.set()
    reader.join()

    assert seen <= whole


def test_two_writers_lose_no_change(home, path):
    """Each merges what the other has just written: that is what the locks are for."""
    path.write_bytes(b'{"OPENAI_API_KEY": "sk-1", "x_count": ""}')

    def count() -> None:
        own = FileStore(home)
        for _ in range(100):
            own.update(_one_more)

    writers = [threading.Thread(target=count) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert FileStore(home).read().document.members["x_count"] == "x" * 200


def _one_more(document):
    members = {**document.members, "x_count": document.members["x_count"] + "x"}
    return type(document)(members)


@pytest.mark.parametrize("name", sorted(LOCKS))
def test_store_that_another_program_locks_is_told_and_left_alone(store, path, monkeypatch, name):
    """Neither a login nor a logout goes past a lock; reading needs none."""
    store_login(store, KEY)
    before = path.read_bytes()
    monkeypatch.setattr(file_module, "LOCK_SECONDS", 0.1)
    with other_process_holds(path.parent / name):
        for use in (lambda: store_login(store, OTHER_KEY), store.remove):
            with pytest.raises(LockTimedOut, match=name):
                use()
        assert store.read().credential == KEY

    assert path.read_bytes() == before


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_folder_that_is_not_there_is_unavailable(tmp_path, kind):
    """Told in the report, and as an error by whatever wants to write."""
    home = CodexHome(tmp_path / "codex", "environment")
    if kind == "file":
        home.path.write_text("precious")
    store = FileStore(home)

    assert store.read().report.health == "unavailable"
    for use in (store.check_writable, lambda: store_login(store, KEY), store.remove):
        with pytest.raises(StoreUnavailable) as caught:
            use()
        assert str(caught.value) == store.read().report.detail
    assert home.path.exists() is (kind == "file")


def test_default_folder_is_made_by_the_first_login(tmp_path):
    """Nobody is signed in before, and nothing is made by looking."""
    home = CodexHome(tmp_path / ".codex", "default")
    store = FileStore(home)
    assert (store.read().report.health, home.path.exists()) == ("ok", False)
    assert store.remove() is None

    store_login(store, KEY)
    assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_folder_that_cannot_be_written_is_told_before_anything_is_tried(store, path):
    """The report says so, the check says so, and the login that is there can be read."""
    store_login(store, KEY)
    with read_only(path.parent):
        assert store.read().report.health == "readOnly"
        assert store.read().credential == KEY
        for use in (store.check_writable, lambda: store_login(store, OTHER_KEY), store.remove):
            with pytest.raises(StoreReadOnly):
                use()

    assert store.read().credential == KEY


def test_file_that_never_settles_is_called_corrupt_all_the_same(store, path, monkeypatch):
    """(S6) A program that keeps rewriting junk holds nobody up."""
    count = 0

    def rewrite(_seconds: float) -> None:
        nonlocal count
        count += 1
        path.write_bytes(b"junk %d" % count)

    path.write_bytes(b"junk")
    monkeypatch.setattr("codex_auth_lsp.stores.file.time.sleep", rewrite)

    assert store.read().report.health == "corrupt"
    assert 1 < count < 10


def test_login_that_another_program_removes_first_is_not_removed_by_us(store, path, monkeypatch):
    """Between the last look and the removal: nothing is claimed, and nothing revoked for it."""
    store_login(store, KEY)
    genuine = FileStore.read

    def read(self: FileStore) -> object:
        snapshot = genuine(self)
        path.unlink(missing_ok=True)
        return snapshot

    monkeypatch.setattr(FileStore, "read", read)

    assert store.remove() is None
