"""The process that `initialize` names: when it is gone, so are we, although the pipe stays open."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from e2e.logins import begin
from support import raw_callback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.conftest import CodexHome, Starter
    from support.sandbox import Sandbox

IN_TIME = 10.0
"""Seconds within which the end of an editor must be the server's."""


@contextmanager
def editor() -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that stands for an editor, until it is ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


async def test_a_killed_editor_ends_it_although_the_pipe_stays_open(start: Starter):
    """(W16) Somebody else holds the pipe; nobody will ever say `exit`."""
    with editor() as process:
        client = await start.process()
        await client.initialize(process_id=process.pid)
        process.kill()
        process.wait()

        assert await client.wait_until_ended(IN_TIME) == 0
    assert b"Traceback" not in client.stderr


async def test_a_killed_editor_ends_it_although_nobody_has_reaped_it(start: Starter):
    """(W16) Whoever started the editor may not look after it."""
    with editor() as process:
        client = await start.process()
        await client.initialize(process_id=process.pid)
        process.kill()

        assert await client.wait_until_ended(IN_TIME) == 0


async def test_a_process_that_cannot_be_the_editor_ends_nothing(start: Starter):
    """One that began after the server, and one that was dead before."""
    with editor() as zombie:
        zombie.kill()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        of_zombie = await start.process()
        of_younger = await start.process()
        await of_zombie.initialize(process_id=zombie.pid)
        with editor() as younger:
            await of_younger.initialize(process_id=younger.pid)

        assert (await of_zombie.request("auth/status"))["state"] == "signedOut"
        assert (await of_younger.request("auth/status"))["state"] == "signedOut"


async def test_a_killed_editor_ends_a_login_and_frees_the_port(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """(W16) The sign-in page has nobody to answer to any more."""
    with editor() as process:
        client = await start.process(issuer=sandbox)
        await client.initialize(process_id=process.pid)
        attempt = await begin(client)
        process.kill()
        process.wait()

        assert await client.wait_until_ended(IN_TIME) == 0
    assert not await raw_callback.is_listening(attempt.port)
    assert not home.path.joinpath("auth.json").exists()


def nobody() -> int:
    """Return the number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    "process_id",
    [None, 0, -1, True, 1.5, "1", 2**40, nobody()],
    ids=["null", "0", "-1", "true", "1.5", "text", "too large", "nobody's"],
)
async def test_what_names_no_process_here_ends_nothing(start: Starter, process_id):
    """A client in another container counts its processes otherwise, and needs its server."""
    client = await start.process()

    await client.initialize(process_id=process_id)

    assert (await client.request("auth/status"))["state"] == "signedOut"


async def test_the_editor_that_goes_on_is_left_alone(start: Starter):
    """The end of `stdin` and `exit` stay what they are while it lives."""
    client = await start.process()

    await client.initialize(process_id=os.getpid())

    assert (await client.request("auth/status"))["state"] == "signedOut"
