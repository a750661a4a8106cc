"""A window in a container whose `auth.json` is mounted by itself: read, and never written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.shapes import api_key_login, codex_bytes, example_key
from support.bind_mount import mounted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

FORCE = {"force": True}


@pytest.fixture
def shared(home: CodexHome, tmp_path: Path) -> Iterator[Path]:
    """The file that the host shares, for longer than any window is there."""
    path = tmp_path / "host" / "auth.json"
    path.parent.mkdir()
    path.touch(0o600)
    with mounted(path, home.auth_file):
        yield path


@pytest.fixture
async def stored(
    start: Starter, sandbox: Sandbox, browser: Browser, tmp_path: Path, shared: Path
) -> bytes:
    """A login in the shared file, which was made elsewhere."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    client = await start(sandbox, home=elsewhere)
    await browser.sign_in(client)
    content = (elsewhere / "auth.json").read_bytes()
    shared.write_bytes(content)
    return content


async def test_a_login_is_in_use_and_found_not_to_be_renewable_before_its_token_is_spent(
    shared: Path, stored: bytes, start: Starter, sandbox: Sandbox
):
    """(S10) `storeReadOnly`, and the status tells what helps."""
    client = await start(sandbox)
    before = await client.request("auth/status", {})
    error = await client.request_error("auth/refresh", FORCE)
    after = await client.request("auth/status", {})

    assert (before["state"], before["store"]["health"]) == ("signedIn", "readOnly")
    assert before["store"]["detail"].endswith("mount its folder, not the file.")
    assert (error.kind, after["lastError"]["kind"]) == ("storeReadOnly", "storeReadOnly")
    assert (sandbox.requests("refresh"), shared.read_bytes()) == ([], stored)


async def test_a_sign_in_is_refused_before_a_browser_opens(
    shared: Path, start: Starter, sandbox: Sandbox
):
    """(S10) An empty file is no login yet, and cannot become one here."""
    client = await start(sandbox)
    error = await client.request_error("auth/login", {"method": "browser"})

    assert error.kind == "storeReadOnly"
    assert "mount its folder" in error.message
    assert client.all("auth/loginPrompt") == []


async def test_an_empty_file_is_no_logout(
    shared: Path, stored: bytes, start: Starter, sandbox: Sandbox
):
    """(S10) Somebody writes it anew in place, and is not done."""
    client = await start(sandbox)
    shared.write_bytes(b"")
    status = await client.request("auth/status", {})
    shared.write_bytes(stored)

    assert status["state"] == "unavailable"
    assert (await client.request("auth/status", {}))["state"] == "signedIn"


async def test_a_logout_revokes_and_tells_what_remains(
    shared: Path, stored: bytes, start: Starter, sandbox: Sandbox
):
    """(S10) The issuer takes the tokens back; the file is for the host to remove."""
    client = await start(sandbox)
    result = await client.request("auth/logout", {})

    assert (result["removed"], result["revoked"]) == ([], "yes")
    assert result["remaining"] == [{"store": "file", "kind": "storeReadOnly"}]
    assert len(sandbox.requests("revoke")) == 1
    assert shared.read_bytes() == stored


async def test_a_logout_in_a_terminal_says_what_remains(
    shared: Path, stored: bytes, command_line: CommandLine, sandbox: Sandbox
):
    """Nobody takes it for done: status 1."""
    outcome = await command_line("logout", issuer=sandbox)

    assert (outcome.returncode, outcome.stderr) == (
        1,
        "The login could not be removed. It is still in the file, which cannot be removed here.\n",
    )
    assert shared.read_bytes() == stored


async def test_the_doctor_says_that_it_is_not_written(
    stored: bytes, start: Starter, sandbox: Sandbox, home: CodexHome
):
    """In the report that people attach."""
    client = await start(sandbox)
    report = await client.request("auth/doctor", {"network": False})
    check = next(c for c in report["checks"] if c["id"] == "store")

    assert (check["status"], check["summary"]) == (
        "warning",
        f"{home.auth_file} is mounted by itself and cannot be replaced; "
        "mount its folder, not the file.",
    )


async def test_the_doctor_says_that_the_host_has_another_file_now(
    shared: Path, stored: bytes, start: Starter
):
    """A program there has replaced it; the mount still shows the old one."""
    client = await start()
    other = shared.with_name("other.json")
    other.touch()
    other.replace(shared)
    report = await client.request("auth/doctor", {"network": False})
    check = next(c for c in report["checks"] if c["id"] == "permissions")

    assert check["status"] == "warning"
    assert check["summary"].endswith("was replaced where it comes from.")


async def test_a_change_by_the_host_is_heard(shared: Path, start: Starter):
    """It writes in place too, for otherwise nobody here would ever see it."""
    client = await start()
    mark = client.mark()
    shared.write_bytes(codex_bytes(api_key_login(example_key("host"))))
    message = await client.wait_for(
        "auth/statusChanged",
        lambda params: params["status"]["state"] == "signedIn",
        since=mark,
    )

    assert (message.params["cause"], message.params["origin"]) == (
        "externalChange",
        "otherProcess",
    )
