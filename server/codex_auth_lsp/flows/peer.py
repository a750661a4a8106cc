"""Whose program is at the other end of a loopback connection, as Linux's kernel lists it.

Another user of the machine can see the sign-in address where a desktop's opener gets it as an
argument, and could sign in as themselves with it and bring their own code: the person would be
signed in to a stranger's account. macOS and Windows have no list that every program may read.
"""

from __future__ import annotations

import os
import socket
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_USER_MAP = Path("/proc/self/uid_map")
_EVERY_USER = ["0", "0", "4294967295"]
_ROOT = 0


def is_of_another_user(peer: tuple[str, int], port: int) -> bool:
    """Say whether a connection to `port` on 127.0.0.1 is not known to be this user's.

    Where the kernel keeps no list, nobody is refused; where it does, who is not on it has hung up,
    which a browser that waits for its page has not. Root reads every login anyway, and a server
    that runs as root, as in a container, may well have a person who does not.
    """
    user = os.getuid() if hasattr(os, "getuid") else _ROOT
    if user == _ROOT or not _sees_every_user():
        return False
    try:
        return not any(
            owner == user or (owner == _ROOT and is_open) for owner, is_open in _owners(peer, port)
        )
    except (OSError, ValueError, IndexError):
        return False


def _owners(peer: tuple[str, int], port: int) -> Iterator[tuple[int, bool]]:
    """Yield user and whether it is still open, for each socket from `peer` to the port.

    A socket that its program has closed already is listed as root's.
    """
    ends = [_address(peer), _address(("127.0.0.1", port))]
    for table in _TABLES:
        if table is not _TABLES[0] and not table.exists():
            continue  # there is no IPv6
        with table.open(encoding="ascii") as lines:
            for line in islice(lines, 1, None):
                fields = line.split()
                if [field[-13:] for field in fields[1:3]] == ends:
                    yield int(fields[7]), fields[9] != "0"


def _address(end: tuple[str, int]) -> str:
    """Return an IPv4 address and port as the tables have it, also at the end of a mapped one."""
    number = int.from_bytes(socket.inet_aton(end[0]), sys.byteorder)
    return f"{number:08X}:{end[1]:04X}"


def _sees_every_user() -> bool:
    """Say whether user numbers are what they seem: a user namespace shows strangers as one."""
    try:
        return _USER_MAP.read_text(encoding="ascii").split() == _EVERY_USER
    except OSError:
        return False
