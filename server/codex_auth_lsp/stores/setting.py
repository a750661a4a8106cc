"""What the file system says of a login's file beside its content, as one value to compare.

Two equal ones mean that permissions, owners, links, mounts and what may be written are the same, so
that a report of them need not be made anew. A file that takes another one's place, with another
login in it, may have the same.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TypeAlias

from codex_auth_lsp.stores.mount_table import MOUNT_TABLE

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})

Setting: TypeAlias = tuple[object, ...]


def setting_of(path: str, folder: str) -> Setting | None:
    """Return the setting of a file in `folder`; None where it is not to be had so cheaply.

    That is so of a symbolic link: what it leads to has a folder of its own.
    """
    try:
        home = os.stat(folder)  # noqa: PTH116 - at every look: a Path costs as much again
        around = (
            *(home.st_dev, home.st_ino, home.st_mode, home.st_uid),
            os.access(folder, os.W_OK),
            os.geteuid() if os.name != "nt" else 0,
        )
    except OSError:
        return None
    mounts = MOUNT_TABLE.generation()
    try:
        file = os.lstat(path)
    except OSError as exc:
        return (around, mounts, exc.errno) if exc.errno in _NOT_THERE else None
    if mounts is None or stat.S_ISLNK(file.st_mode):
        return None
    return (around, mounts, file.st_dev, file.st_mode, file.st_uid, file.st_nlink)
