"""Who holds a lock or a port, where Linux tells: the number and the name of a process.

Only `/proc` is read, and only what this user may read of it; elsewhere nobody is named.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_PROC = Path("/proc")
_LISTENING = "0A"  # <net/tcp_states.h>, as it stands in /proc/net/tcp


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


def port_holder(port: int) -> str | None:
    """Return who listens on a port of 127.0.0.1 or of every address."""
    try:
        lines = (_PROC / "net" / "tcp").read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return None
    inodes = {
        fields[9]
        for fields in map(str.split, lines)
        if len(fields) > 9 and fields[3] == _LISTENING and fields[1].endswith(f":{port:04X}")
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for folder in _PROC.glob("[0-9]*"):
        if any(target in wanted for target in _open_files(folder)):
            return _named(int(folder.name))
    return None


def _open_files(folder: Path) -> list[str]:
    try:
        return [str(entry.readlink()) for entry in (folder / "fd").iterdir()]
    except OSError:
        return []  # another user's, or gone


def _named(process_id: int) -> str:
    if process_id == os.getpid():
        return "this process"
    try:
        name = (_PROC / str(process_id) / "comm").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"process {process_id}"
    return f"process {process_id} ({re.sub(r'[^ -~]', '?', name.strip())})"
