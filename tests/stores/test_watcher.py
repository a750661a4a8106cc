"""Notice of changes: after each of them somebody is told to look, and then sees what is there."""

from __future__ import annotations

import asyncio
import itertools
import logging
import mmap
import os
import random
import resource
import shutil
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.stores.inotify import Inotify
from codex_auth_lsp.stores.mount_table import MOUNT_TABLE
from codex_auth_lsp.stores.replacement import replace_durably
from codex_auth_lsp.stores.watch_targets import Target, _joined, find_targets
from codex_auth_lsp.stores.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

SECONDS = 10.0
"""A ceiling against hangs, far above what a notice takes."""


class Observer:
    """Looks at a file whenever it is told to, and knows what it saw last."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[bytes | None] = []
        self._told = asyncio.Event()

    def look(self) -> None:
        try:
            self.seen.append(self.path.read_bytes())
        except OSError:
            self.seen.append(None)
        self._told.set()

    async def sees(self, expected: bytes | None) -> None:
        """Wait until the last look saw this: no later look was needed, none was missing."""
        async with asyncio.timeout(SECONDS):
            while self.seen[-1:] != [expected]:
                self._told.clear()
                await self._told.wait()

    async def looks_after(self, change: Callable[[], object]) -> None:
        """Make a change and wait until somebody is told to look."""
        looks = len(self.seen)
        change()
        async with asyncio.timeout(SECONDS):
            while len(self.seen) == looks:
                self._told.clear()
                await self._told.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "codex"
    path.mkdir()
    return path


@asynccontextmanager
async def watching(*files: Path) -> AsyncIterator[Observer]:
    """Watch the files; yields an observer of the first one that has looked once."""
    observer = Observer(files[0])
    watcher = Watcher(files, observer.look)
    watcher.start()
    try:
        await observer.sees(files[0].read_bytes() if files[0].is_file() else None)
        yield observer
    finally:
        await watcher.stop()


async def test_file_that_is_made_replaced_written_and_removed_is_noticed(folder):
    """Each way in which programs write a login, one after the other."""
    path = folder / "auth.json"
    async with watching(path) as observer:
        path.write_bytes(b"made")
        await observer.sees(b"made")
        replace_durably(path, b"replaced")
        await observer.sees(b"replaced")
        path.write_bytes(b"written in place")
        await observer.sees(b"written in place")
        path.write_bytes(b"")
        await observer.sees(b"")
        with path.open("ab") as file:
            file.write(b"appended")
        await observer.sees(b"appended")
        path.unlink()
        await observer.sees(None)
        (folder / "other").write_bytes(b"moved")
        (folder / "other").rename(path)
        await observer.sees(b"moved")
        path.rename(folder / "away")
        await observer.sees(None)


async def test_every_watched_file_counts(folder, tmp_path):
    """Also one in another folder; the observer is told of it as of its own."""
    (tmp_path / "elsewhere").mkdir()
    config = tmp_path / "elsewhere" / "config.toml"
    async with watching(folder / "auth.json", config) as observer:
        await observer.looks_after(lambda: config.write_bytes(b"x = 1"))


async def test_mode_that_changes_is_noticed(folder):
    """A file that can no longer be read is a change too."""
    path = folder / "auth.json"
    path.write_bytes(b"x")
    async with watching(path) as observer:
        await observer.looks_after(lambda: path.chmod(0o640))


async def test_link_is_followed_to_where_it_leads_now(folder, tmp_path):
    """A change of the target is noticed, and so is a link that leads elsewhere from now on."""
    targets = [tmp_path / name / "codex.json" for name in ("one", "two")]
    for target in targets:
        target.parent.mkdir()
        target.write_bytes(target.parent.name.encode())
    path = folder / "auth.json"
    path.symlink_to(targets[0])
    async with watching(path) as observer:
        replace_durably(targets[0], b"one, changed")
        await observer.sees(b"one, changed")
        (folder / "new link").symlink_to(targets[1])
        (folder / "new link").rename(path)
        await observer.sees(b"two")
        replace_durably(targets[1], b"two, changed")
        await observer.sees(b"two, changed")
        targets[1].unlink()
        await observer.sees(None)


async def test_folder_that_is_replaced_is_watched_as_the_new_one(folder, tmp_path):
    """A backup that is moved into place, for instance."""
    path = folder / "auth.json"
    path.write_bytes(b"old")
    new = tmp_path / "new"
    new.mkdir()
    (new / "auth.json").write_bytes(b"new")
    async with watching(path) as observer:
        folder.rename(tmp_path / "old")
        await observer.sees(None)
        new.rename(folder)
        await observer.sees(b"new")
        replace_durably(path, b"new, changed")
        await observer.sees(b"new, changed")


async def test_folder_that_is_removed_and_made_again_is_watched(folder):
    """Whoever clears their Codex folder and signs in again is seen to."""
    path = folder / "auth.json"
    path.write_bytes(b"old")
    async with watching(path) as observer:
        for content in (b"first", b"second"):
            shutil.rmtree(folder)
            await observer.sees(None)
            folder.mkdir()
            path.write_bytes(content)
            await observer.sees(content)


async def test_folder_that_is_missing_is_waited_for(tmp_path):
    """The first login makes it, and more than one level may be missing."""
    path = tmp_path / "home" / ".codex" / "auth.json"
    async with watching(path) as observer:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"first login")
        await observer.sees(b"first login")


async def test_burst_of_changes_ends_with_a_look_at_the_last(folder):
    """Intermediate states may be skipped; the final one never is."""
    path = folder / "auth.json"
    async with watching(path) as observer:
        for number in range(500):
            replace_durably(path, b"%d" % number)
            path.write_bytes(b"in place %d" % number)
        await observer.sees(b"in place 499")


async def test_link_between_counts_too(folder, tmp_path):
    """A link leads to a link: the one in the middle is not beside the file, nor its target."""
    middle, first, second = (tmp_path / name for name in ("middle", "first", "second"))
    for place in (middle, first, second):
        place.mkdir()
    (first / "login").write_bytes(b"first")
    (second / "login").write_bytes(b"second")
    (middle / "current").symlink_to(first / "login")
    (folder / "auth.json").symlink_to(middle / "current")

    async with watching(folder / "auth.json") as observer:
        (middle / "next").symlink_to(second / "login")
        (middle / "next").replace(middle / "current")
        await observer.sees(b"second")


async def test_nobody_is_told_of_what_is_not_theirs(folder, monkeypatch):
    """Other programs keep their files in the same folder; what is kept beside a file counts."""
    monkeypatch.setattr("codex_auth_lsp.stores.watcher.OTHERS_FIRST_SECONDS", 0)
    observer = Observer(folder / "auth.json")
    watcher = Watcher([folder / "auth.json"], observer.look, beside=(".note",))
    watcher.start()
    try:
        await observer.sees(None)
        await observer.looks_after(lambda: (folder / "auth.json.note").write_bytes(b""))
        await number_of(watcher)  # the new file is watched by now
        looks = len(observer.seen)
        for _ in range(50):
            (folder / "history.jsonl").write_bytes(b"{}")
            (folder / "history.jsonl").unlink()
            await asyncio.to_thread(int)  # the loop hears of it meanwhile
        assert len(observer.seen) == looks

        await observer.looks_after(lambda: (folder / "auth.json").write_bytes(b""))
    finally:
        await watcher.stop()


async def test_changes_that_follow_one_another_are_each_seen_at_once(folder, monkeypatch):
    """What is to be watched is found a moment later, and nobody waits for that."""
    monkeypatch.setattr("codex_auth_lsp.stores.watcher.OTHERS_FIRST_SECONDS", SECONDS)
    path = folder / "auth.json"
    async with watching(path) as observer:
        for number in range(5):
            replace_durably(path, b"%d" % number)
            await observer.sees(b"%d" % number)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_change_among_more_than_are_kept_is_seen(folder):
    """The system drops what nobody has read, and says so."""
    path = folder / "auth.json"
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    async with watching(path) as observer:
        for _ in range(most // 2 + 1):  # two events each, that follow no like one
            (folder / "history").touch()
            (folder / "history").unlink()
        path.write_bytes(b"dropped")
        await observer.sees(b"dropped")


async def test_nothing_is_told_after_the_end(folder):
    """A watcher that was stopped holds no descriptor and calls nobody."""
    path = folder / "auth.json"
    MOUNT_TABLE.generation()  # its descriptor stays
    descriptors = len(list(Path("/dev/fd").iterdir()))
    async with watching(path) as observer:
        path.write_bytes(b"x")
        await observer.sees(b"x")
    looks = len(observer.seen)
    path.write_bytes(b"y")
    for _ in range(10):
        await asyncio.sleep(0)

    assert len(observer.seen) == looks
    assert len(list(Path("/dev/fd").iterdir())) == descriptors


async def test_stop_before_start_is_nothing(folder):
    """An end that comes early is an end."""
    await Watcher([folder / "auth.json"], lambda: None).stop()


async def test_other_systems_look_at_the_files(folder, monkeypatch):
    """Where nothing tells of changes, looking does, and tells of the same ones."""
    path = folder / "auth.json"
    observer = Observer(path)
    watcher = Watcher([path], observer.look)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sys, "platform", "darwin")
        watcher.start()
    await asyncio.sleep(0)  # the first look is its own
    try:
        path.write_bytes(b"made")
        await observer.sees(b"made")
        replace_durably(path, b"twice")
        await observer.sees(b"twice")
        path.unlink()
        await observer.sees(None)
    finally:
        await watcher.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_without_inotify_the_files_are_looked_at(folder, caplog):
    """Its instances are few, and other programs may have taken them all."""
    caplog.set_level(logging.INFO, logger="codex_auth_lsp")
    path = folder / "auth.json"
    observer = Observer(path)
    watcher = Watcher([path], observer.look)
    import_module("codex_auth_lsp.stores.inotify")  # the import itself needs descriptors

    with no_more_descriptors():
        watcher.start()
        while "inotify is not available" not in caplog.text:
            await asyncio.sleep(0)
    try:
        path.write_bytes(b"seen all the same")
        await observer.sees(b"seen all the same")
    finally:
        await watcher.stop()


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """Be somebody whom the modes of folders bind, and who may enter those above this one."""
    if os.geteuid() != 0:
        yield
        return
    modes = {path: path.stat().st_mode for path in folder.parents}
    closed = {path: mode for path, mode in modes.items() if mode & 0o011 != 0o011}
    for path, mode in closed.items():
        path.chmod(mode | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in closed.items():
            path.chmod(mode)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
@pytest.mark.parametrize("mode", [0o711, 0o700])
async def test_folder_that_nobody_may_read_keeps_no_other_from_being_watched(
    folder, tmp_path, mode, caplog
):
    """An administrator's, for instance: its parent is watched in its place, without looking."""
    caplog.set_level(logging.INFO, logger="codex_auth_lsp")
    path = folder / "auth.json"
    theirs = tmp_path / "etc" / "codex"
    theirs.mkdir(parents=True)
    theirs.chmod(mode)
    folder.chmod(0o777)
    tmp_path.chmod(0o755)
    (tmp_path / "etc").chmod(0o755)
    if os.geteuid() != 0:
        theirs.chmod(mode & 0o077)
    with nobody(tmp_path):
        async with watching(path, theirs / "config.toml") as observer:
            path.write_bytes(b"made")
            await observer.sees(b"made")
            (folder / "new").write_bytes(b"replaced")
            (folder / "new").rename(path)
            await observer.sees(b"replaced")

    assert "inotify is not available" not in caplog.text


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Let every attempt to open something fail, as at a process's limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def write_unheard(path: Path, content: bytes) -> None:
    """Write through memory, of which inotify says nothing."""
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:] = content
        memory.flush()


@asynccontextmanager
async def numbering(*files: Path) -> AsyncIterator[Watcher]:
    """Watch the files; yields the watcher, which can tell of every change from then on."""
    watcher = Watcher(files, lambda: None, beside=(".note",))
    watcher.start()
    try:
        await number_of(watcher)
        yield watcher
    finally:
        await watcher.stop()


async def number_of(watcher: Watcher) -> int:
    async with asyncio.timeout(SECONDS):
        while (number := watcher.generation()) is None:
            await asyncio.sleep(0.001)
    return number


CHANGES: dict[str, Callable[[Path], object]] = {
    "renamed over": lambda path: replace_durably(path, b"other"),
    "written in place": lambda path: path.write_bytes(b"other"),
    "removed": lambda path: path.unlink(),
    "other mode": lambda path: path.chmod(0o640),
    "written in place beside": lambda path: path.with_name("auth.json.note").write_bytes(b"other"),
    "other name": lambda path: path.with_name("second").hardlink_to(path),
    "other mode of the folder": lambda path: path.parent.chmod(0o755),
    "folder moved": lambda path: path.parent.rename(path.parent.with_name("moved")),
    "folder above moved": lambda path: path.parents[1].rename(path.parents[1].with_name("moved")),
}


@pytest.mark.skipif(sys.platform != "linux", reason="tells without a look on Linux alone")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_number_is_another_one_from_the_moment_of_a_change(tmp_path, change):
    """At once: whoever asks after a change is never told that there was none."""
    path = tmp_path / "above" / "codex" / "auth.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"first")
    path.with_name("auth.json.note").write_bytes(b"first")
    async with numbering(path) as watcher:
        before = watcher.generation()
        assert watcher.generation() == before

        change(path)

        assert watcher.generation() is None
        assert await number_of(watcher) != before


@pytest.mark.skipif(sys.platform != "linux", reason="tells without a look on Linux alone")
async def test_number_is_another_one_when_a_link_on_the_way_leads_elsewhere(tmp_path):
    """A link to a folder above, and one that leads to the next; what one led to is forgotten."""
    for name in ("one", "two"):
        (tmp_path / name / "codex").mkdir(parents=True)
        (tmp_path / name / "codex" / "auth.json").write_bytes(name.encode())
    (tmp_path / "left").mkdir()
    (tmp_path / "outer").symlink_to("inner")
    (tmp_path / "inner").symlink_to(tmp_path / "left" / ".." / "one")
    async with numbering(tmp_path / "outer" / "codex" / "auth.json") as watcher:
        before = watcher.generation()
        (tmp_path / "left").rename(tmp_path / "gone")
        assert watcher.generation() is None
        (tmp_path / "gone").rename(tmp_path / "left")
        assert await number_of(watcher) != before
        before = watcher.generation()
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").rename(tmp_path / "inner")
        assert watcher.generation() is None
        then = await number_of(watcher)
        assert then != before

        (tmp_path / "one" / "codex" / "auth.json").write_bytes(b"nobody's now")
        assert watcher.generation() == then
        (tmp_path / "two" / "codex" / "auth.json").write_bytes(b"changed")
        assert watcher.generation() is None


@pytest.mark.skipif(sys.platform != "linux", reason="tells without a look on Linux alone")
async def test_number_is_another_one_when_something_was_mounted(folder, monkeypatch):
    """It may have been put over the files, which inotify does not tell."""
    mounts = iter([1, 1, 1, 1, 2, 2])
    monkeypatch.setattr(
        "codex_auth_lsp.stores.watcher.MOUNT_TABLE",
        SimpleNamespace(generation=lambda: next(mounts, 2)),
    )
    async with numbering(folder / "auth.json") as watcher:
        before = watcher.generation()
        assert before is not None
        while watcher.generation() == before:
            pass
        assert await number_of(watcher) != before


@pytest.mark.skipif(sys.platform != "linux", reason="tells without a look on Linux alone")
async def test_nobody_can_tell_on_a_disk_of_others_and_what_they_write_is_seen_all_the_same(
    folder, monkeypatch
):
    """Through memory here, of which the system says as little as of another machine's writes."""
    monkeypatch.setattr("codex_auth_lsp.stores.file_systems._OWN", frozenset())
    monkeypatch.setattr("codex_auth_lsp.stores.watcher.UNHEARD_SECONDS", 0.05)
    path = folder / "auth.json"
    path.write_bytes(b"first")
    observer = Observer(path)
    watcher = Watcher([path], observer.look)
    watcher.start()
    try:
        await observer.sees(b"first")
        write_unheard(path, b"other")
        await observer.sees(b"other")
        assert watcher.generation() is None
    finally:
        await watcher.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="tells without a look on Linux alone")
async def test_what_is_read_between_two_equal_numbers_is_the_same(tmp_path):
    """The invariant, tried by some hundred changes in an order that chance chooses."""
    chance = random.Random(20261126)
    home, other = tmp_path / "home", tmp_path / "other"
    for folder in (home, other):
        folder.mkdir()
    path = home / "auth.json"

    def link() -> None:
        (home / "new").symlink_to(other / "auth.json")
        (home / "new").rename(path)

    def swap() -> None:
        home.rename(tmp_path / "third")
        other.rename(home)
        (tmp_path / "third").rename(other)

    def remove() -> None:
        path.unlink(missing_ok=True)

    def put() -> None:
        replace_durably(home / "put", b"put %d" % next(numbers))
        (home / "put").rename(path)

    numbers = itertools.count()
    changes = [
        link,
        swap,
        remove,
        lambda: path.write_bytes(b"in place %d" % next(numbers)),
        lambda: (other / "auth.json").write_bytes(b"elsewhere %d" % next(numbers)),
        lambda: (home / "history").write_bytes(b"of no concern"),
        put,
    ]

    def read() -> bytes | None:
        try:
            return path.read_bytes()
        except OSError:
            return None

    known: dict[int, bytes | None] = {}
    kept = 0
    async with numbering(path) as watcher:
        for _ in range(300):
            with suppress(OSError):
                chance.choice(changes)()
            number, found = watcher.generation(), read()
            if number is not None:
                assert known.setdefault(number, found) == found
                kept += 1
            if chance.random() < 0.5:
                await asyncio.sleep(chance.choice([0, 0, 0.03]))
            elif chance.random() < 0.2:
                number = await number_of(watcher)
                assert known.setdefault(number, read()) == read()
    assert len(known) > 10
    assert kept > 0


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_file_that_may_not_be_watched_costs_nothing_and_is_looked_at(folder, monkeypatch):
    """A lock of another user, for example: it is not tried again and again."""
    monkeypatch.setattr("codex_auth_lsp.stores.watcher.OTHERS_FIRST_SECONDS", 0)
    monkeypatch.setattr("codex_auth_lsp.stores.watcher.UNHEARD_SECONDS", 0.05)
    path, lock = folder / "auth.json", folder / "auth.lock"
    lock.write_bytes(b"")
    add, tried = Inotify.add, []

    def refuse(inotify: Inotify, to_watch: str, mask: int) -> int:
        if to_watch == str(lock):
            tried.append(to_watch)
            raise PermissionError
        return add(inotify, to_watch, mask)

    monkeypatch.setattr(Inotify, "add", refuse)
    observer = Observer(path)
    watcher = Watcher([path, lock], observer.look)
    watcher.start()
    try:
        await observer.sees(None)
        path.write_bytes(b"heard")
        await observer.sees(b"heard")
        write_unheard(path, b"there")
        await observer.sees(b"there")
        assert watcher.generation() is None
        assert len(tried) <= 3  # with each change of what is watched, and not between
    finally:
        await watcher.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="tells without a look on Linux alone")
@pytest.mark.parametrize("closed", ["file", "its folder"])
async def test_what_may_not_be_read_is_no_place_where_somebody_could_tell(
    folder, monkeypatch, closed
):
    """A root's file, or a folder that may be searched and not listed."""
    path = folder / "auth.json"
    path.write_bytes(b"")
    shut = str(path if closed == "file" else folder)
    monkeypatch.setattr(
        "codex_auth_lsp.stores.watch_targets._may_be_watched", lambda path: path != shut
    )

    found = find_targets([path], ("",))

    assert (found.is_heard, found.is_all_told) == (False, False)
    assert shut not in {target.path for target in found.targets}


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_folder_that_goes_among_more_than_is_kept_is_watched_as_the_new_one(tmp_path):
    """Its inode is often that of the first, and the word that the watch is gone was dropped."""
    folder = tmp_path / "codex"
    path = folder / "auth.json"
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    folder.mkdir()
    path.write_bytes(b"first")
    async with watching(path) as observer:
        for _ in range(most // 2 + 1):
            (folder / "history").touch()
            (folder / "history").unlink()
        shutil.rmtree(folder)
        folder.mkdir()
        path.write_bytes(b"second")
        await observer.sees(b"second")
        await asyncio.sleep(0.1)  # all is at rest again
        path.unlink()
        await observer.sees(None)


async def test_one_inode_has_one_mask_whatever_its_names(tmp_path):
    """A folder that is a target and above another one, by a bind mount."""
    folder = Target("/a", 1, 2, 0x100)
    above = Target("/b", 1, 2, 0x800)

    assert {target.mask for target in _joined([folder, above])} == {0x900}
