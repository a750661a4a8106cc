"""A client that leaves its input unread: borne while it reads at all, and for a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import IO

from codex_auth_lsp.transport import stdio

SERVER = """
import sys
from codex_auth_lsp.transport import stdio
stdio.{name} = {value}
from codex_auth_lsp.cli import main
main(["--codex-home", sys.argv[1]])
"""
IMPATIENT = SERVER.format(name="UNREAD_SECONDS", value=0.5)
SMALL = SERVER.format(name="UNREAD_BYTES", value=65536)
STATUSES = 400
"""Their answers are several times what a pipe holds."""


def frame(**message: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def started(folder: os.PathLike[str], program: str = IMPATIENT) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [sys.executable, "-I", "-c", program, os.fspath(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    messages = [frame(id=0, method="initialize", params={"capabilities": {}})]
    messages += [frame(id=n, method="auth/status") for n in range(1, STATUSES + 1)]
    pipe(server.stdin).write(b"".join(messages))
    pipe(server.stdin).flush()
    return server


def pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def test_client_that_reads_slowly_is_served_to_the_end(tmp_path):
    """(W17) Its pipe is full for several times the deadline, and something is always taken."""
    server = started(tmp_path)
    output, pause, received = pipe(server.stdout), threading.Event(), bytearray()
    for _ in range(8):  # a piece every quarter of a second, while the deadline is half of one
        received += os.read(output.fileno(), 4096)
        pause.wait(0.25)
    pipe(server.stdin).write(frame(id="last", method="shutdown") + frame(method="exit"))
    pipe(server.stdin).flush()
    received += output.read()

    assert (server.wait(10), received.count(b'"id":"last"')) == (0, 1)
    assert received.count(b'"serverInstanceId"') == STATUSES + 1
    server.communicate()


def test_client_that_reads_nothing_is_given_up(tmp_path):
    """(W17) The process ends by itself, and does not wait for what nobody takes."""
    server = started(tmp_path)

    assert server.wait(20) == 0
    server.communicate()


def test_client_that_leaves_too_much_unread_is_given_up_at_once(tmp_path):
    """(W17) Whatever time it has left: what is kept for it is bounded."""
    assert stdio.UNREAD_BYTES == 32 * 1024 * 1024
    server = started(tmp_path, SMALL)

    assert server.wait(stdio.UNREAD_SECONDS / 2) == 0
    server.communicate()
