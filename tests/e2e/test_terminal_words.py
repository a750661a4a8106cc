"""What the subcommands say where something is in the way: what it is, and what to do."""

from __future__ import annotations

import asyncio
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from e2e.shapes import api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from e2e.conftest import CommandLine
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

DONE, FAILED = 0, 1
KEY = example_key("terminal-words")
WITH_CHECK = ("login", "--with-api-key", "--check-api-key")


async def shown(process: asyncio.subprocess.Process, awaited: str) -> str:
    """Return what a process has written to stderr when a text stands there."""
    assert process.stderr is not None
    text = ""
    async with asyncio.timeout(15):
        while awaited not in text:
            line = await process.stderr.readline()
            assert line, text
            text += line.decode()
    return text


async def test_a_key_that_could_not_be_checked_is_stored_and_that_is_said(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """The provider cannot be reached, or has an answer that says nothing about the key."""
    home.configure(f'openai_base_url = "{sandbox.model_base_url}"\n')
    sandbox.fault("models", kind="status", status=500)
    failing = await command_line(*WITH_CHECK, stdin=KEY.encode())
    home.configure('openai_base_url = "http://127.0.0.1:9/v1"\n')
    silent = await command_line(*WITH_CHECK, stdin=KEY.encode())

    for outcome in (failing, silent):
        assert outcome.returncode == DONE
        assert "The key could not be checked: " in outcome.stderr
    assert home.read()["OPENAI_API_KEY"] == KEY


async def test_a_key_for_another_provider_is_not_tried_out_at_openai(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """It would go elsewhere, so what OpenAI says of it would say nothing."""
    home.configure(
        f'openai_base_url = "{sandbox.model_base_url}"\nmodel_provider = "mine"\n'
        '[model_providers.mine]\nname = "Mine"\nbase_url = "http://127.0.0.1:9/v1"\n'
        "requires_openai_auth = true\n"
    )

    outcome = await command_line(*WITH_CHECK, stdin=KEY.encode())

    assert outcome.returncode == DONE
    assert "The key could not be checked: the model provider in use is `mine`" in outcome.stderr
    assert sandbox.requests("models") == []


@pytest.mark.parametrize("way", ["--browser", "--device-auth", "--with-api-key"])
async def test_a_sign_in_that_would_not_last_is_refused(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome, way
):
    """Mode `ephemeral`: the login would end with the command."""
    home.configure('cli_auth_credentials_store = "ephemeral"\n')

    outcome = await command_line("login", way, issuer=sandbox, stdin=KEY.encode())

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert outcome.stderr.count("\n") == 1
    assert "kept in the memory of one program" in outcome.stderr
    assert "cli_auth_credentials_store" in outcome.stderr


async def test_an_issuer_that_is_not_there_is_told_before_the_wait(
    command_line: CommandLine, guard
):
    """And until when the sign-in waits."""
    process = await command_line.spawn("login", issuer="http://127.0.0.1:9")
    text = await shown(process, "Ctrl-C")
    process.terminate()
    await process.wait()

    assert "Note: http://127.0.0.1:9 could not be reached" in text
    assert "The sign-in waits until " in text


async def test_an_issuer_that_does_not_answer_is_told_while_it_is_waited_for(
    command_line: CommandLine, guard
):
    """Nobody sits in front of a silent terminal."""
    async with SandboxIssuer.start() as issuer:
        issuer.state.faults.add(Fault("metadata", "hang"))
        process = await command_line.spawn("login", issuer=issuer.url)
        text = await shown(process, "\n")
        process.terminate()
        await process.wait()

    assert text == f"Note: Waiting for an answer, from {issuer.url} for 10 s at the most.\n"


@pytest.mark.parametrize("had_login", [True, False])
async def test_a_sign_in_that_failed_says_whether_a_login_is_still_there(
    command_line: CommandLine, sandbox: Sandbox, browser: Browser, home: CodexHome, had_login
):
    """At the terminal and in the browser nobody is told that they are signed out."""
    if had_login:
        home.write(api_key_login(KEY))
    process = await command_line.spawn("login", issuer=sandbox)
    text = await shown(process, "Ctrl-C")
    address = next(line.strip() for line in text.splitlines() if "/oauth/authorize?" in line)

    visit = await browser.visit(address, decision="deny")
    _, stderr = await process.communicate()

    assert ("the login is as it was" in stderr.decode()) is had_login
    assert "Nothing has changed: a login from before is as it was." in visit.final_body
    assert "not signed in" not in visit.final_body


async def test_hints_repeat_the_options_that_were_given(command_line: CommandLine, tmp_path):
    """What is typed as it stands signs in at the right place."""
    folder = tmp_path / "a folder"
    folder.mkdir()

    outcome = await command_line(
        "--codex-home", str(folder), "--issuer", "http://127.0.0.1:9", "status", home=None
    )

    expected = f"`codex-auth-lsp --codex-home '{folder}' --issuer http://127.0.0.1:9 login"
    assert expected in outcome.stdout


async def test_one_place_gets_the_sentence_once(command_line: CommandLine):
    """`status > file 2>&1`: who reads both reads it once."""
    process = await command_line.spawn("status", stdout=subprocess.PIPE)
    apart, _ = await process.communicate()
    together = await command_line("status", stderr=subprocess.STDOUT)

    assert together.stdout == apart.decode()


async def test_a_login_of_another_issuer_is_named_with_both(
    command_line: CommandLine, home: CodexHome
):
    """So that a person sees which option is missing."""
    home.write(chatgpt_login(issuer="https://one.example"))

    outcome = await command_line("status", issuer="https://two.example")

    assert "was made with https://one.example, and the issuer configured now is" in outcome.stdout
    assert "https://two.example" in outcome.stdout


async def test_an_open_file_is_told_by_the_status(command_line: CommandLine, home: CodexHome):
    """Not only by the doctor."""
    home.write(api_key_login(KEY))
    home.auth_file.chmod(0o644)

    outcome = await command_line("status")

    assert f"Run: chmod 600 {home.auth_file}" in outcome.stdout


async def test_an_empty_file_is_called_empty_and_its_removal_unrevoked(
    command_line: CommandLine, home: CodexHome
):
    """With what to do."""
    home.write(b"")

    status = await command_line("status")
    out = await command_line("logout")

    assert "it is empty" in status.stdout
    assert re.search(r" login(?: --device-auth)?` replaces it\n", status.stdout)
    assert "could not be revoked" in out.stdout


async def test_a_lock_that_cannot_be_opened_is_named_and_not_the_login(
    command_line: CommandLine, home: CodexHome
):
    """With what to do about it."""
    lock = home.path / "auth.json.lock"
    lock.mkdir()

    outcome = await command_line("login", "--with-api-key", stdin=KEY.encode())

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert f"The lock file {lock} cannot be opened: Is a directory; make it" in outcome.stderr
    assert "as it was" not in outcome.stderr


@pytest.mark.parametrize("command", ["status", "login"])
async def test_a_keyring_without_a_desktop_has_a_way_out(
    command_line: CommandLine, home: CodexHome, tmp_path, command
):
    """Another store is named."""
    home.configure('cli_auth_credentials_store = "keyring"\n')
    no_desktop = {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": str(tmp_path)}

    outcome = await command_line(command, environment=no_desktop)

    assert outcome.returncode == FAILED
    assert 'set cli_auth_credentials_store to "file" or "auto"' in outcome.stdout + outcome.stderr


async def test_a_folder_that_is_missing_has_the_command_that_makes_it(
    command_line: CommandLine, tmp_path
):
    """One that was named has to exist."""
    outcome = await command_line("status", home=tmp_path / "not there")

    assert outcome.returncode == FAILED
    assert f"`mkdir -p '{tmp_path}/not there'`, or name another folder" in outcome.stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("openai ",), "has no blanks at its ends; leave them out. "),
        (("",), "is empty; name one. "),
        (("my", "lab"), "A name with blanks in it stands in quotes. "),
    ],
)
async def test_an_id_with_blanks_is_called_one(command_line: CommandLine, words, expected):
    """Nobody sees a blank at the end of a line."""
    outcome = await command_line("credential", *words, "--header")

    assert expected in outcome.stderr
