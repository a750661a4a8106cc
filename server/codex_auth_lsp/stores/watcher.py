"""Notice of changes to the login cache and its configuration, whoever made them.

On Linux inotify tells, without a timer; elsewhere the files are looked at twice a second.
A notice means "look again", not "something changed": the reader decides what is different.
Folders are watched beside the files, since a rename replaces a file; of a symbolic link, the
target's too; of a folder that is missing or may not be read, its nearest parent that may.
"""

from __future__ import annotations

import asyncio
import logging
import os
import stat
import sys
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.stores.disk_thread import DiskThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from asyncinotify import Inotify, Mask

POLL_SECONDS = 0.5
"""How often files are looked at where the system does not tell of changes."""

_OTHERS_FIRST = 0.02  # seconds in which fifty windows tell what they saw before any goes on
_MOST_LINKS = 40  # as Linux has it
_TOGETHER = 100  # events at the most: somebody who writes without end must not hold a look up

logger = logging.getLogger(__name__)


class Watcher:
    """Calls `on_change` after a change to one of some files, from the event loop's thread."""

    def __init__(
        self,
        files: Iterable[Path],
        on_change: Callable[[], None],
        disk: DiskThread | None = None,
        *,
        beside: tuple[str, ...] = (),
    ) -> None:
        self._files = tuple(files)
        self._on_change = on_change
        self._disk = disk or DiskThread()
        self._suffixes = ("", *beside)
        self._names: frozenset[str] = frozenset()  # what matters in the folders, by `_targets`
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to watch, on the running event loop."""
        watch = self._watch_inotify if sys.platform == "linux" else self._poll
        self._task = asyncio.get_running_loop().create_task(watch())

    async def stop(self) -> None:
        """End the watch."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _watch_inotify(self) -> None:
        from asyncinotify import Inotify, Mask  # only where a watch is started

        # Writes are watched on the files alone: a busy program writes others in the same folder.
        in_folder = (
            Mask.CREATE | Mask.MOVED_TO | Mask.MOVED_FROM | Mask.DELETE | Mask.ATTRIB
            | Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.ONLYDIR
        )  # fmt: skip
        in_file = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.ATTRIB
        while True:
            try:
                targets = await self._disk.call_async(self._targets)
                with Inotify(sync_timeout=0) as inotify:  # then a further one is not waited for
                    add = partial(_add_watches, inotify, targets, in_folder, in_file)
                    await self._disk.call_async(add)
                    self._on_change()  # what happened before the watch was in place
                    if await self._disk.call_async(self._targets) != targets:
                        continue  # and has made others matter, of which nothing told
                    async for event in inotify:
                        # One look for all that one write has told: fifty windows do it at once.
                        events = [event, *islice(inotify, _TOGETHER)]
                        if not any(one.name is None or self._concerns(one.name) for one in events):
                            continue
                        self._on_change()
                        moved = any(one.mask & (Mask.IGNORED | Mask.MOVE_SELF) for one in events)
                        await asyncio.sleep(_OTHERS_FIRST)
                        if moved or await self._disk.call_async(self._targets) != targets:
                            break
            except OSError as exc:
                # No inotify instance left (EMFILE, ENOSPC), or a folder went away just now.
                logger.info("inotify is not available (%s); looking at the files", exc.strerror)
                await self._poll(rounds=1)

    def _concerns(self, name: Path) -> bool:
        """Say whether a name in a watched folder is that of a file, or of one kept beside it."""
        return name.name in self._names

    async def _poll(self, rounds: int | None = None) -> None:
        before = await self._disk.call_async(self._signatures)
        self._on_change()  # what happened before
        while rounds is None or rounds > 0:
            await asyncio.sleep(POLL_SECONDS)
            rounds = None if rounds is None else rounds - 1
            now = await self._disk.call_async(self._signatures)
            if now != before:
                before = now
                self._on_change()

    def _targets(self) -> frozenset[_Target]:
        """Return what to watch: the files that exist, and the folders in which they can appear."""
        targets = set()
        names = set()
        for file in self._files:
            real = Path(os.path.realpath(file))
            for path in {*_links(file), real}:
                folder = _nearest_folder(path.parent)
                targets.add(_target(folder))
                names.add(path.relative_to(folder).parts[0])
            if os.path.isfile(real):  # noqa: PTH113 - also where the way there is closed
                targets.add(_target(real))
        self._names = frozenset(f"{name}{suffix}" for name in names for suffix in self._suffixes)
        return frozenset(targets)

    def _signatures(self) -> list[tuple[int, ...] | None]:
        return [_signature(file) for file in self._files]


@dataclass(frozen=True, slots=True)
class _Target:
    """A path to watch; the inode tells what has been put in its place."""

    path: Path
    inode: int
    is_folder: bool


def _target(path: Path) -> _Target:
    status = path.stat()
    return _Target(path, status.st_ino, stat.S_ISDIR(status.st_mode))


def _add_watches(
    inotify: Inotify, targets: Iterable[_Target], in_folder: Mask, in_file: Mask
) -> None:
    for target in targets:
        inotify.add_watch(target.path, in_folder if target.is_folder else in_file)


def _links(file: Path) -> Iterator[Path]:
    """Yield a file's path and, where that is a link, what it leads to, link by link."""
    for _ in range(_MOST_LINKS):
        yield file
        try:
            file = Path(os.path.normpath(file.parent / os.readlink(file)))  # noqa: PTH115
        except OSError:
            return


def _nearest_folder(folder: Path) -> Path:
    return next((path for path in (folder, *folder.parents) if _can_be_watched(path)), Path("/"))


def _can_be_watched(folder: Path) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK, effective_ids=True)  # noqa: PTH112


def _signature(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
