"""Signals that come while the program is still being loaded end it as quietly as later ones."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from support.lsp_client import clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IN_TIME = 20.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SLOW = """
import sys, threading

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            print("loading", flush=True)
            threading.Event().wait()

module = sys.argv.pop(1)
sys.meta_path.insert(0, Slow())
from codex_auth_lsp.__main__ import main
main()
"""
"""The program, with one of its modules, the first argument, taking for ever to load."""


async def end(folder: Path, number: signal.Signals, *words: str) -> tuple[int, bytes]:
    """Return status and stderr of a program that gets a signal in the middle of an import."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", SLOW, *words,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, cwd=folder, env=clean_environment(folder),
    )  # fmt: skip
    try:
        async with asyncio.timeout(IN_TIME):
            assert process.stdout is not None
            assert await process.stdout.readline() == b"loading\n"
            process.send_signal(number)
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, said


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(
    "module", ["cli", "service.auth_service", "transport.serve", "transport.conversation"]
)
async def test_a_server_that_is_being_loaded_ends_without_a_word(tmp_path, module, number):
    """(W15) An editor that was opened and closed at once sees no crash."""
    assert await end(tmp_path, number, f"codex_auth_lsp.{module}") == (0, b"")


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_values_of_options_are_no_commands(tmp_path, number):
    """A folder may be called as a command is."""
    words = ["--codex-home", "login", "--log-level", "DEBUG", "--stdio"]

    assert await end(tmp_path, number, "codex_auth_lsp.service.auth_service", *words) == (0, b"")


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("module", ["cli", "command_line", "terminal.actions"])
@pytest.mark.parametrize("words", [["status"], ["--codex-home", "x", "login", "--browser"]])
async def test_a_command_that_is_being_loaded_says_that_it_was_stopped(
    tmp_path, words: Sequence[str], module, number
):
    """With the status of a command that is stopped later."""
    assert await end(tmp_path, number, f"codex_auth_lsp.{module}", *words) == (
        130,
        b"codex-auth-lsp: stopped.\n",
    )


async def test_what_somebody_wants_ignored_is_ignored(tmp_path):
    """`nohup` keeps a command going when its terminal is closed."""
    program = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n{SLOW}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", program, "codex_auth_lsp.cli", "status",
        stdout=asyncio.subprocess.PIPE, cwd=tmp_path, env=clean_environment(tmp_path),
    )  # fmt: skip
    try:
        async with asyncio.timeout(IN_TIME):
            assert process.stdout is not None
            assert await process.stdout.readline() == b"loading\n"
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert process.returncode == 130
