"""The chapters of `protocol.md` for authors of clients: programs that run, tables that are true."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx

from codex_auth_lsp.conformance.scenarios import SCENARIOS
from conformance.programs import PROTOCOL, programs, write_programs
from support.editors import Desk
from support.lsp_client import clean_environment, server_command

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

DEADLINE = 30.0
"""Seconds that a whole sign-in may take: a ceiling against hangs."""


def test_the_client_has_40_lines_and_no_library():
    """What the chapter's title promises."""
    text = programs()["client.py"]

    lines = [line for line in text.splitlines() if line.strip()]
    (imports,) = re.findall(r"^import (.+)$", text, re.MULTILINE)
    assert len(lines) == 40
    assert max(map(len, lines)) <= 100
    assert set() == set(imports.split(", ")) - sys.stdlib_module_names


async def test_the_client_signs_in_with_the_real_server(
    tmp_path: Path,
    home: CodexHome,
    sandbox: Sandbox,
    browser: Browser,
    tmp_path_factory,
):
    """The program of the page, as it stands there, against the sandbox issuer."""
    folder, programs_folder = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("programs")
    desk = Desk(folder)
    server = folder / "codex-auth-lsp"
    command = shlex.join(server_command(home=home.path, issuer=sandbox.issuer))
    server.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    server.chmod(0o755)
    write_programs(programs_folder, {})
    environment = {
        **clean_environment(tmp_path),
        "PATH": desk.path,
        "BROWSER": str(folder / "xdg-open"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        programs_folder / "client.py",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        with contextlib.suppress(httpx.HTTPError):  # it leaves before the last page
            await browser.visit(await desk.opened())
        said, _ = await asyncio.wait_for(process.communicate(), DEADLINE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    last_line = said.decode().splitlines()[-1]
    assert last_line == "Signed in to Codex as plus@example.com (ChatGPT plus plan)."
    assert process.returncode == 0
    assert home.auth_file.exists()


def test_the_table_of_scenarios_is_that_of_the_checker():
    """Their names and what is done at the client, in the order in which they are played."""
    text = PROTOCOL.read_text(encoding="utf-8")
    table = text.partition("| scenario | what is done at the client |\n| --- | --- |\n")[2]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", table.partition("\n\n")[0], re.MULTILINE)

    assert [(scenario.name, scenario.task) for scenario in SCENARIOS] == rows


def test_the_findings_as_json_are_the_line_that_stands_there(tmp_path: Path):
    """And nothing else is on standard output."""
    (line,) = re.findall(r'^\{"scenarios".*$', PROTOCOL.read_text(encoding="utf-8"), re.MULTILINE)
    script = write_programs(tmp_path, {})
    checker = [sys.executable, "-I", "-m", "codex_auth_lsp", "check-client", "--json"]

    done = subprocess.run(
        [*checker, "--scenario", "sign-out", "--", sys.executable, script],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=clean_environment(tmp_path),
    )

    assert done.stdout == f"{line}\n"
    assert done.returncode == 0
