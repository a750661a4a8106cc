"""A `config.toml` that was never good: what is in `auth.json` counts, nothing else is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.domain.status import ACCESS_TOKEN_VARIABLE
from e2e.shapes import api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from e2e.conftest import CommandLine, Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

BROKEN = "forced_login_method = [\n"


@pytest.mark.parametrize("login", [chatgpt_login(), api_key_login(example_key("kept"))])
async def test_a_login_that_is_there_is_told(start: Starter, home: CodexHome, login):
    """Nobody looks signed out by a mistake in a file; the Codex app-server does the same."""
    before = home.write(login)
    home.configure(BROKEN)
    window = await start()

    status = await window.request("auth/status", {})

    assert status["state"] == "signedIn"
    assert status["store"]["health"] == "ok"
    assert status["lastError"]["kind"] == "configurationInvalid"
    assert status["provider"]["ready"] is False
    assert home.bytes() == before


async def test_without_one_nobody_is_called_signed_out(start: Starter, home: CodexHome):
    """Logins may be kept elsewhere: `unavailable`, until the file is mended."""
    home.configure(BROKEN)
    window = await start()
    status = await window.request("auth/status", {})
    error = await window.request_error("auth/refresh", {"force": True})
    since = window.mark()

    home.configure("")
    change = await window.wait_for("auth/statusChanged", since=since)

    assert status["state"] == "unavailable"
    assert status["billing"] == "none"
    assert status["lastError"]["kind"] == error.kind == "configurationInvalid"
    assert (status["store"]["backend"], status["store"]["health"]) == ("none", "unavailable")
    assert "path" not in status["store"]
    assert change.params["cause"] == "configChange"
    assert change.params["status"]["state"] == "signedOut"
    assert change.params["status"]["store"]["backend"] == "file"


async def test_a_token_of_the_environment_is_in_force_all_the_same(start: Starter, home: CodexHome):
    """It stands in no store."""
    home.configure(BROKEN)
    window = await start(environment={ACCESS_TOKEN_VARIABLE: "at-environment-token-of-the-test"})

    status = await window.request("auth/status", {})

    assert (status["state"], status["store"]["health"]) == ("signedIn", "unavailable")


async def test_a_broken_file_that_was_good_before_changes_no_state(start: Starter, home: CodexHome):
    """The last good settings say where logins are kept: nobody is signed in there."""
    home.configure("")
    window = await start()
    since = window.mark()

    home.configure(BROKEN)
    change = await window.wait_for("auth/statusChanged", since=since)

    assert change.params["status"]["state"] == "signedOut"


async def test_a_terminal_says_so_and_a_logout_too(command_line: CommandLine, home: CodexHome):
    """The file is named once, with the way out."""
    home.configure(BROKEN)

    status = await command_line("status")
    logout = await command_line("logout")

    assert status.returncode == 1
    assert status.stdout.startswith("Who is signed in to Codex cannot be known until config.toml")
    assert "mend config.toml" in status.stdout
    assert "Nobody was signed in" not in logout.stdout
    assert "config.toml" in logout.stdout


async def test_a_file_that_breaks_is_told_whatever_else_is_wrong(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Nothing can be done about a dead login before: every way to sign in needs the file."""
    window = await start(sandbox)
    await browser.sign_in(window)
    sandbox.revoke_all()
    await window.request_error("auth/refresh", {"force": True})
    since = window.mark()

    home.configure(BROKEN)
    broken = (await window.wait_for("auth/statusChanged", since=since)).params
    since = window.mark()
    home.configure("")
    mended = (await window.wait_for("auth/statusChanged", since=since)).params

    assert (broken["cause"], broken["status"]["state"]) == ("configChange", "needsReauth")
    assert broken["status"]["lastError"]["kind"] == "configurationInvalid"
    assert mended["status"]["lastError"]["kind"] == "refreshTokenRevoked"
