"""A server that ends under the clients for Neovim and Emacs: by itself, always, when asked to."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from typing import TYPE_CHECKING

from e2e.waiting import eventually
from parts.test_editors import every_editor, script
from support.editors import DEADLINE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from parts.test_editors import Opener
    from support.editors import Desk

CRASHED = "The Codex sign-in server ended unexpectedly and is started again"
RESTART_DELAYS = [0.5, 2.0, 8.0]
"""Seconds between a crash and the next start."""

STARTS_AFTER_CRASHES = 1 + len(RESTART_DELAYS)


@every_editor
async def test_server_that_crashed_is_started_again_with_one_message(run: Opener, desk: Desk):
    """The old process's sign-in is over, its prompt gone; nobody has to do anything."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        await one.sign_in("browser")
        await desk.opened()
        await one.prompts("ends the sign-in")
        (crashed,) = await one.servers()
        os.kill(crashed, signal.SIGKILL)
        await one.shows(CRASHED)
        await one.says("Codex: Signed Out")
        await one.prompts("")
        (started,) = await one.servers()
        messages = await one.messages()

    assert started != crashed
    assert messages.count(CRASHED) == 1


@every_editor
async def test_server_that_always_crashes_is_not_started_for_ever(run: Opener, tmp_path: Path):
    """Each start waits longer than the last, then a person decides: told once each time."""
    starts = tmp_path / "starts"
    crashes = script(
        tmp_path,
        "import sys, time\n"
        f"print(time.monotonic(), file=open({str(starts)!r}, 'a'))\nsys.exit('no good')\n",
    )

    def started() -> list[float]:
        return [float(line) for line in starts.read_text().split()] if starts.exists() else []

    def often(number: int) -> Callable[[], bool]:
        return lambda: len(started()) >= number

    async with run(crashes) as one:
        await eventually(often(STARTS_AFTER_CRASHES - 1), "starts", timeout=DEADLINE)
        async with asyncio.timeout(DEADLINE):
            while not await one.has_restart_planned():
                pass
        await eventually(often(STARTS_AFTER_CRASHES), "the last start", timeout=DEADLINE)
        await one.says("Codex: Stopped")
        given_up = not await one.has_restart_planned()
        times, messages = started(), await one.messages()
        one.command("status")
        await eventually(often(len(times) + 1), "a start", timeout=DEADLINE)

    waits = [after - before for before, after in itertools.pairwise(times)]
    assert given_up
    assert len(times) == STARTS_AFTER_CRASHES
    assert all(wait >= delay for wait, delay in zip(waits, RESTART_DELAYS, strict=True))
    assert messages.count(CRASHED) == 1


@every_editor
async def test_server_that_was_asked_to_end_stays_ended(run: Opener):
    """An orderly end is somebody's wish: nothing is told, and the next command starts another."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        (server,) = await one.servers()
        os.kill(server, signal.SIGTERM)
        await one.says("Codex: Stopped")
        messages = await one.messages()
        left = await one.servers()
        start = one.command("status")
        await one.shows("Nobody is signed in to Codex.", start)
        await one.says("Codex: Signed Out")

    assert CRASHED not in messages
    assert left == []
