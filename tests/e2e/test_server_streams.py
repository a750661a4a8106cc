"""The language server on streams of other kinds than an editor's pipes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from typing import IO, TYPE_CHECKING, Any

import pytest

from support.lsp_client import clean_environment, server_command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.shapes import CodexHome

IN_TIME = 5.0
"""Seconds within which a process has ended after its client has gone."""

START = 15.0
"""Seconds that a start may take: a ceiling against hangs."""


def frame(**message: Any) -> bytes:
    """Return the frame of a message."""
    content = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


INITIALIZE = frame(id=1, method="initialize", params={"capabilities": {}})
STATUS = frame(id=2, method="auth/status")


def run(
    home: CodexHome,
    folder: Path,
    *,
    redirection: str = "",
    log_level: str | None = None,
    **streams: int | IO[bytes] | socket.socket | None,
) -> subprocess.Popen[bytes]:
    """Start a language server on these streams."""
    command = server_command(home=home.path, log_level=log_level)
    return subprocess.Popen(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *command],
        cwd=folder,
        env=clean_environment(folder),
        **streams,
    )  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("redirection", ["</dev/null", "<&-"])
def test_a_stdin_without_anything_is_the_end(home: CodexHome, tmp_path: Path, redirection):
    """(W15) Nobody will ever say anything, and no loop can wait for /dev/null."""
    server = run(
        home, tmp_path, redirection=redirection, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )

    output, log = server.communicate(timeout=START)

    assert (server.returncode, output, log) == (0, b"", b"")


@pytest.mark.parametrize("redirection", ["0>/dev/null", "0>unread"])
def test_a_stdin_that_cannot_be_read_is_the_end(home: CodexHome, tmp_path: Path, redirection):
    """(W15) Open for writing alone, by a mistake in some script: no traceback, and no process."""
    server = run(
        home, tmp_path, redirection=redirection, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )

    output, log = server.communicate(timeout=START)

    assert (server.returncode, output, log) == (0, b"", b"")


def test_a_file_as_stdin_is_served_to_its_end(home: CodexHome, tmp_path: Path):
    """A recorded conversation, as a bug report may hold one."""
    recorded = tmp_path / "recorded"
    recorded.write_bytes(INITIALIZE + STATUS)
    with recorded.open("rb") as stdin:
        server = run(home, tmp_path, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, log = server.communicate(timeout=START)

    assert (server.returncode, log) == (0, b"")
    assert output.count(b"Content-Length: ") == 2


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Offer both ends of a socket."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(START)
        yield ours, theirs


def test_one_socket_may_be_both_streams(
    home: CodexHome, tmp_path: Path, connection: tuple[socket.socket, socket.socket]
):
    """(W15) Socat and inetd start programs so; all is answered, also when one half is closed."""
    ours, theirs = connection
    server = run(home, tmp_path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    theirs.close()
    ours.sendall(INITIALIZE)
    received = ours.recv(65536)
    ours.sendall(STATUS + frame(id=3, method="shutdown"))
    ours.shutdown(socket.SHUT_WR)
    while chunk := ours.recv(65536):
        received += chunk

    assert received.count(b"Content-Length: ") == 3
    assert server.wait(IN_TIME) == 0
    assert server.communicate()[1] == b""


def test_a_socket_whose_other_end_is_gone_is_the_end(
    home: CodexHome, tmp_path: Path, connection: tuple[socket.socket, socket.socket]
):
    """(W15) As with pipes."""
    ours, theirs = connection
    server = run(home, tmp_path, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    theirs.close()
    ours.sendall(INITIALIZE)
    ours.recv(65536)
    ours.close()

    assert server.wait(IN_TIME) == 0
    assert server.communicate()[1] == b""


@pytest.mark.parametrize("reader", ["does not read", "has gone"])
def test_a_log_that_nobody_reads_neither_holds_it_up_nor_fails_it(
    home: CodexHome, tmp_path: Path, reader
):
    """(W15) The pipe of stderr is full, or broken, and the end is as orderly as ever."""
    log, stderr = os.pipe()
    server = run(
        home, tmp_path, log_level="DEBUG", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=stderr,
    )  # fmt: skip
    os.close(stderr)
    if reader == "has gone":
        os.close(log)
    assert server.stdin is not None
    assert server.stdout is not None

    server.stdin.write(INITIALIZE + STATUS * 2000 + frame(id=3, method="shutdown"))
    server.stdin.flush()
    received = b""
    while b'"id":3' not in received[-1000:]:
        received += os.read(server.stdout.fileno(), 65536)
    server.stdin.close()

    assert server.wait(IN_TIME) == 0
    server.stdout.close()
    if reader != "has gone":
        os.close(log)


def test_a_client_that_closes_its_end_is_the_end(home: CodexHome, tmp_path: Path):
    """(W15) It still keeps the other pipe open, and nothing is written just then."""
    server = run(
        home, tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(INITIALIZE + STATUS)
    server.stdin.flush()
    received = b""
    while b'"id":2' not in received:
        received += os.read(server.stdout.fileno(), 65536)
    server.stdout.close()

    assert server.wait(IN_TIME) == 0
    with server.stdin, server.stderr:  # type: ignore[union-attr]
        assert server.stderr.read() == b""  # type: ignore[union-attr]


def test_a_file_as_stdout_gets_every_answer(home: CodexHome, tmp_path: Path):
    """No loop can wait for a file; what is answered early and late stands in it, in order."""
    written = tmp_path / "written"
    messages = b"".join(frame(id=number, method="auth/status") for number in range(2, 500))
    with written.open("wb") as stdout:
        server = run(home, tmp_path, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE)
        _, log = server.communicate(
            INITIALIZE + messages + frame(id=500, method="shutdown") + frame(method="exit"),
            timeout=START,
        )
    heads = written.read_bytes().split(b"Content-Length: ")[1:]
    bodies = [json.loads(head.partition(b"\r\n\r\n")[2]) for head in heads]

    assert (server.returncode, log) == (0, b"")
    assert [body["id"] for body in bodies] == [*range(1, 501)]


def test_a_full_disk_as_stdout_is_the_end(home: CodexHome, tmp_path: Path):
    """Nobody will ever read what is written there."""
    server = run(
        home, tmp_path, redirection=">/dev/full", stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert server.stdin is not None
    server.stdin.write(INITIALIZE + STATUS)
    server.stdin.flush()

    assert server.wait(START) == 0
    with server.stdin, server.stderr:  # type: ignore[union-attr]
        assert server.stderr.read() == b""  # type: ignore[union-attr]
