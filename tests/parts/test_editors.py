"""The clients in real editors, from keys to screen, against the sandbox issuer.

What a person does is the same in each; what one editor alone has stands at the end.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.visitor import Visitor
from e2e.shapes import api_key_login
from e2e.waiting import eventually
from support import editors, parts
from support.editors import DEADLINE, FOLDER, Desk, Editor
from support.lsp_client import clean_environment, server_command
from support.secrets_guard import API_KEY, USER_CODE

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from e2e.conftest import CommandLine
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

    Opener = Callable[..., AbstractAsyncContextManager[Editor]]

ACCOUNT = "plus@example.com"
"""The first of the sandbox's people."""

KEY = "sk-example-typed-in-an-editor"

every_editor = pytest.mark.parametrize(
    "part", [pytest.param(name, marks=pytest.mark.part(name)) for name in editors.EDITORS]
)


def script(folder: Path, text: str) -> list[str]:
    """Return the command line of a server that does what the text says."""
    path = folder / "server.py"
    path.write_text(text)
    return [sys.executable, "-I", str(path)]


@every_editor
async def test_browser_sign_in_and_a_logout_elsewhere_are_seen(
    run: Opener, desk: Desk, browser: Browser, command_line: CommandLine, sandbox: Sandbox
):
    """The page opens by the editor's own means, the status line follows, the prompt is gone."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        start = await one.sign_in("browser")
        address = await desk.opened()
        await one.prompts("Paste an address with ")
        await one.says("Codex: Signing in…")
        await browser.visit(address)
        await one.says(f"Codex: {ACCOUNT}")
        await one.shows(f"Signed in to Codex as {ACCOUNT} (ChatGPT plus plan).", start)
        await one.shows(f"{ACCOUNT}]", start)
        await one.prompts("")
        outcome = await command_line("logout", issuer=sandbox)
        await one.says("Codex: Signed Out")

    assert outcome.returncode == 0


@every_editor
async def test_windows_agree_and_nothing_keeps_a_prompt(
    run: Opener, desk: Desk, browser: Browser, guard: SecretsGuard
):
    """Two editors, one login; what was shown is nowhere once it is over."""
    async with run() as one, run(name="other") as other:
        await other.says("Codex: Signed Out")
        await one.says("Codex: Signed Out")
        await one.sign_in("browser")
        address = await desk.opened()
        await one.prompts("ends the sign-in")
        await browser.visit(address)
        for each in (one, other):
            await each.says(f"Codex: {ACCOUNT}")
        await one.prompts("")
        memory = await one.memory()
        start = one.command("sign-out")
        await one.shows("Signed out of Codex.", start)
        await other.says("Codex: Signed Out")

    guard.add_authorize_url(address)
    guard.add_output("the editor's memory", memory.encode())
    assert "Signed in to Codex" in memory
    assert "code_challenge" not in memory


@every_editor
async def test_cancelling_is_no_complaint(run: Opener, desk: Desk, home: CodexHome):
    """The attempt ends, its prompt goes, and nobody is told what they did."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        await one.sign_in("browser")
        await desk.opened()
        await one.prompts("ends the sign-in")
        await one.says("Codex: Signing in…")
        one.command("cancel")
        await one.says("Codex: Signed Out")
        await one.prompts("")
        messages = await one.messages()

    assert "cancelled" not in messages.lower()
    assert not home.auth_file.exists()


@every_editor
async def test_device_code_takes_the_place_of_a_browser_and_is_shown_before_its_page(
    run: Opener, desk: Desk, sandbox: Sandbox, guard: SecretsGuard
):
    """The whole warning and the code are on the screen; the page opens when the person says so."""
    sandbox.policy(deviceIntervalSeconds=1)
    async with run() as one:
        await one.says("Codex: Signed Out")
        await one.sign_in("browser")
        await desk.opened()
        await one.prompts("ends the sign-in")
        start = await one.sign_in("deviceCode")
        await one.prompts("Code: ")
        code = re.search(r"Code: ([A-Z0-9-]+)", await one.prompt())[1]
        guard.add(code, USER_CODE)
        await one.shows("Never share this code", start)
        await one.shows(code, start)
        opened_by_itself = not desk.is_idle()
        one.open_page()
        page = await desk.opened()
        await Visitor().enter_device_code(page.partition("?")[0], code)
        await one.says(f"Codex: {ACCOUNT}")
        await one.prompts("")
        messages = await one.messages()

    assert not opened_by_itself
    assert "replaced" not in messages


@every_editor
async def test_api_key_is_seen_by_nobody(run: Opener, guard: SecretsGuard, home: CodexHome):
    """What is typed is neither on the screen nor in a buffer, a history or a log."""
    guard.add(KEY, API_KEY)
    async with run() as one:
        await one.says("Codex: Signed Out")
        start = await one.sign_in("apiKey")
        await one.shows("billed at API rates)", start)
        one.type(f"{KEY}\r")
        await one.says("Codex: API key")
        await one.shows("Signed in to Codex with an API key, billed at API rates.", start)
        await one.shows("https://openai.com/api/pricing/", start)
        memory = await one.memory()
        guard.add_output("the screen", bytes(one.output))
        guard.add_output("the editor's memory", memory.encode())

    assert home.read()["OPENAI_API_KEY"] == KEY
    assert KEY not in memory


@every_editor
async def test_pasted_address_ends_the_login_and_a_wrong_one_does_not(
    run: Opener, desk: Desk, browser: Browser
):
    """What the browser could not load is handed in, and is not on the screen."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        begun = await one.sign_in("browser")
        callback = await browser.callback_url(await desk.opened())
        await one.prompts("ends the sign-in")
        start = one.command("paste")
        await one.shows("Whole address of that page", start)
        one.type("http://127.0.0.1:1455/auth/callback?code=x&state=y\r")
        await one.shows("does not belong to the sign-in", start)
        again = one.command("paste")
        await one.shows("Whole address of that page", again)
        one.type(f"{callback}\r")
        await one.says(f"Codex: {ACCOUNT}")
        screen = one.shown(begun)

    assert callback not in screen


@every_editor
async def test_no_page_is_opened_over_ssh(run: Opener, desk: Desk):
    """The link is shown; a browser on the far machine is of no use."""
    async with run(SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22") as one:
        await one.says("Codex: Signed Out")
        await one.sign_in("browser")
        await one.prompts("/oauth/authorize?")
        await one.says("Codex: Signing in…")
        idle = desk.is_idle()
        one.command("cancel")
        await one.says("Codex: Signed Out")

    assert idle


@every_editor
async def test_failure_is_one_message_with_what_can_be_done(
    run: Opener, desk: Desk, browser: Browser
):
    """A refusal is told once, and the way on is a command that can be typed."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        start = await one.sign_in("browser")
        await browser.visit(await desk.opened(), decision="deny")
        await one.shows("The sign-in was refused on the sign-in page.", start)
        await one.shows(f"Sign in again ({one.sign_in_command}).", start)
        messages = await one.messages()

    assert messages.count("The sign-in was refused") == 1


@every_editor
async def test_notice_is_told_with_what_can_be_done(run: Opener, home: CodexHome):
    """A login that other people can read is not passed over in silence."""
    home.write(api_key_login(KEY), mode=0o644)
    async with run() as one:
        await one.says("Codex: API key")
        await one.shows("Other people on this computer may ")
        await one.shows("Run: chmod 600 ")


@every_editor
async def test_server_of_another_version_is_named_with_its_remedy(run: Opener, tmp_path: Path):
    """A server that speaks another protocol is ended, not used and not started again."""
    starts = tmp_path / "starts"
    other = script(
        tmp_path,
        f"import sys\nopen({str(starts)!r}, 'a').write('x')\n"
        'text = \'{"jsonrpc":"2.0","id":1,"result":{"capabilities":{}}}\'\n'
        "sys.stdin.buffer.readline()\n"
        "print(f'Content-Length: {len(text)}\\r\\n\\r\\n{text}', end='', flush=True)\n"
        "sys.stdin.buffer.read()\n",
    )
    async with run(other) as one:
        await one.shows("pipx upgrade codex-auth-lsp")
        await one.says("Codex: Stopped")

    assert starts.read_text() == "x"


@every_editor
@pytest.mark.parametrize("program", ["codex-auth-lsp-nowhere", "/nowhere/codex-auth-lsp"])
async def test_server_that_is_not_there_is_told_with_its_remedy(run: Opener, program: str):
    """One message with the command to type, when the editor starts and when it is needed."""
    async with run([program]) as one:
        await one.shows("Install it: pipx install . in its folder")
        for name in ("status", "sign-in"):
            start = one.command(name)
            await one.shows("Install it: pipx install . in its folder", start)
        await one.says("Codex: Stopped")


@every_editor
async def test_server_ends_with_its_editor(run: Opener, part: str):
    """Nobody is left behind."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        (server,) = await one.servers()

    await eventually(lambda: not Path(f"/proc/{server}").exists(), "the server's end")


@pytest.mark.parametrize("part", [pytest.param("neovim", marks=pytest.mark.part("neovim"))])
async def test_neovim_log_is_quiet_for_the_time_of_a_sign_in(run: Opener, desk: Desk):
    """At TRACE it would hold whole messages; it has those before and after."""
    level, trace, info = "vim.lsp.log.get_level()", "0", "2"
    async with run() as one:
        await one.says("Codex: Signed Out")
        before = await one.ask(level)
        await one.sign_in("browser")
        await desk.opened()
        await one.prompts("ends the sign-in")
        meanwhile = await one.ask(level)
        one.command("cancel")
        await one.says("Codex: Signed Out")
        await one.prompts("")
        after = await one.ask(level)
        log = Path(await one.ask("vim.lsp.log.get_filename()")).read_text()

    assert (before, meanwhile, after) == (trace, info, trace)
    assert 'method = "auth/statusChanged"' in log
    assert 'method = "auth/loginPrompt"' not in log


@pytest.mark.parametrize("part", [pytest.param("neovim", marks=pytest.mark.part("neovim"))])
async def test_neovim_checks_its_health(run: Opener):
    """`:checkhealth` has who is signed in and what the server's doctor says, check by check."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        one.type(":checkhealth codex_auth\r")
        await one.shows("home: The Codex folder is")
        await one.shows("Codex: Signed Out")
        report = await one.ask("table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')")
        deprecated = await one.ask("vim.fn.execute('checkhealth vim.deprecated')")

    assert "codex_auth" not in deprecated
    assert not re.search(r"ADVICE:\n(?! {4}- )", report)


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


@pytest.mark.parametrize(
    "find",
    [
        pytest.param(parts.emacs, marks=pytest.mark.part("emacs"), id="emacs"),
        pytest.param(
            lambda: parts.newer_editor("emacs"),
            marks=pytest.mark.part("newer-emacs"),
            id="newer-emacs",
        ),
    ],
)
def test_emacs_client_compiles_without_a_warning(find: Callable[[], Any], tmp_path: Path):
    """The byte compiler's warnings are errors."""
    strict = "(setq byte-compile-error-on-warn t)"
    source = shutil.copy(FOLDER / "emacs" / "codex-auth.el", tmp_path)
    compiled = subprocess.run(
        [find(), "-Q", "--batch", "--eval", strict, "-f", "batch-byte-compile", source],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert (compiled.returncode, compiled.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["lua", "el"])
def test_client_is_small_enough_to_be_read(kind: str):
    """Fewer than 200 lines of at most 100 characters each, all files of a client together."""
    lines = [line for path in FOLDER.rglob(f"*.{kind}") for line in path.read_text().splitlines()]

    assert 0 < len(lines) < 200
    assert max(map(len, lines)) <= 100


@pytest.mark.part("old-neovim")
async def test_recipe_for_an_older_neovim_signs_in(
    tmp_path: Path, home: CodexHome, sandbox: Sandbox, browser: Browser
):
    """What the README has for Neovim before 0.10 is run from there, in one that is."""
    readme = (FOLDER / "nvim" / "README.md").read_text()
    (recipe,) = re.findall(r"## Older than 0\.10\n.*?```lua\n(.*?)```", readme, re.DOTALL)
    server = server_command(home=home.path, issuer=sandbox.issuer)
    settings = tmp_path / "recipe.lua"
    settings.write_text(
        recipe.replace("'codex-auth-lsp'", ", ".join(json.dumps(word) for word in server))
        + """
local function wait(condition) return vim.wait(20000, condition, 20) end
local function told(text)
  return wait(function() return vim.fn.execute('messages'):find(text) ~= nil end)
end
wait(function() return vim.lsp.get_client_by_id(codex) ~= nil end)
vim.cmd('Codex signIn')
local signed_in = told('Signed in to Codex')
vim.cmd('Codex signOut')
vim.cmd(signed_in and told('Signed out of Codex') and 'qall!' or 'cquit!')
"""
    )
    process = await asyncio.create_subprocess_exec(
        *[str(parts.nvim()), "--headless", "--clean", "-n", "-S", str(settings)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,
        env=clean_environment(tmp_path),
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE):
            printed = await process.stdout.readuntil(b"/oauth/authorize?")
            link = printed.split()[-1] + (await process.stdout.readuntil(b"codex_cli_rs"))
            await browser.visit(link.decode())
            rest = await process.stdout.read()
            status = await process.wait()
    finally:
        await parts.end(process, DEADLINE)

    assert (status, home.auth_file.exists()) == (0, False)
    assert f"Signed in to Codex as {ACCOUNT}" in rest.decode()
