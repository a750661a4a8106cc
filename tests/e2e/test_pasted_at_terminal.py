"""The address of the browser's last page, pasted at the terminal where `login` waits."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
from contextlib import asynccontextmanager
from shlex import join
from typing import TYPE_CHECKING, Any

import pytest

from e2e.shapes import api_key_login, example_key
from support import raw_callback
from support.lsp_client import clean_environment, server_command
from support.terminal import EXISTS, Terminal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from e2e.conftest import CommandLine
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

pytestmark = pytest.mark.skipif(not EXISTS, reason="this system has no pseudo-terminals")

SSH = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
ADDRESS = r"https?://\S+/oauth/authorize\?\S+(?=\n)"
LAST_WORDS = "Ctrl-C cancels"
CTRL_C, CTRL_Z, CTRL_BACKSLASH = "\x03", "\x1a", "\x1c"


def login(home: CodexHome, sandbox: Sandbox) -> tuple[str, ...]:
    """Return the command of a login in the browser."""
    return tuple(
        server_command(home=home.path, issuer=sandbox.issuer, log_level=None, arguments=("login",))
    )


@pytest.fixture
def at_terminal(home: CodexHome, sandbox: Sandbox, tmp_path: Path, guard: SecretsGuard) -> Any:
    """Run `login`, or another command, over SSH at a terminal whose screen is searched."""

    @asynccontextmanager
    async def run(*command: str) -> AsyncIterator[Terminal]:
        environment = clean_environment(tmp_path, {**SSH, "TERM": "dumb"})
        async with Terminal.running(
            *(command or login(home, sandbox)), folder=tmp_path, environment=environment
        ) as terminal:
            yield terminal
            # The page that is to be opened is shown, and nothing else that is secret.
            guard.add_output("the terminal", re.sub(ADDRESS, "", terminal.shown).encode())

    return run


async def waiting(terminal: Terminal) -> str:
    """Return the address that is shown, once the sign-in waits."""
    await terminal.until(LAST_WORDS)
    return (await terminal.until(ADDRESS))[0]


async def returncode(terminal: Terminal) -> int:
    return await asyncio.wait_for(terminal.process.wait(), 15)


async def test_l25_the_address_of_the_last_page_is_pasted_at_the_terminal(
    at_terminal, browser: Browser, home: CodexHome
):
    """It is taken without being shown, white space and all, and the terminal is as it was."""
    async with at_terminal() as terminal:
        page = await waiting(terminal)
        hidden = not terminal.shows_typing
        url = await browser.callback_url(page, person="password")
        await terminal.type(f"\x1b[200~ {url}\x1b[201~\r")
        status = await returncode(terminal)

        assert (status, hidden, terminal.shows_typing) == (0, True, True)
        assert url not in terminal.shown
        assert "That is the address" in terminal.shown
        assert "pro@example.com" in terminal.shown
    assert home.read()["auth_mode"] == "chatgpt"


async def test_p5_a_wrong_address_is_one_sentence_and_the_sign_in_waits_on(
    at_terminal, sandbox: Sandbox, browser: Browser
):
    """Nothing of it is shown, and the right one then signs in."""
    async with at_terminal() as terminal:
        url = await browser.callback_url(await waiting(terminal))
        before = terminal.shown
        await terminal.type("\nmarker-of-the-tests\n")
        await terminal.until("begins with http://127.0.0.1:1455/auth/callback; copy that one.\n")
        await terminal.type(f"{url[:-1]}_\n")
        await terminal.until("does not belong to the sign-in that is waiting; .*page.\n")
        await terminal.type(f"{url.ljust(20_000, 'x')}\n")
        await terminal.until(r"copy that one.\n(?:.*\n)+.*copy that one.\n")
        said = terminal.shown.removeprefix(before)
        asked = sandbox.requests("token")
        await terminal.type(f"{url}x\x7f\n")
        status = await returncode(terminal)

    assert said.count("\n") == 3
    assert "marker" not in said
    assert asked == []
    assert status == 0


async def test_a_long_address_is_taken_whole(at_terminal, browser: Browser):
    """Longer than a line that a terminal gathers by itself, which is 4 KiB on Linux."""
    async with at_terminal() as terminal:
        url = await browser.callback_url(await waiting(terminal))
        await terminal.type(url.replace("?", f"?session_state={'x' * 8000}&") + "\n")

        assert await returncode(terminal) == 0


@pytest.mark.parametrize(
    ("key", "expected"), [(CTRL_C, 130), (CTRL_C + CTRL_C, 130), (CTRL_BACKSLASH, -signal.SIGQUIT)]
)
async def test_a_key_that_ends_the_sign_in_leaves_the_terminal_as_it_was(
    at_terminal, home: CodexHome, key, expected
):
    """And the login."""
    before = home.write(api_key_login(example_key("stays")))
    async with at_terminal() as terminal:
        await waiting(terminal)
        await terminal.type(key)

        assert await returncode(terminal) == expected
        assert terminal.shows_typing
    assert home.bytes() == before


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGQUIT"])
async def test_a_signal_that_ends_the_sign_in_does_so_too(at_terminal, name):
    """Whoever sends it."""
    async with at_terminal() as terminal:
        await waiting(terminal)
        terminal.process.send_signal(getattr(signal, name))
        await returncode(terminal)

        assert terminal.shows_typing


async def test_the_terminal_is_as_it_was_when_the_browser_brings_the_answer(
    at_terminal, browser: Browser
):
    """Through a forwarded port, for instance."""
    async with at_terminal() as terminal:
        await browser.visit(await waiting(terminal))

        assert await returncode(terminal) == 0
        assert terminal.shows_typing


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
async def test_a_sign_in_that_is_stopped_gives_the_terminal_to_the_shell(
    at_terminal, browser: Browser, home: CodexHome, sandbox: Sandbox
):
    """Ctrl-Z; in the background the shell keeps it, and in the foreground pasting works again."""
    async with at_terminal("sh", "-i") as terminal:
        await terminal.type(f"PS1='ready> '; {join(login(home, sandbox))}\n")
        page = await waiting(terminal)
        await terminal.until_typing_is_shown(False)
        await terminal.type(CTRL_Z)
        await terminal.until("Stopped")
        await terminal.until_typing_is_shown(True)
        await terminal.type("bg; echo in-the-'background'\n")
        await terminal.until("in-the-background\n")
        kept = terminal.shows_typing
        await terminal.type("fg\n")
        await terminal.until_typing_is_shown(False)
        await terminal.type(f"{await browser.callback_url(page)}\n")
        await terminal.until("Signed in to Codex as ")
        await terminal.until_typing_is_shown(True)
        await terminal.type("exit\n")
        await returncode(terminal)

    assert kept
    assert home.read()["auth_mode"] == "chatgpt"


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
async def test_a_sign_in_in_the_background_leaves_the_terminal_alone(
    at_terminal, browser: Browser, home: CodexHome, sandbox: Sandbox
):
    """It is not stopped for touching what is another's, and says nothing of pasting."""
    async with at_terminal("sh", "-i") as terminal:
        await terminal.type(f"{join(login(home, sandbox))} &\n")
        page = await waiting(terminal)
        kept = terminal.shows_typing
        await browser.visit(page)
        await terminal.until("Signed in to Codex as ")
        await terminal.type("exit\n")
        await returncode(terminal)

        assert kept
        assert "paste it here" not in terminal.shown


async def test_what_is_no_terminal_is_never_read(
    command_line: CommandLine, sandbox: Sandbox, browser: Browser, guard: SecretsGuard
):
    """What a script has on stdin is for its next command."""
    process = await command_line.spawn("login", issuer=sandbox, environment=SSH)
    assert process.stderr is not None
    text = ""
    async with asyncio.timeout(15):
        while LAST_WORDS not in text:
            text += (await process.stderr.readline()).decode()
    page = next(line.strip() for line in text.splitlines() if "/oauth/authorize?" in line)
    url = await browser.callback_url(page)
    assert process.stdin is not None
    process.stdin.write(f"{url}\n".encode())
    await process.stdin.drain()
    listening = await raw_callback.is_listening(1455)
    await raw_callback.deliver(url)
    _, stderr = await asyncio.wait_for(process.communicate(), 15)
    guard.add_output("stderr of login", stderr)

    assert "paste" not in text
    assert listening
    assert (process.returncode, stderr) == (0, b"")


def key_login(home: CodexHome) -> tuple[str, ...]:
    """Return the command of a login with an API key."""
    words = ("login", "--with-api-key")
    return tuple(server_command(home=home.path, issuer=None, log_level=None, arguments=words))


async def test_an_api_key_is_pasted_at_the_terminal_and_not_shown(
    at_terminal, home: CodexHome, guard: SecretsGuard
):
    """White space and the marks of a paste are no part of it."""
    key = example_key("pasted")
    guard.add(key)
    async with at_terminal(*key_login(home)) as terminal:
        await terminal.until("Paste the API key")
        await terminal.until_typing_is_shown(False)
        await terminal.type(f"\x1b[200~ {key} \x1b[201~\r")

        assert await returncode(terminal) == 0
        assert terminal.shows_typing
    assert home.read()["OPENAI_API_KEY"] == key


async def test_a_person_who_enters_no_api_key_leaves_the_login_as_it_was(
    at_terminal, home: CodexHome
):
    """Ctrl-C ends it as it ends every sign-in."""
    before = home.write(api_key_login(example_key("stays")))
    async with at_terminal(*key_login(home)) as terminal:
        await terminal.until("Paste the API key")
        await terminal.until_typing_is_shown(False)
        await terminal.type(CTRL_C)

        assert await returncode(terminal) == 130
        assert terminal.shows_typing
    assert home.bytes() == before
