"""The two ports to which OpenAI's issuer redirects, and who holds them.

Looking gets in nobody's way: a port is bound for an instant and never listened on, which on Linux
another login does not even notice. Who holds a port is read from the kernel's table where there is
one (Linux); reading it takes milliseconds, so that is left for the moment when somebody is told.
Nobody who holds a port is asked to go, another Codex login least of all.
"""

from __future__ import annotations

import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.claims import clean_text
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLBACK_PORTS = (1455, 1457)
"""The ports of the redirect URIs that OpenAI's issuer has registered for Codex."""

_PROC = Path("/proc")
_LISTENING = "0A"
_TABLES = ("net/tcp", "net/tcp6")
# 127.0.0.1 and every address, as the kernel writes them; ::1 is another place.
_IN_THE_WAY = frozenset(
    {
        "0100007F",
        "00000000",
        "0000000000000000FFFF00000100007F",
        "00000000000000000000000000000000",
    }
)
_SOCKET = re.compile(r"socket:\[(\d+)\]")


@frozen
class PortHolder:
    """Who listens on a port; `program` and `process_id` are None where the system tells nobody."""

    port: int
    program: str | None = None
    process_id: int | None = None

    def __str__(self) -> str:
        if self.process_id is None:
            return f"{self.port} by another program"
        return f"{self.port} by {self.program or 'a program'} (process {self.process_id})"


def taken_ports() -> tuple[int, ...]:
    """Return those of the ports that are not free; takes no millisecond."""
    return tuple(port for port in CALLBACK_PORTS if not _is_free(port))


def are_callback_ports_taken() -> bool:
    """Say whether neither port is free; takes no millisecond."""
    return taken_ports() == CALLBACK_PORTS


def port_holders(proc: Path = _PROC) -> tuple[PortHolder, ...]:
    """Return who holds the ports; of other people's processes a system does not tell."""
    seen = _listeners(proc)
    processes = _processes_of(frozenset(seen.values()), proc)
    return tuple(
        PortHolder(port, *processes.get(seen.get(port, ""), (None, None)))
        for port in CALLBACK_PORTS
    )


def _listeners(proc: Path) -> dict[int, str]:
    """Return the socket that listens on each port, nothing where no table is kept."""
    found: dict[int, str] = {}
    try:
        # The second table is missing where there is no IPv6.
        tables = [(proc / name).read_text("ascii") for name in _TABLES if (proc / name).exists()]
    except (OSError, ValueError):
        return {}
    for row in (line.split() for table in tables for line in table.splitlines()[1:]):
        if len(row) < 10 or row[3] != _LISTENING:
            continue
        address, _, port = row[1].partition(":")
        if address in _IN_THE_WAY:
            found.setdefault(int(port, 16), row[9])
    return found


def _processes_of(sockets: frozenset[str], proc: Path) -> dict[str, tuple[str | None, int]]:
    """Return name and id of the process of each socket, as far as this user may know."""
    found: dict[str, tuple[str | None, int]] = {}
    for process_id in _process_ids(proc):
        folder = proc / str(process_id)
        for number in _sockets(folder / "fd"):
            if number in sockets:
                found.setdefault(number, (_program(folder), process_id))
    return found


def _process_ids(proc: Path) -> list[int]:
    try:
        return [int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []


def _sockets(descriptors: Path) -> Iterator[str]:
    try:
        entries = list(descriptors.iterdir())
    except OSError:
        return  # another user's, or gone
    for entry in entries:
        try:
            match = _SOCKET.fullmatch(str(entry.readlink()))
        except OSError:
            continue
        if match is not None:
            yield match[1]


def _program(folder: Path) -> str | None:
    try:
        return clean_text((folder / "comm").read_text("utf-8", "replace")) or None
    except OSError:
        return None


def _is_free(port: int) -> bool:
    # With SO_REUSEADDR on both sides Linux lets others bind and listen while this socket is there.
    with socket.socket() as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
