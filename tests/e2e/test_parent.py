"""The process that `initialize` names: when it is gone, so are we, although the pipe stays open."""

from __future__ import annotations

import os
import shutil
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
def editor(user: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that stands for an editor, until it is ended."""
    process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=user)
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


async def test_an_editor_that_began_after_its_server_counts_as_well(start: Starter):
    """A launcher may start both, or a relay name the one that talks to it now."""
    client = await start.process()
    await client.request_error("auth/status")  # it is older now than what begins after this
    with editor() as process:
        await client.initialize(process_id=process.pid)
        process.kill()
        process.wait()

        assert await client.wait_until_ended(IN_TIME) == 0


async def test_a_process_that_was_dead_before_ends_nothing(start: Starter):
    """It is no client that goes on talking."""
    with editor() as zombie:
        zombie.kill()
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        client = await start.process()
        await client.initialize(process_id=zombie.pid)

        assert (await client.request("auth/status"))["state"] == "signedOut"


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
    [None, 0, -1, -(2**63), True, 1.5, "1", [1], {}, 2**22 + 1, 2**31, 2**40, 10**30, nobody()],
    ids=[
        *("null", "0", "-1", "very negative", "true", "1.5", "text", "list", "object"),
        *("never a process", "beyond 31 bits", "too large", "far too large", "nobody's"),
    ],
)
async def test_what_names_no_process_here_ends_nothing(start: Starter, process_id):
    """A client in another container counts its processes otherwise, and needs its server."""
    client = await start.process()

    await client.initialize(process_id=process_id)

    assert (await client.request("auth/status"))["state"] == "signedOut"


async def test_the_server_s_own_number_ends_nothing(start: Starter):
    """A client that confuses the two has a server that waits for itself."""
    client = await start.process()

    await client.initialize(process_id=client.process.pid)

    assert (await client.request("auth/status"))["state"] == "signedOut"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
async def test_the_end_of_another_user_s_process_ends_nothing(start: Starter):
    """No other user says when a person's server goes."""
    with editor(user=65534) as process:
        client = await start.process()
        await client.initialize(process_id=process.pid)
        process.kill()
        process.wait()

        assert (await client.request("auth/status"))["state"] == "signedOut"


@pytest.mark.parametrize("named", ["the editor", "the first process"])
async def test_a_server_that_counts_otherwise_goes_by_the_pipe_alone(start: Starter, named):
    """In a container the editor's number is nobody's, or another process'."""
    prefix = ("unshare", "--pid", "--fork", "--mount-proc")
    if not _runs(*prefix, "true"):
        pytest.skip("needs unshare, and a kernel that lets it make namespaces")
    with editor() as process:
        client = await start.process(prefix=prefix)
        await client.initialize(process_id=process.pid if named == "the editor" else 1)
        process.kill()
        process.wait()

        assert (await client.request("auth/status"))["state"] == "signedOut"


def _runs(*command: str) -> bool:
    return shutil.which(command[0]) is not None and (
        subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


async def test_the_editor_that_goes_on_is_left_alone(start: Starter):
    """The end of `stdin` and `exit` stay what they are while it lives."""
    client = await start.process()

    await client.initialize(process_id=os.getpid())

    assert (await client.request("auth/status"))["state"] == "signedOut"
