"""Hints at a terminal far from a browser: the way that fits there, and not one that has failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.sandbox.visitor import Visitor
from e2e.shapes import chatgpt_login

if TYPE_CHECKING:
    from e2e.conftest import CommandLine
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

FAILED = 1
FAR = {
    "SSH": {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"},
    "a container": {"container": "podman"},
    "Codespaces": {"CODESPACES": "true"},
}
SSH = FAR["SSH"]
CODE = "login --device-auth` signs in with a code.\n"
BROWSER = "login` signs in with the browser.\n"


@pytest.fixture(autouse=True)
def quick_issuer(sandbox: Sandbox) -> None:
    """Let the issuer be asked every second, so that no test waits for five."""
    sandbox.policy(deviceIntervalSeconds=1)


async def with_code(
    command_line: CommandLine, sandbox: Sandbox, guard, *, decision: str = "allow"
) -> tuple[int | None, str]:
    """Sign in over SSH with a code that a person enters; return status and last words."""
    process = await command_line.spawn("login", "--device-auth", issuer=sandbox, environment=SSH)
    assert process.stderr is not None
    lines: list[str] = []
    async with asyncio.timeout(15):
        while "Never share" not in "".join(lines[-1:]):
            lines.append((await process.stderr.readline()).decode().strip())
    page, code = (line for line in lines if line and " " not in line)
    await Visitor().enter_device_code(page, code, decision=decision)
    stdout, stderr = await asyncio.wait_for(process.communicate(), 15)
    guard.add_output("stdout of login", stdout)
    guard.add_output("stderr of login", stderr)
    return process.returncode, stderr.decode()


@pytest.mark.parametrize("place", FAR)
async def test_the_next_step_is_a_code_where_the_browser_is_elsewhere(
    command_line: CommandLine, place
):
    """In the status, in the doctor's report, and where a login is missing."""
    status = await command_line("status", environment=FAR[place])
    report = await command_line("doctor", environment=FAR[place])
    credential = await command_line("credential", "openai", "--header", environment=FAR[place])

    (next_line,) = [line for line in status.stdout.splitlines() if line.startswith("  Next")]
    assert next_line.endswith("login --device-auth` signs in")
    assert "-> Sign in: `" in report.stdout
    assert "-> Sign in with" not in report.stdout
    assert " login`" not in report.stdout
    assert credential.stderr.endswith(CODE)


async def test_after_a_denial_the_code_is_tried_again(
    command_line: CommandLine, sandbox: Sandbox, guard
):
    """It was the right way, and the wrong answer."""
    returncode, said = await with_code(command_line, sandbox, guard, decision="deny")

    assert returncode == FAILED
    assert said.endswith(CODE)


async def test_after_the_wrong_workspace_the_code_is_tried_again(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome, guard
):
    """With another account."""
    home.configure('forced_chatgpt_workspace_id = "another-workspace"\n')

    returncode, said = await with_code(command_line, sandbox, guard)

    assert returncode == FAILED
    assert "forced_chatgpt_workspace_id" in said
    assert said.endswith(CODE)


async def test_where_codes_are_switched_off_the_browser_is_next(
    command_line: CommandLine, sandbox: Sandbox
):
    """Also far from it: the address of its last page can be pasted."""
    sandbox.policy(deviceEnabled=False)

    outcome = await command_line("login", "--device-auth", issuer=sandbox, environment=SSH)

    assert outcome.returncode == FAILED
    assert outcome.stderr.endswith(BROWSER)


async def test_a_way_that_policy_forbids_names_one_that_it_allows(
    command_line: CommandLine, home: CodexHome
):
    """Whatever was tried."""
    home.configure('forced_login_method = "api"\n')

    outcome = await command_line("login", "--device-auth", environment=SSH)

    assert outcome.returncode == FAILED
    assert outcome.stderr.endswith("login --with-api-key` reads an API key.\n")


async def test_a_stored_login_of_a_forbidden_workspace_is_replaced_by_the_way_that_fits(
    command_line: CommandLine, home: CodexHome
):
    home.write(chatgpt_login())
    home.configure('forced_chatgpt_workspace_id = "another-workspace"\n')

    outcome = await command_line("status", environment=SSH)

    assert "login --device-auth` signs in\n" in outcome.stdout
