"""Who holds a lock, where Linux tells: the number, the name and the user of a process.

Only `/proc` is read, and only what this user may read of it; elsewhere nobody is named.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")
_FLOCK = re.compile(r"FLOCK\s+\S+\s+\S+\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s")
_FOR_OTHERS = 0o077


def lock_holder(path: Path) -> str | None:
    """Return who holds the BSD lock on a file."""
    return next((_named(process_id) for process_id in _holders(path)), None)


def is_kept_by_a_stranger(folder: Path) -> bool:
    """Say whether another user's program has a lock on a folder, or may have it.

    Whoever can open a folder can lock it. Where nobody can tell whose program it is, who may open
    the folder decides.
    """
    user = os.getuid()
    owners = [_owner(process_id) for process_id in _holders(folder)]
    if None not in owners and owners:
        return any(owner != user for owner in owners)
    status = folder.stat()
    return status.st_uid != user or bool(status.st_mode & _FOR_OTHERS)


def _holders(path: Path) -> Iterator[int]:
    try:
        inode = path.stat().st_ino
        text = (_PROC / "locks").read_text(encoding="ascii", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        found = _FLOCK.search(line)
        if found and int(found[2]) == inode and int(found[1]) > 0:
            yield int(found[1])


def _owner(process_id: int) -> int | None:
    """Return the user of a process, None where it is hidden or has ended.

    Its folder in `/proc` would be root's where it lets nobody look into it, as ours do.
    """
    try:
        text = (_PROC / str(process_id) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = re.search(r"^Uid:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def who_keeps(path: Path | None, otherwise: str) -> str:
    """Return who holds the lock, as a sentence begins; `otherwise` where nobody can tell."""
    holder = lock_holder(path) if path is not None else None
    return otherwise if holder is None else holder[0].upper() + holder[1:]


def _named(process_id: int) -> str:
    if process_id == os.getpid():
        return "this process"
    try:
        name = (_PROC / str(process_id) / "comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"process {process_id}"
    return f"process {process_id} ({re.sub(r'[^ -~]', '?', name.strip())})"
