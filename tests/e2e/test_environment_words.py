"""What a person reads about credentials in the environment: nothing twice, nothing unproven."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.domain.status import ACCESS_TOKEN_VARIABLE, API_KEY_VARIABLE
from e2e.shapes import api_key_login, example_key

if TYPE_CHECKING:
    from e2e.conftest import CommandLine, Starter
    from e2e.shapes import CodexHome

TOKEN = {ACCESS_TOKEN_VARIABLE: "at-environment-token-of-the-test"}
EXEC_KEY = {API_KEY_VARIABLE: example_key("of-the-environment")}


@pytest.mark.parametrize("command", ["status", "doctor"])
async def test_a_key_that_another_program_uses_is_not_called_unused(
    command_line: CommandLine, home: CodexHome, command
):
    """And its variable is named once in its line."""
    home.write(api_key_login(example_key("stored")))

    outcome = await command_line(command, environment=EXEC_KEY)
    line = next(line for line in outcome.stdout.splitlines() if "codex exec" in line)

    assert "not in use" not in outcome.stdout.lower()
    assert line.count(API_KEY_VARIABLE) == 1


async def test_a_token_that_nobody_checked_is_said_to_be_one(command_line: CommandLine):
    """Whose account it is for only its use shows."""
    status = await command_line("status", environment=TOKEN)
    doctor = await command_line("doctor", environment=TOKEN)

    headline, *rows = status.stdout.splitlines()
    assert ACCESS_TOKEN_VARIABLE in headline
    assert "not checked" in headline
    assert any("Personal access token (not checked)" in row for row in rows)
    assert f"{ACCESS_TOKEN_VARIABLE}: in use, and not checked" in doctor.stdout
    assert "login: Somebody is signed in" not in doctor.stdout


async def test_an_editor_hears_that_nobody_checked_it(start: Starter):
    """In the account's label, in the notice and in the answer of the command."""
    window = await start(environment=TOKEN)

    status = await window.request("auth/status", {})
    (notice,) = [message.params for message in window.all("auth/notice")]

    assert status["account"]["label"] == "Personal access token (not checked)"
    assert "not checked" in notice["message"]
    assert "restart the editor" in notice["actions"][0]["title"]


async def test_a_terminal_is_told_about_its_shell(command_line: CommandLine):
    """The variable stands there, and no editor has to be started again for it."""
    outcome = await command_line(
        "login", "--with-api-key", stdin=example_key("new").encode(), environment=TOKEN
    )

    assert f"Unset {ACCESS_TOKEN_VARIABLE} in this shell" in outcome.stderr
    assert "restart the editor" not in outcome.stderr
