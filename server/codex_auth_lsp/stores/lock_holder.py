"""Who holds a lock, where Linux tells: the number and the name of a process.

Only `/proc` is read, and only what this user may read of it; elsewhere nobody is named.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_PROC = Path("/proc")


def lock_holder(path: Path) -> str | None:
    """Return who holds the BSD lock on a file."""
    try:
        inode = path.stat().st_ino
        text = (_PROC / "locks").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        found = re.search(r"FLOCK\s+\S+\s+\S+\s+(\d+)\s+[0-9a-f]+:[0-9a-f]+:(\d+)\s", line)
        if found and int(found[2]) == inode and int(found[1]) > 0:
            return _named(int(found[1]))
    return None


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
