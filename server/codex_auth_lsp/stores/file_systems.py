"""Which file systems are this machine's own, so that the system knows of every change in them.

On another one, a network's or one that a program serves, somebody else may write unseen.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from typing import Any

_OWN = frozenset(
    {
        0xEF53,  # ext2, ext3, ext4
        0x58465342,  # XFS
        0x9123683E,  # Btrfs
        0xF2F52010,  # F2FS
        0xCA451A4E,  # bcachefs
        0x2FC12FC1,  # ZFS
        0x01021994,  # tmpfs
        0x858458F6,  # ramfs
        0x794C7630,  # overlayfs, as in a container
    }
)
"""statfs(2) `f_type`."""

_LARGEST = 512  # bytes, more than any `struct statfs`


def is_own(path: str) -> bool:
    """Say whether the file system of a path is known as this machine's own; Linux alone knows."""
    told = ctypes.create_string_buffer(_LARGEST)
    if _libc().statfs(os.fsencode(path), told) != 0:
        return False
    return ctypes.c_long.from_buffer(told).value in _OWN  # `f_type` comes first


@cache
def _libc() -> Any:
    return ctypes.CDLL(None)
