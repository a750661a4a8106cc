"""Notice of changes to the login cache and its configuration, whoever made them.

On Linux inotify tells, without a timer; elsewhere the files are looked at twice a second, and where
somebody may write unheard, on a network's disk for example, every two seconds beside it.
A notice means "look again", not "something changed": the reader decides what is different.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from codex_auth_lsp.stores.disk_thread import DiskThread
from codex_auth_lsp.stores.mount_table import MOUNT_TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from codex_auth_lsp.stores.inotify import Event, Inotify
    from codex_auth_lsp.stores.watch_targets import Target

POLL_SECONDS = 0.5
"""How often files are looked at where the system does not tell of changes."""

UNHEARD_SECONDS = 2.0
"""The same of files that somebody can change without a word to the watch."""

OTHERS_FIRST_SECONDS = 0.04
"""In which fifty windows tell their status after a change, before any goes on."""

_MOST_LOOKS = 10  # in that time: somebody who writes without end must not keep a window busy

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
        self._generation = 0
        self._listening: _Listening | None = None
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

    def generation(self) -> int | None:
        """Return a number that is another one after every change, None where nobody can tell.

        It looks at no disk: what is found there between two equal ones cannot be different. A mode
        of a folder above those of the files is no change, and neither is what is written through
        memory that is mapped.
        """
        listening = self._listening
        if listening is None or not listening.inotify.is_silent():
            return None
        if listening.mounts != MOUNT_TABLE.generation():
            self._listening = None
            _set_soon(listening.again)
            return None
        return self._generation

    async def _watch_inotify(self) -> None:
        from codex_auth_lsp.stores.inotify import Inotify  # only where a watch is started

        while True:
            try:
                with Inotify() as inotify:
                    await self._listen(inotify)
            except OSError as exc:
                # No inotify instance or watch left (EMFILE, ENOSPC).
                logger.info("inotify is not available (%s); looking at the files", exc.strerror)
                await self._poll(rounds=1)
            finally:
                self._listening = None

    async def _listen(self, inotify: Inotify) -> None:
        """Watch what is to be watched now, and again after each change."""
        from codex_auth_lsp.stores.watch_targets import find_targets

        watched: dict[Target, int] = {}
        refused: frozenset[Target] = frozenset()
        is_again = False
        while True:
            mounts = MOUNT_TABLE.generation()
            find = partial(find_targets, self._files, self._suffixes)
            found = await self._disk.call_async(find)
            if found.targets - refused != watched.keys():
                change = partial(_change_watches, inotify, watched, found.targets)
                refused = await self._disk.call_async(change)
                self._on_change()  # what happened before they were in place
                if is_again:  # somebody changes without end what is to be watched
                    await asyncio.sleep(OTHERS_FIRST_SECONDS)
                is_again = True
            else:
                is_again = False
                again = asyncio.Event()
                if found.is_all_told and not refused and mounts is not None:
                    self._generation += 1
                    self._listening = _Listening(inotify, mounts, again)
                is_heard = found.is_heard and not refused
                await self._hear(inotify, watched, found.names, again, is_heard=is_heard)

    async def _hear(
        self,
        inotify: Inotify,
        watched: dict[Target, int],
        names: frozenset[str],
        again: asyncio.Event,
        *,
        is_heard: bool,
    ) -> None:
        """Tell of changes until `again` is set, a moment after the first."""
        loop = asyncio.get_running_loop()
        looks = 0

        def take() -> None:
            # One look for all that one write has told: fifty windows do it at once.
            if not _are_any_of_ours(inotify.read(), watched, names):
                return
            nonlocal looks
            looks += 1
            if looks == 1:
                _set_soon(again)
            if looks == _MOST_LOOKS:
                loop.remove_reader(inotify)
            self._listening = None
            self._on_change()

        loop.add_reader(inotify, take)
        try:
            if is_heard:
                await again.wait()
            else:
                await self._look_beside(again)
        finally:
            loop.remove_reader(inotify)

    async def _look_beside(self, again: asyncio.Event) -> None:
        """Look at the files from time to time until there is a change, and tell of it."""
        before = await self._disk.call_async(self._signatures)
        self._on_change()  # what happened before
        while not again.is_set():
            try:
                async with asyncio.timeout(UNHEARD_SECONDS):
                    await again.wait()
            except TimeoutError:
                if await self._disk.call_async(self._signatures) != before:
                    self._on_change()
                    return

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

    def _signatures(self) -> list[tuple[int, ...] | None]:
        return [_signature(file) for file in self._files]


class _Listening(NamedTuple):
    """A watch that is in place and tells of everything, as far as mounts are what they were."""

    inotify: Inotify
    mounts: int
    again: asyncio.Event


def _set_soon(event: asyncio.Event) -> None:
    """Set it when others had their turn; a task that slept for as long would be woken to do so."""
    asyncio.get_running_loop().call_later(OTHERS_FIRST_SECONDS, event.set)


def _change_watches(
    inotify: Inotify, watched: dict[Target, int], targets: frozenset[Target]
) -> frozenset[Target]:
    """Watch `targets` and nothing else, as far as they are still there; return what may not be."""
    refused = set()
    for target in watched.keys() - targets:
        watch = watched.pop(target)
        if watch not in watched.values():
            inotify.remove(watch)
    for target in targets - watched.keys():
        try:
            watched[target] = inotify.add(target.path, target.mask)
        except (FileNotFoundError, NotADirectoryError):
            logger.debug("%s has changed meanwhile", target.path)
        except PermissionError:
            refused.add(target)
    return frozenset(refused)


def _are_any_of_ours(
    events: Iterable[Event], watched: dict[Target, int], names: frozenset[str]
) -> bool:
    """Say whether an event matters; a watch that has ended by itself is taken out of `watched`.

    So are all where nobody can say which have.
    """
    from codex_auth_lsp.stores.inotify import IGNORED, OVERFLOW

    found = False
    for event in events:
        if event.mask & OVERFLOW:
            watched.clear()
            found = True
        targets = [target for target, watch in watched.items() if watch == event.watch]
        if event.mask & IGNORED:
            for target in targets:
                del watched[target]
        is_ours = bool(targets) and (not event.name or event.name in names)
        found = found or is_ours
    return found


def _signature(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
