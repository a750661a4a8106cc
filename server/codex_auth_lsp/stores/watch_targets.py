"""What has to be watched so that no change to some files goes unnoticed.

Folders beside the files, since a rename replaces a file; of every symbolic link on the way to one,
the link's folder; of a folder that is missing or may not be read, its nearest parent that may; of
all their parents, whether they are moved. It is found after every change, so paths are plain text
here: those of pathlib take five times as long.
"""
# ruff: noqa: PTH112, PTH113, PTH115, PTH116, PTH118, PTH120

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from codex_auth_lsp.stores import inotify
from codex_auth_lsp.stores.file_systems import is_own

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MOST_LINKS = 40  # as Linux has it

# Writes are watched on the files alone: a busy program writes others in the same folder.
_IN_FOLDER = (
    inotify.CREATE | inotify.MOVED_TO | inotify.MOVED_FROM | inotify.DELETE
    | inotify.ATTRIB | inotify.DELETE_SELF | inotify.MOVE_SELF
)  # fmt: skip
_IN_FILE = inotify.MODIFY | inotify.CLOSE_WRITE | inotify.ATTRIB


class Target(NamedTuple):
    """A path to watch; device and inode tell what has been put in its place."""

    path: str
    device: int
    inode: int
    mask: int


class Targets(NamedTuple):
    """All of them, and the names that matter in the folders.

    `is_heard` is false where somebody can change a file without a word to the watch: on a disk that
    is not this machine's alone, or where one may not watch. `is_all_told` is false there, too, and
    where a folder above may not be watched.
    """

    targets: frozenset[Target]
    names: frozenset[str]
    is_heard: bool
    is_all_told: bool


def find_targets(files: Iterable[Path], suffixes: tuple[str, ...]) -> Targets:
    """Find what there is to watch now; `suffixes` are what files beside have after their names."""
    masks: dict[str, int] = {}
    names = set()
    is_heard = True
    way, nearest = cache(_way), cache(_nearest_folder)
    for file in files:
        *links, folder = way(str(file.parent))
        *more_links, real = _way(os.path.join(folder, file.name))
        for entry in (*links, *more_links, real):
            wanted = os.path.dirname(entry)
            watched = nearest(wanted)
            is_heard = is_heard and (watched == wanted or _is_missing(wanted))
            masks[watched] = _IN_FOLDER
            names.add(entry[len(watched) :].strip("/").partition("/")[0])
        for path in (real + suffix for suffix in suffixes):
            if os.path.isfile(path):  # also where the way there is closed
                may_be_watched = _may_be_watched(path)
                is_heard = is_heard and may_be_watched
                if may_be_watched:
                    masks[path] = _IN_FILE
    above = {parent for path in masks for parent in _above(path)} - masks.keys()
    readable = {path for path in above if _may_be_watched(path)}
    targets = [_target(path, mask) for path, mask in masks.items()]
    own = {target.device: is_own(target.path) for target in targets}
    is_heard = is_heard and all(own.values())
    return Targets(
        _joined([*targets, *(_target(path, inotify.MOVE_SELF) for path in readable)]),
        frozenset(f"{name}{suffix}" for name in names for suffix in suffixes),
        is_heard,
        is_heard and readable == above,
    )


def _joined(targets: list[Target]) -> frozenset[Target]:
    """Return them with one mask for each file or folder, as inotify has it, whatever its names."""
    masks: dict[tuple[int, int], int] = {}
    for target in targets:
        place = (target.device, target.inode)
        masks[place] = masks.get(place, 0) | target.mask
    return frozenset(target._replace(mask=masks[target.device, target.inode]) for target in targets)


def _target(path: str, mask: int) -> Target:
    status = os.stat(path)
    return Target(path, status.st_dev, status.st_ino, mask)


def _way(path: str) -> list[str]:
    """Return what decides where a path leads: each symbolic link on the way, and where it ends."""
    return list(_entries(path))


def _entries(path: str) -> Iterator[str]:
    at, rest = "/", _names(path)
    links = 0
    while rest:
        name = rest.pop(0)
        if name == "..":
            yield at  # has to be there, or the way ends in it
        step = os.path.dirname(at) if name == ".." else os.path.join(at, name)
        try:
            target = os.readlink(step)
        except OSError:
            at = step
            continue
        yield step
        links += 1
        if links == _MOST_LINKS:
            break
        if target.startswith("/"):
            at = "/"
        rest[:0] = _names(target)
    yield at


def _names(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in {"", "."}]


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = os.path.dirname(path)
        yield path


def _nearest_folder(folder: str) -> str:
    return next((path for path in (folder, *_above(folder)) if _is_open_folder(path)), "/")


def _is_open_folder(folder: str) -> bool:
    return os.path.isdir(folder) and _may_be_watched(folder)


def _is_missing(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass
    return False


def _may_be_watched(path: str) -> bool:
    return os.access(path, os.R_OK, effective_ids=True)
