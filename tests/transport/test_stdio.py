"""A client that leaves its input unread: borne while it reads at all, and for a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import IO

import pytest

SERVER = """
import sys
from codex_auth_lsp.transport import output
output.UNREAD_SECONDS = float(sys.argv[2])
output.FULL_BYTES, output.UNREAD_BYTES = 100_000, 200_000
from codex_auth_lsp.transport import serve
serve.others_wait = lambda: sys.argv[3] == "busy"
from codex_auth_lsp.cli import main
main(["--codex-home", sys.argv[1]])
"""
STATUSES = 400
"""Their answers are several times what a pipe holds, and what may wait."""


def frame(**message: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def started(
    folder: os.PathLike[str], patience: float = 0.5, machine: str = "idle"
) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [sys.executable, "-I", "-c", SERVER, os.fspath(folder), str(patience), machine],
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


@pytest.mark.parametrize("machine", ["idle", "busy"])
def test_client_that_reads_slowly_is_served_to_the_end(tmp_path, machine):
    """(W17) Its pipe is full for several times the deadline, and something is always taken."""
    server = started(tmp_path, machine=machine)
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


@pytest.mark.parametrize("machine", ["idle", "busy"])
def test_client_that_reads_after_it_has_written_everything_is_served(tmp_path, machine):
    """(W17) What does not fit waits unread, with the client's writes, and nothing is lost."""
    server = started(tmp_path, patience=60, machine=machine)
    messages = [frame(id=n, method="auth/status") for n in range(STATUSES + 1, 3 * STATUSES + 1)]
    messages += [frame(id="last", method="shutdown"), frame(method="exit")]
    rest = b"".join(messages)
    writing = threading.Thread(target=pipe(server.stdin).write, args=(rest,))
    writing.start()
    received = pipe(server.stdout).read()
    writing.join()

    assert (server.wait(10), received.count(b'"id":"last"')) == (0, 1)
    assert received.count(b'"serverInstanceId"') == 3 * STATUSES + 1
    server.communicate()


def test_client_that_reads_nothing_is_given_up(tmp_path):
    """(W17) The process ends by itself, and does not wait for what nobody takes."""
    server = started(tmp_path)

    assert server.wait(20) == 0
    server.communicate()
