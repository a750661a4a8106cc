"""The client that `protocol.md` prints, as it stands there, with the real server and sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.shapes import api_key_login, example_key
from support import parts
from support.editors import Desk
from support.lsp_client import clean_environment, server_command

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.conftest import CommandLine
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

PROTOCOL = Path(__file__).parents[2] / "protocol.md"

WAITING = "Waiting for changes. Ctrl-C ends this."
"""What the client says when it has nothing left to do."""

DEADLINE = 20.0
"""Seconds that the client may take for anything: a ceiling against hangs."""


@pytest.fixture(scope="module")
def source() -> str:
    """Return the client, from the specification."""
    (found,) = re.findall(
        r"<!-- client\.py -->\n```python\n(.*?)```", PROTOCOL.read_text(encoding="utf-8"), re.DOTALL
    )
    return found


class Client:
    """The printed client at work in a terminal without a screen, with a browser that tells."""

    def __init__(self, source: str, folder: Path, home: CodexHome, sandbox: Sandbox) -> None:
        self.desk = Desk(folder)
        self._folder = folder
        self._program = folder / "client.py"
        self._program.write_text(source)
        self._server = server_command(home=home.path, issuer=sandbox.issuer)

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run it; whatever happens, it ends."""
        browser = {"BROWSER": str(self._folder / "xdg-open")}
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-I", "-u", str(self._program), *self._server],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=self._folder,
            env=clean_environment(self._folder, browser),
        )
        try:
            yield process
        finally:
            await parts.end(process, DEADLINE)


async def prints(process: asyncio.subprocess.Process, last: str) -> list[str]:
    """Return the lines up to this one, when it has printed it."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(DEADLINE):
        while last not in lines:
            line = await process.stdout.readline()
            assert line, lines
            lines.append(line.decode().rstrip())
    return lines


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, list[str]]:
    """Return the exit status and the lines that were still printed, when it has ended."""
    printed, complaints = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert b"Traceback" not in complaints, complaints.decode()
    return process.returncode, printed.decode().splitlines()


@pytest.fixture
def client(source: str, tmp_path: Path, home: CodexHome, sandbox: Sandbox) -> Client:
    folder = tmp_path / "client"
    folder.mkdir()
    return Client(source, folder, home, sandbox)


def test_client_has_the_size_that_its_heading_says(source: str):
    """40 lines without the blank ones, the standard library alone."""
    lines = [line for line in source.splitlines() if line]
    imported = re.findall(r"^import (.+)$|^from (\S+)", source, re.MULTILINE)
    names = {name for names, _ in imported for name in names.split(", ")}

    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert names <= sys.stdlib_module_names


async def test_client_signs_a_person_in_and_tells_of_a_logout_elsewhere(
    client: Client, browser: Browser, command_line: CommandLine, home: CodexHome, sandbox: Sandbox
):
    """From a folder without a login to the account's name, by the browser that it opens."""
    async with client.run() as process:
        await browser.visit(await client.desk.opened())
        printed = await prints(process, WAITING)
        stored = home.read()["tokens"]["refresh_token"]
        await command_line("logout", issuer=sandbox)
        await prints(process, "Status: signedOut")
        process.send_signal(signal.SIGINT)
        rest = await ended(process)

    assert printed[:2] == ["Status: signedOut", "Status: signedOut"]  # one with `pendingLogin`
    assert printed[2].startswith("Finish signing in to Codex in your browser.")
    assert printed[3:] == [
        "Status: signedIn plus@example.com",
        "Signed in to Codex as plus@example.com (ChatGPT plus plan).",
        WAITING,
    ]
    assert stored
    assert rest == (0, [])


async def test_client_is_cancelled_by_ctrl_c_and_ended_by_another(client: Client, home: CodexHome):
    """The sign-in ends, then the server, and nothing is stored."""
    async with client.run() as process:
        await client.desk.opened()
        process.send_signal(signal.SIGINT)
        printed = await prints(process, WAITING)
        process.send_signal(signal.SIGINT)
        rest = await ended(process)

    assert printed[-2] == "The sign-in was cancelled."
    assert rest == (0, [])
    assert not home.auth_file.exists()


async def test_client_asks_nobody_who_is_signed_in(client: Client, home: CodexHome):
    """The status is enough."""
    home.write(api_key_login(example_key("of-a-client")))
    async with client.run() as process:
        printed = await prints(process, WAITING)
        process.send_signal(signal.SIGINT)
        rest = await ended(process)

    assert printed == ["Status: signedIn API key", WAITING]
    assert rest == (0, [])
    assert client.desk.is_idle()


async def test_client_says_when_it_has_no_server(client: Client):
    """No hang and no traceback."""
    client._server = [sys.executable, "-c", "input()"]
    async with client.run() as process:
        rest = await ended(process)

    assert rest == (1, [])
