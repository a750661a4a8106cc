"""The program that a client starts in place of the server, or of a browser, while it is checked.

It knows nothing of the protocol: what comes on stdin goes to the checker, what the checker sends
goes to stdout. Run as `python -I -m codex_auth_lsp.conformance.relay PORT TICKET ROLE WORDS...`.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading

_CHUNK = 64 * 1024


def main() -> None:
    """Connect and pass bytes on until the checker closes the connection."""
    port, ticket, role, *words = sys.argv[1:]
    if words == ["--version"]:
        from codex_auth_lsp import __version__

        sys.stdout.write(f"codex-auth-lsp {__version__}\n")
        return
    line = socket.create_connection(("127.0.0.1", int(port)))
    hello = {"ticket": ticket, "role": role, "words": words}
    line.sendall(json.dumps(hello).encode() + b"\n")
    threading.Thread(target=_send, args=[line], daemon=True).start()
    try:
        while chunk := line.recv(_CHUNK):
            os.write(1, chunk)
    except OSError:
        pass  # one of the two ends has gone
    os._exit(0)


def _send(line: socket.socket) -> None:
    try:
        while chunk := os.read(0, _CHUNK):
            line.sendall(chunk)
        line.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the checker has closed


if __name__ == "__main__":
    main()
