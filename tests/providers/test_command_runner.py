"""Credential commands: one run for all who wait, a deadline, limits, and an end with the last."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.model_providers import CommandSettings
from codex_auth_lsp.errors import CredentialCommandFailed, ShuttingDown
from codex_auth_lsp.providers.command_runner import MAXIMUM_OUTPUT, CommandRunner

if TYPE_CHECKING:
    from datetime import datetime

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

ENVIRONMENT = {"PATH": os.defpath}
DEADLINE = 10.0
"""Seconds until a test gives up: a ceiling against hangs."""


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        raise NotImplementedError

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
async def runner(tmp_path, clock):
    runner = CommandRunner(tmp_path, clock)
    yield runner
    await runner.close()


def shell(script: str, **settings: object) -> CommandSettings:
    return CommandSettings("sh", ("-c", script), **settings)


async def run(runner: CommandRunner, command: CommandSettings, **environment: str) -> str:
    return (await runner.run("lab", command, ENVIRONMENT | environment)).reveal()


COUNTING = "echo x >> runs; echo token-$(wc -l < runs)"


async def test_other_variables_make_it_run_anew(runner):
    """What it printed was for the key that is no more in `.env`."""
    command = shell("echo token-of-$WHOM")

    printed = [await run(runner, command, WHOM=whom) for whom in ("ada", "ada", "grace")]

    assert printed == ["token-of-ada", "token-of-ada", "token-of-grace"]


async def until(path: Path) -> str:
    """Return the content of a file that a command is about to write."""
    async with asyncio.timeout(DEADLINE):
        while not (path.exists() and path.read_text()):
            await asyncio.sleep(0.005)
    return path.read_text()


def is_alive(pid: int) -> bool:
    """Say whether a process still runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> bool:
    """Say whether a process ends."""
    async with asyncio.timeout(DEADLINE):
        while is_alive(pid):
            await asyncio.sleep(0.005)
    return True


async def test_those_who_wait_at_the_same_time_share_one_run(runner, tmp_path):
    """Ten requests cost one process."""
    tokens = await asyncio.gather(*(run(runner, shell(COUNTING)) for _ in range(10)))

    assert set(tokens) == {"token-1"}
    assert (tmp_path / "runs").read_text() == "x\n"


async def test_output_is_kept_for_its_interval(runner, clock):
    """Then the command is run again."""
    command = shell(COUNTING, refresh_interval_ms=1000)
    first = await run(runner, command)
    clock.seconds = 0.999
    second = await run(runner, command)
    clock.seconds = 1.0
    third = await run(runner, command)

    assert [first, second, third] == ["token-1", "token-1", "token-2"]


async def test_interval_of_zero_keeps_the_output_until_it_is_refused(runner, clock):
    """`refresh_interval_ms = 0`."""
    command = shell(COUNTING, refresh_interval_ms=0)
    first = await run(runner, command)
    clock.seconds = 1e9
    second = await run(runner, command)
    runner.forget("lab")
    third = await run(runner, command)

    assert [first, second, third] == ["token-1", "token-1", "token-2"]


async def test_another_command_is_run_at_once(runner):
    """A changed configuration counts from the next request on."""
    assert await run(runner, shell("echo one")) == "one"
    assert await run(runner, shell("echo two")) == "two"


async def test_failure_is_not_kept(runner, tmp_path):
    """The next request tries again."""
    command = shell("test -e ready && echo token")
    with pytest.raises(CredentialCommandFailed):
        await run(runner, command)
    (tmp_path / "ready").touch()

    assert await run(runner, command) == "token"


FAILURES = {
    "status": (shell("echo secret-output; exit 3"), "ended with status 3;"),
    "signal": (shell("kill -9 $$"), "was ended by a signal;"),
    "nothing": (shell("echo; echo secret-output >&2"), "printed nothing."),
    "lines": (shell("echo secret-output; echo more"), "printed more than one line"),
    "no text": (shell(r"printf '\377'"), "printed something that is no text."),
    "letters": (shell("printf 'secret-output-\u00e9'"), "or what is no token."),
    "much": (
        shell(f"head -c {MAXIMUM_OUTPUT + 1} /dev/zero | tr '\\0' a"),
        "printed more than 64 KiB.",
    ),
    "endless": (shell("yes secret-output"), "printed more than 64 KiB."),
    "slow": (
        shell("sleep 60", timeout_ms=100),
        "took longer than the 0.1 s that its `timeout_ms` allows.",
    ),
    "missing": (CommandSettings("no-such-program-of-the-test"), "is not there"),
    "missing path": (CommandSettings("./no-such-program"), "is not there"),
    "missing folder": (shell("echo x", cwd="no-such-folder"), "cannot be started."),
    "NUL": (CommandSettings("echo", ("a\0b",)), "cannot be started."),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_failing_command_is_told_without_what_it_printed(runner, name):
    """(S23) The sentence names the provider and what went wrong, and no more."""
    command, expected = FAILURES[name]
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(CredentialCommandFailed) as caught:
            await run(runner, command)

    assert caught.value.message.startswith("The command of the provider `lab` ")
    assert expected in caught.value.message
    assert "secret-output" not in caught.value.message
    assert caught.value.provider_id == "lab"


async def test_deadline_ends_the_children_too(runner, tmp_path):
    """(S23) A child that holds the pipe keeps nobody waiting, and does not stay."""
    command = shell("sleep 60 & echo $! > child; wait", timeout_ms=500)
    with pytest.raises(CredentialCommandFailed, match="took longer"):
        await run(runner, command)

    assert await gone(int((tmp_path / "child").read_text()))


async def test_last_one_to_go_ends_the_command(runner, tmp_path):
    """(S23) One request that is cancelled ends nothing another waits for; the last one does."""
    command = shell("echo $$ > pid; sleep 60", timeout_ms=60_000)
    first, second = (asyncio.ensure_future(run(runner, command)) for _ in range(2))
    pid = int(await until(tmp_path / "pid"))

    first.cancel()
    await asyncio.wait([first])
    alive_after_one = is_alive(pid) and not second.done()
    second.cancel()
    await asyncio.wait([second])

    assert alive_after_one
    assert (first.cancelled(), second.cancelled()) == (True, True)
    assert await gone(pid)


async def test_end_of_the_server_ends_the_command(runner, tmp_path):
    """Who waits is told so, and nothing is started any more."""
    command = shell("echo $$ > pid; sleep 60", timeout_ms=60_000)
    waiting = asyncio.ensure_future(run(runner, command))
    pid = int(await until(tmp_path / "pid"))

    await runner.close()

    with pytest.raises(ShuttingDown):
        await waiting
    with pytest.raises(ShuttingDown):
        await run(runner, command)
    assert await gone(pid)


@pytest.mark.parametrize("path", [".", "", "bin", f"bin{os.pathsep}."])
async def test_program_of_a_relative_folder_of_path_is_not_run(runner, tmp_path, monkeypatch, path):
    """(S23) Such a folder would be one of the workspace."""
    for folder in (tmp_path, tmp_path / "bin"):
        folder.mkdir(exist_ok=True)
        (folder / "gettoken").write_text("#!/bin/sh\necho stranger\n")
        (folder / "gettoken").chmod(0o755)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CredentialCommandFailed, match="is not there"):
        await run(runner, CommandSettings("gettoken"), PATH=path)


async def test_relative_program_is_one_of_the_folder_of_the_login(runner, tmp_path, monkeypatch):
    """Not of the working directory, which is a workspace."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    for folder, word in ((tmp_path, "mine"), (workspace, "stranger")):
        (folder / "gettoken").write_text(f"#!/bin/sh\necho {word}\n")
        (folder / "gettoken").chmod(0o755)
    monkeypatch.chdir(workspace)

    assert await run(runner, CommandSettings("./gettoken")) == "mine"


async def test_pipe_that_a_grandchild_keeps_open_is_closed_here(runner, tmp_path):
    """A child in a session of its own outlives the deadline; no descriptor of ours does."""
    command = shell("setsid sleep 60 & echo $! > child; wait", timeout_ms=200)

    counts, children = [], []
    for _ in range(4):
        with pytest.raises(CredentialCommandFailed):
            await run(runner, command)
        children.append(int((tmp_path / "child").read_text()))
        counts.append(len([*Path("/proc/self/fd").iterdir()]))
    alive = [is_alive(child) for child in children]
    for child in children:
        os.kill(child, signal.SIGKILL)

    assert alive == [True] * 4
    assert counts[-1] <= counts[0]
