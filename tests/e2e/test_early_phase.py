"""What comes before the event loop: nothing of it is lost, nothing holds it up, nothing stays."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.transport.serve import FLUSH_SECONDS
from support.lsp_client import clean_environment, server_command

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome

SECONDS = 15.0
"""A ceiling against hangs."""


def frame(**message: Any) -> bytes:
    """Return the frame of a message."""
    content = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(content), content)


INITIALIZE = frame(id=0, method="initialize", params={"capabilities": {}})
STATUS = frame(id=100, method="auth/status").replace(b"100,", b"%d,")
JUNK = b"junk\r\n"


def answers(output: bytes) -> dict[Any, str]:
    """Return for each id whether it was answered by a result or by which error."""
    found = {}
    while output:
        header, _, rest = output.partition(b"\r\n\r\n")
        length = int(header.removeprefix(b"Content-Length: "))
        message, output = json.loads(rest[:length]), rest[length:]
        error = message.get("error", {}).get("code")
        found[message["id"]] = "result" if error is None else error
    return found


def run(command: list[str], folder: Path, asked: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run a server that is told everything in one write."""
    return subprocess.run(
        command,
        input=asked,
        capture_output=True,
        env=clean_environment(folder),
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (
            INITIALIZE + frame(id=1, method="nope") + frame(id=2, method="shutdown"),
            {0: "result", 1: -32601, 2: "result"},
        ),
        (frame(id=1, method="auth/status"), {1: -32002}),
        (INITIALIZE + frame(id=1, method="auth/methods"), {0: "result", 1: "result"}),
    ],
    ids=["held requests", "before initialize", "a request for the event loop"],
)
def test_what_came_before_a_bad_frame_is_answered(home: CodexHome, tmp_path, before, expected):
    """(W22) All in one write; then the stream cannot be trusted, which is status 1 and one line."""
    done = run(server_command(home=home.path, log_level=None), tmp_path, before + JUNK)

    assert answers(done.stdout) == expected
    assert done.returncode == 1
    assert done.stderr.startswith(b"codex-auth-lsp: not a language client's stream: ")
    assert done.stderr.count(b"\n") == 1


def test_an_orderly_end_counts_whatever_follows(home: CodexHome, tmp_path):
    """Who says `exit` may close the pipe in the middle of anything."""
    orderly = INITIALIZE + frame(id=1, method="shutdown") + frame(method="exit")
    done = run(server_command(home=home.path, log_level=None), tmp_path, orderly + JUNK)

    assert answers(done.stdout) == {0: "result", 1: "result"}
    assert (done.returncode, done.stderr) == (0, b"")


async def test_a_frame_that_comes_in_drops_holds_nothing_up(start: Starter, home: CodexHome):
    """(W22) The editor that the client has named may die meanwhile."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as editor:
        client = await start.process()
        await client.initialize(process_id=editor.pid)
        large = frame(method="x", params={"a": "b" * 100_000})

        async def drip() -> None:
            for place in range(len(large)):
                await client.send_raw(large[place : place + 1])
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        await asyncio.sleep(0)
        editor.kill()
        returncode = await client.wait_until_ended(SECONDS)
        dripping.cancel()
        await asyncio.wait([dripping])

    assert returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such pipes")
@pytest.mark.parametrize("asked", [b"", INITIALIZE + frame(id=1, method="auth/methods")])
def test_pipes_that_others_share_block_as_before(home: CodexHome, tmp_path, asked):
    """(W22) A shell's next program reads from the same pipe, and would be told to come back."""
    mine, theirs = os.pipe(), os.pipe()
    try:
        os.write(mine[1], asked)
        with subprocess.Popen(
            server_command(home=home.path, log_level=None),
            stdin=mine[0],
            stdout=theirs[1],
            stderr=subprocess.PIPE,
            env=clean_environment(tmp_path),
        ) as server:
            if asked:
                while b'"id":1' not in os.read(theirs[0], 65536):
                    pass
            os.close(mine[1])
            server.wait(SECONDS)
        found = [os.get_blocking(end) for end in (mine[0], theirs[1])]
    finally:
        for end in (mine[0], *theirs):
            os.close(end)

    assert found == [True, True]


@pytest.mark.skipif(os.name != "posix", reason="the signals of POSIX")
def test_pipes_block_as_before_after_a_signal_that_comes_early(home: CodexHome, tmp_path: Path):
    """It ends the process at once, and that is part of it."""
    mine, theirs = os.pipe(), os.pipe()
    try:
        os.write(mine[1], INITIALIZE)
        with subprocess.Popen(
            [sys.executable, "-I", "-c", SLOW, str(home.path)],
            stdin=mine[0],
            stdout=theirs[1],
            stderr=subprocess.PIPE,
            env=clean_environment(tmp_path),
        ) as server:
            while b'"id":0' not in os.read(theirs[0], 65536):
                pass
            server.terminate()
            server.wait(SECONDS)
        found = [os.get_blocking(end) for end in (mine[0], theirs[1])]
    finally:
        for end in (*mine, *theirs):
            os.close(end)

    assert found == [True, True]
    assert server.returncode == 0


SLOW = """
import sys, time
from codex_auth_lsp.transport import serve
serve.QUIET_SECONDS = serve.EARLY_SECONDS = 60.0  # it stays without an event loop
from codex_auth_lsp.cli import main
main(["--codex-home", sys.argv[1]])
"""

THREADLESS = """
import sys, threading
from codex_auth_lsp import cli
leave = cli.leave
def refuse(*_):
    raise RuntimeError("can't start new thread")
def leave_without_a_thread(*arguments):
    threading._start_new_thread = refuse
    leave(*arguments)
cli.leave = leave_without_a_thread
cli.main(["--codex-home", sys.argv[1]])
"""


def test_a_process_ends_in_order_where_it_gets_no_thread(home: CodexHome, tmp_path: Path):
    """The limit of processes may be reached just then."""
    done = run(
        [sys.executable, "-I", "-c", THREADLESS, str(home.path)],
        tmp_path,
        INITIALIZE + frame(id=1, method="shutdown") + frame(method="exit"),
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert answers(done.stdout) == {0: "result", 1: "result"}


DEFECTIVE = """
import sys
from codex_auth_lsp.service import auth_service
def defect(self):
    raise ValueError("a secret in the words of a defect")
setattr(auth_service.AuthService, sys.argv[2], defect)
from codex_auth_lsp.cli import main
main(["--codex-home", sys.argv[1]])
"""


@pytest.mark.parametrize("defect", ["announce", "status_at_once"])
def test_a_defect_before_the_event_loop_costs_one_message(home: CodexHome, tmp_path: Path, defect):
    """(W22) The process goes on, and nobody reads of it but in the log."""
    done = run(
        [sys.executable, "-I", "-c", DEFECTIVE, str(home.path), defect],
        tmp_path,
        INITIALIZE
        + frame(method="initialized", params={})
        + frame(id=1, method="auth/status")
        + frame(id=2, method="shutdown")
        + frame(method="exit"),
    )

    found = answers(done.stdout)
    assert (found[0], found[2], done.returncode) == ("result", "result", 0)
    assert found[1] == ("result" if defect == "announce" else -32603)
    assert b"secret" not in done.stdout


def test_a_client_that_begins_to_read_late_holds_nobody_up(home: CodexHome, tmp_path: Path):
    """What is left unread at the end is left: a pipe that blocks again must not be waited for."""
    with subprocess.Popen(
        server_command(home=home.path, log_level=None),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(tmp_path),
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(INITIALIZE + b"".join(STATUS % number for number in range(100, 999)))
        server.stdin.close()
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(FLUSH_SECONDS - 0.5)  # far more than a pipe holds waits to be read
        for _ in range(200):  # it makes some room while that comes to its end, and then no more
            os.read(server.stdout.fileno(), 512)
            time.sleep(0.005)

        assert server.wait(5) == 0
