"""Notice of changes to the login cache and its configuration, whoever made them.

On Linux inotify tells, without a timer; elsewhere the files are looked at twice a second.
A notice means "look again", not "something changed": the reader decides what is different.
The folder is watched rather than the file, since a rename replaces the file; of a symbolic link,
the target's folder too; of a missing folder, its nearest parent that exists.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

POLL_SECONDS = 0.5
"""How often files are looked at where the system does not tell of changes."""

logger = logging.getLogger(__name__)


class Watcher:
    """Calls `on_change` after a change to one of some files, from the event loop's thread."""

    def __init__(self, files: Iterable[Path], on_change: Callable[[], None]) -> None:
        self._files = tuple(files)
        self._on_change = on_change
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

        interesting = (
            Mask.CLOSE_WRITE | Mask.CREATE | Mask.MOVED_TO | Mask.MOVED_FROM | Mask.DELETE
            | Mask.ATTRIB | Mask.DELETE_SELF | Mask.MOVE_SELF
        )  # fmt: skip
        while True:
            try:
                folders = self._folders()
                with Inotify() as inotify:
                    for folder, _ in folders:
                        inotify.add_watch(folder, interesting | Mask.ONLYDIR)
                    self._on_change()  # what happened before the watch was in place
                    async for event in inotify:
                        self._on_change()
                        moved = event.mask & (Mask.IGNORED | Mask.MOVE_SELF)
                        if moved or self._folders() != folders:
                            break
            except OSError as exc:
                # No inotify instance left (EMFILE, ENOSPC), or a folder went away just now.
                logger.info("inotify is not available (%s); looking at the files", exc.strerror)
                await self._poll(rounds=1)

    async def _poll(self, rounds: int | None = None) -> None:
        before = self._signatures()
        while rounds is None or rounds > 0:
            await asyncio.sleep(POLL_SECONDS)
            rounds = None if rounds is None else rounds - 1
            now = self._signatures()
            if now != before:
                before = now
                self._on_change()

    def _folders(self) -> frozenset[tuple[Path, int]]:
        """Return the folders to watch with their inodes, which tell a replaced folder apart."""
        folders = set()
        for file in self._files:
            folders.add(_nearest_folder(file.parent))
            if file.is_symlink():
                folders.add(_nearest_folder(Path(os.path.realpath(file)).parent))
        return frozenset((folder, folder.stat().st_ino) for folder in folders)

    def _signatures(self) -> list[tuple[int, ...] | None]:
        return [_signature(file) for file in self._files]


def _nearest_folder(folder: Path) -> Path:
    return next((path for path in (folder, *folder.parents) if path.is_dir()), Path("/"))


def _signature(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
