"""The program that a client starts in place of the server, or of a browser, while it is checked.

It knows nothing of the protocol: what comes on stdin goes to the checker, what the checker sends
goes to stdout. Run as `python -I -m codex_auth_lsp.conformance.relay PORT FILE ROLE WORDS...`, the
file being one with the checker's ticket.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_CHUNK = 64 * 1024

_LAST_WORDS_SECONDS = 2.0
"""How long what a client wrote before it ended this process by a signal may take to be read."""


class _Ended(Exception):
    """A signal tells this process to end."""


def main() -> None:
    """Connect and pass bytes on until the checker closes the connection."""
    port, file, role, *words = sys.argv[1:]
    if words == ["--version"]:
        from codex_auth_lsp import __version__

        sys.stdout.write(f"codex-auth-lsp {__version__}\n")
        return
    ticket = Path(file).read_bytes()
    line = socket.create_connection(("127.0.0.1", int(port)))
    hello = json.dumps({"role": role, "words": words}).encode()
    line.sendall(ticket + b" " + hello + b"\n")
    sender = threading.Thread(target=_send, args=[line], daemon=True)
    sender.start()
    try:
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), _end)
        while chunk := line.recv(_CHUNK):
            os.write(1, chunk)
    except _Ended:
        sender.join(_LAST_WORDS_SECONDS)
    except OSError:
        pass  # one of the two ends has gone
    os._exit(0)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _Ended


def _send(line: socket.socket) -> None:
    try:
        while chunk := os.read(0, _CHUNK):
            line.sendall(chunk)
        line.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the checker has closed


if __name__ == "__main__":
    main()
