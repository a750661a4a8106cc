"""A file that is mounted by itself, as into a container: no rename or removal reaches it.

Such a file is read and never written, neither here nor by the Codex CLI. Linux tells what is
mounted; elsewhere no file is.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_NUMBER = re.compile(rb"^mnt_id:\s*(\d+)$", re.MULTILINE)  # proc_pid_fdinfo(5)

_PAGE = 4096  # bytes: such a file has some lines


def is_mounted(path: Path) -> bool:
    """Say whether a file, named by its real path, is on another mount than its folder.

    Cheap enough for every look: `/proc/self/mountinfo` may have thousands of lines.
    """
    try:
        return _mount_number(path) != _mount_number(path.parent)
    except OSError:
        return False  # it is not there, or nobody tells


def mounted_detail(path: Path) -> str:
    """Say why a file that is mounted by itself is not written, and what helps."""
    return f"{path} is mounted by itself and cannot be replaced; mount its folder, not the file."


def _mount_number(path: Path) -> bytes | None:
    """Return what tells one mount from another, None where nobody tells.

    Raises:
        OSError: There is no such file.
    """
    if sys.platform != "linux":
        return None
    descriptor = os.open(path, os.O_PATH)
    try:
        told = os.open(f"/proc/self/fdinfo/{descriptor}", os.O_RDONLY)
        try:
            found = _NUMBER.search(os.read(told, _PAGE))
        finally:
            os.close(told)
    finally:
        os.close(descriptor)
    return found[1] if found else None
