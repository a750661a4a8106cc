"""Where the D-Bus session bus listens, found without talking to anybody.

The Codex CLI's rule (that of its library, zbus 4): `DBUS_SESSION_BUS_ADDRESS`, else `bus` in
`XDG_RUNTIME_DIR`, else in `/run/user/<uid>`. Editors are often started without the variable.
"""

from __future__ import annotations

import os
import stat
import string
from pathlib import Path

_PLAIN = frozenset(string.ascii_letters + string.digits + "-_/.\\*")


def session_bus_address() -> str | None:
    """Return the bus address, None where there is no session bus."""
    address = os.environ.get("DBUS_SESSION_BUS_ADDRESS")
    if address:
        return address
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    socket = Path(folder) / "bus"
    try:
        is_socket = stat.S_ISSOCK(socket.stat().st_mode)
    except OSError:
        return None
    return f"unix:path={_escaped(str(socket))}" if is_socket else None


def _escaped(path: str) -> str:
    """Escape a path for an address (D-Bus specification, "Server Addresses")."""
    return "".join(
        chr(byte) if chr(byte) in _PLAIN else f"%{byte:02x}" for byte in os.fsencode(path)
    )
