"""The Neovim client in a real Neovim, from keys to screen, against the sandbox issuer."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.visitor import Visitor
from support.editors import DEADLINE, FOLDER, Desk, Editor, neovim
from support.lsp_client import server_command
from support.secrets_guard import API_KEY, USER_CODE

if TYPE_CHECKING:
    from e2e.conftest import CommandLine
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

pytestmark = pytest.mark.part("neovim")

ACCOUNT = "plus@example.com"
"""The first of the sandbox's people."""

KEY = "sk-example-typed-in-an-editor"
STATUSLINE = "require('codex_auth').statusline()"
LOG_LEVEL = "require('vim.lsp.log').get_level()"
TRACE, INFO = "0", "2"


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def editor(tmp_path: Path, home: CodexHome, sandbox: Sandbox, desk: Desk) -> Any:
    """Run Neovim on the test's folder; the log and history that it leaves are searched."""
    command = server_command(home=home.path, issuer=sandbox.issuer)
    return lambda name="nvim", **environment: neovim(tmp_path, desk, command, name, **environment)


async def begin(editor: Editor, method: str) -> int:
    """Start to sign in; return how much was on the screen before."""
    await editor.becomes(STATUSLINE, "Codex: Signed Out")
    start = len(editor.output)
    editor.type(f":CodexSignIn {method}\r")
    return start


async def log_of(nvim: Editor) -> str:
    """Return what Neovim has logged of its language servers."""
    return Path(await nvim.ask("require('vim.lsp.log').get_filename()")).read_text()


async def test_neovim_signs_in_with_the_browser_and_sees_a_logout_elsewhere(
    editor, desk: Desk, browser: Browser, command_line: CommandLine, sandbox: Sandbox
):
    """The page opens by the editor's own means, the status line follows, the window is gone."""
    async with editor() as nvim:
        start = await begin(nvim, "browser")
        address = await desk.opened()
        await nvim.shows("p: paste the address", start)
        await nvim.becomes(STATUSLINE, "Codex: Signing in…")
        await browser.visit(address)
        await nvim.becomes(STATUSLINE, f"Codex: {ACCOUNT}")
        await nvim.shows(f"Signed in to Codex as {ACCOUNT} (ChatGPT plus plan).", start)
        await nvim.becomes("#vim.api.nvim_list_wins()", "1")
        outcome = await command_line("logout", issuer=sandbox)
        await nvim.becomes(STATUSLINE, "Codex: Signed Out")

    assert outcome.returncode == 0


async def test_neovim_windows_agree_and_the_log_holds_no_prompt(
    editor, desk: Desk, browser: Browser
):
    """Two editors, one login; at TRACE the log has what follows and nothing of the prompt."""
    async with editor() as nvim, editor("other") as other:
        await other.becomes(STATUSLINE, "Codex: Signed Out")
        await begin(nvim, "browser")
        address = await desk.opened()
        await nvim.becomes(LOG_LEVEL, INFO)
        await browser.visit(address)
        for one in (nvim, other):
            await one.becomes(STATUSLINE, f"Codex: {ACCOUNT}")
        await nvim.becomes(LOG_LEVEL, TRACE)
        nvim.type(":CodexSignOut\r")
        await nvim.shows("Signed out of Codex.")
        await other.becomes(STATUSLINE, "Codex: Signed Out")
        log = await log_of(nvim)

    assert 'method = "auth/statusChanged"' in log
    assert 'method = "auth/logout"' in log
    assert 'method = "auth/loginPrompt"' not in log
    assert "code_challenge" not in log


async def test_neovim_cancels_without_a_complaint(editor, desk: Desk, home: CodexHome):
    """The key `c` in the window ends the attempt, and nobody is told what they did."""
    async with editor() as nvim:
        await begin(nvim, "browser")
        await desk.opened()
        await nvim.becomes(STATUSLINE, "Codex: Signing in…")
        nvim.type("c")
        await nvim.becomes(STATUSLINE, "Codex: Signed Out")
        await nvim.becomes("#vim.api.nvim_list_wins()", "1")
        await nvim.becomes(LOG_LEVEL, TRACE)
        messages = await nvim.ask("vim.fn.execute('messages')")

    assert "cancel" not in messages.lower()
    assert not home.auth_file.exists()


async def test_neovim_shows_a_device_code_before_its_page(
    editor, desk: Desk, sandbox: Sandbox, guard: SecretsGuard
):
    """The whole warning and the code are on the screen; the page opens when the person says so."""
    sandbox.policy(deviceIntervalSeconds=1)
    async with editor() as nvim:
        start = await begin(nvim, "deviceCode")
        await nvim.shows("Never share this code", start)
        await nvim.shows("o: open the page", start)
        code = re.search(r"Code: (\S+)", nvim.shown(start))[1]
        guard.add(code, USER_CODE)
        opened_by_itself = not desk.is_idle()
        nvim.type("o")
        page = await desk.opened()
        await Visitor().enter_device_code(page.partition("?")[0], code)
        await nvim.becomes(STATUSLINE, f"Codex: {ACCOUNT}")

    assert not opened_by_itself


async def test_neovim_takes_an_api_key_that_nobody_sees(
    editor, guard: SecretsGuard, home: CodexHome
):
    """What is typed is neither on the screen nor in the log, the history or the registers."""
    guard.add(KEY, API_KEY)
    async with editor() as nvim:
        start = await begin(nvim, "apiKey")
        await nvim.shows("billed at API rates", start)
        nvim.type(f"{KEY}\r")
        await nvim.becomes(STATUSLINE, "Codex: API key")
        await nvim.shows("Signed in to Codex with an API key, billed at API rates.", start)
        await nvim.shows("https://openai.com/api/pricing/", start)
        history = await nvim.ask("vim.fn.execute('history all | registers')")
        guard.add_output("the screen", bytes(nvim.output))
        guard.add_output("the histories", history.encode())
        log = await log_of(nvim)

    assert home.read()["OPENAI_API_KEY"] == KEY
    assert "CodexSignIn apiKey" in history
    assert 'method = "auth/login"' not in log


async def test_neovim_offers_the_methods_and_takes_a_pasted_address(
    editor, desk: Desk, browser: Browser
):
    """The order is the server's; a wrong address is refused and the right one ends the login."""
    async with editor() as nvim:
        start = await begin(nvim, "")
        await nvim.shows("Sign in with ChatGPT: ", start)
        await nvim.shows("Sign in with an API key: ", start)
        number = re.search(r"(\d): Sign in with ChatGPT: ", nvim.shown(start))[1]
        nvim.type(f"{number}\r")
        callback = await browser.callback_url(await desk.opened())
        await nvim.shows("p: paste the address", start)
        nvim.type("p")
        await nvim.shows("The whole address of that page", start)
        nvim.type("http://127.0.0.1:1455/auth/callback?code=x&state=y\r")
        await nvim.shows("does not belong to the sign-in", start)
        nvim.type("\r:CodexPaste\r")
        nvim.type(f"{callback}\r")
        await nvim.becomes(STATUSLINE, f"Codex: {ACCOUNT}")
        screen = nvim.shown(start)

    assert callback not in screen


async def test_neovim_over_ssh_opens_no_page_by_itself(editor, desk: Desk):
    """The link is shown; a browser on the far machine is of no use."""
    async with editor(SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22") as nvim:
        start = await begin(nvim, "browser")
        await nvim.shows("p: paste the address", start)
        await nvim.becomes(STATUSLINE, "Codex: Signing in…")
        idle = desk.is_idle()
        nvim.type(":CodexCancel\r")
        await nvim.becomes(STATUSLINE, "Codex: Signed Out")

    assert idle


async def test_neovim_tells_of_a_failure_with_its_remedies(editor, desk: Desk, browser: Browser):
    """A refusal is one message, and the way on is a command that can be typed."""
    async with editor() as nvim:
        start = await begin(nvim, "browser")
        await browser.visit(await desk.opened(), decision="deny")
        await nvim.shows("The sign-in was refused on the sign-in page.", start)
        await nvim.shows("Sign in again (:CodexSignIn browser)", start)


async def test_neovim_forgets_a_server_that_was_killed_and_starts_another(editor, desk: Desk):
    """A sign-in of the old process is over, and the next command has a new one."""
    async with editor() as nvim:
        start = await begin(nvim, "browser")
        await desk.opened()
        await nvim.becomes(STATUSLINE, "Codex: Signing in…")
        (server,) = children(int(await nvim.ask("vim.fn.getpid()")))
        os.kill(server, signal.SIGKILL)
        await nvim.shows("The sign-in server ended before the sign-in did.", start)
        nvim.type("\r")
        await nvim.becomes(STATUSLINE, "Codex: Stopped")
        await nvim.becomes(LOG_LEVEL, TRACE)
        await nvim.becomes("#vim.api.nvim_list_wins()", "1")
        nvim.type(":CodexStatus\r")
        await nvim.shows("Provider: openai", start)
        nvim.type("\r")
        await nvim.becomes(STATUSLINE, "Codex: Signed Out")


async def test_neovim_drops_an_older_status_and_takes_one_of_a_new_server(editor):
    """`revision` counts within one `serverInstanceId`."""
    tell = (
        "(function() local client = (vim.lsp.get_clients or vim.lsp.get_active_clients)()[1] "
        "local function hear(revision, id, state) "
        "local status = {{ revision = revision, serverInstanceId = id, state = state }} "
        "client.handlers['auth/statusChanged'](nil, {{ status = status }}, "
        "{{ client_id = client.id }}) end "
        "{calls} return require('codex_auth').statusline() end)()"
    )
    async with editor() as nvim:
        await nvim.becomes(STATUSLINE, "Codex: Signed Out")
        newer = await nvim.ask(tell.format(calls="hear(9, 'a', 'needsReauth')"))
        older = await nvim.ask(tell.format(calls="hear(8, 'a', 'signedOut')"))
        restarted = await nvim.ask(tell.format(calls="hear(1, 'b', 'signedOut')"))

    assert newer == "Codex: Sign In Again"
    assert older == "Codex: Sign In Again"
    assert restarted == "Codex: Signed Out"


async def test_neovim_says_how_to_get_a_server_that_is_not_there(tmp_path: Path, desk: Desk):
    """One message with the command, no error."""
    async with neovim(tmp_path, desk, ["codex-auth-lsp-nowhere"]) as nvim:
        await nvim.shows("Install it with: pipx install codex-auth-lsp")


async def test_neovim_checks_its_health(editor):
    """`:checkhealth` has what the server's doctor says."""
    async with editor() as nvim:
        await nvim.becomes(STATUSLINE, "Codex: Signed Out")
        nvim.type(":checkhealth codex_auth\r")
        await nvim.becomes(
            "vim.fn.search('The Codex folder is', 'nw') > 0 and 'found' or 'not yet'", "found"
        )


@pytest.mark.part("luacheck")
def test_neovim_client_has_no_lint():
    """No variable that is unused, shadowed or global."""
    checked = subprocess.run(
        ["luacheck", "--no-color", "--no-config", "--globals", "vim", "--", FOLDER / "nvim"],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert checked.returncode == 0, checked.stdout


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
