"""A program that floods a loopback port: `flooder.py PORT HALF_OPEN REQUESTS SECONDS`.

It holds connections on which a request has begun and never ends, and sends whole forged requests at
an even pace, each on a connection of its own. It waits for no answer, so that nothing but the pace
holds it up. It says `ready` when the half-open connections stand, `done` after the last request,
and then how many it has sent.
"""

from __future__ import annotations

import socket
import sys
import time
from collections import deque

OPEN = 500
"""Connections whose answer is let come; the oldest is closed for a new one."""


def main(port: int, half_open: int, requests: int, seconds: float) -> None:
    """Flood the port."""
    held = [
        connect(port, b"GET /auth/callback?code=x&state=y HTTP/1.1\r\nHost: ")
        for _ in range(half_open)
    ]
    print("ready", flush=True)
    forged = b"GET /auth/callback?code=x&state=y HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port
    opened: deque[socket.socket] = deque()
    begun, sent = time.monotonic(), 0
    for number in range(requests):
        if (early := begun + seconds * number / requests - time.monotonic()) > 0:
            time.sleep(early)
        if len(opened) >= OPEN:
            opened.popleft().close()
        opened.append(connect(port, forged))
        sent += 1
    print(f"done {sent} {time.monotonic() - begun:.2f}", flush=True)
    sys.stdin.read()
    for one in (*held, *opened):
        one.close()


def connect(port: int, data: bytes) -> socket.socket:
    """Open a connection and send what it takes at once."""
    one = socket.socket()
    one.setblocking(False)
    one.connect_ex(("127.0.0.1", port))
    try:
        one.send(data)
    except OSError:
        pass  # the port's queue is full: the kernel tries on
    return one


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
