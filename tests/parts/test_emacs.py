"""The Emacs client in a real Emacs, from keys to screen, against the sandbox issuer."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.visitor import Visitor
from e2e.waiting import eventually
from support import parts
from support.editors import DEADLINE, FOLDER, Desk, Editor, emacs
from support.lsp_client import server_command
from support.secrets_guard import API_KEY, USER_CODE

if TYPE_CHECKING:
    from e2e.conftest import CommandLine
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

pytestmark = pytest.mark.part("emacs")

ACCOUNT = "plus@example.com"
"""The first of the sandbox's people."""

KEY = "sk-example-typed-in-an-editor"

WORDS = "(codex-auth--words)"
PROMPT_IS_SHOWN = '(if (get-buffer codex-auth--buffer) "shown" "gone")'

KNOWN = (
    "(mapconcat (lambda (buffer) (with-current-buffer buffer"
    " (concat (buffer-name) (buffer-substring-no-properties (point-min) (point-max)))))"
    ' (buffer-list) "|")'
)
"""Everything that stands in a buffer, hidden ones included."""

HISTORIES = '(format "%S" (list minibuffer-history extended-command-history kill-ring))'


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def editor(tmp_path: Path, home: CodexHome, sandbox: Sandbox, desk: Desk) -> Any:
    """Run Emacs on the test's folder."""
    command = server_command(home=home.path, issuer=sandbox.issuer)
    return lambda name="emacs", **environment: emacs(tmp_path, desk, command, name, **environment)


def run(one: Editor, command: str) -> int:
    """Type a command; return how much was on the screen before."""
    start = len(one.output)
    one.type(f"\x1bx{command}\r")
    return start


async def begin(one: Editor, way: str = "") -> int:
    """Start to sign in; return how much was on the screen before."""
    await one.becomes(WORDS, '"Codex: Signed Out"')
    return run(one, f"codex-auth-sign-in{way}")


async def is_signed_in(one: Editor, account: str = ACCOUNT) -> None:
    await one.becomes(WORDS, f'"Codex: {account}"')


async def test_emacs_signs_in_with_the_browser_and_sees_a_logout_elsewhere(
    editor, desk: Desk, browser: Browser, command_line: CommandLine, sandbox: Sandbox
):
    """The page opens by the editor's own means, the mode line follows, the prompt is gone."""
    async with editor() as one:
        start = await begin(one, "-with-browser")
        address = await desk.opened()
        await one.shows("p: paste the address", start)
        await one.becomes(WORDS, '"Codex: Signing in…"')
        await browser.visit(address)
        await is_signed_in(one)
        await one.shows(f"Signed in to Codex as {ACCOUNT} (ChatGPT plus plan).", start)
        await one.shows(f"[Codex: {ACCOUNT}]", start)
        await one.becomes(PROMPT_IS_SHOWN, '"gone"')
        outcome = await command_line("logout", issuer=sandbox)
        await one.becomes(WORDS, '"Codex: Signed Out"')

    assert outcome.returncode == 0


async def test_emacs_windows_agree_and_no_buffer_keeps_a_prompt(
    editor, desk: Desk, browser: Browser, guard: SecretsGuard
):
    """Two editors, one login; what was shown and copied is nowhere once it is over."""
    async with editor() as one, editor("other") as other:
        await other.becomes(WORDS, '"Codex: Signed Out"')
        await begin(one, "-with-browser")
        address = await desk.opened()
        await one.becomes(PROMPT_IS_SHOWN, '"shown"')
        one.type("y")
        await one.becomes("(if codex-auth--copied t)", "t")
        await browser.visit(address)
        await is_signed_in(one)
        await is_signed_in(other)
        await one.becomes(PROMPT_IS_SHOWN, '"gone"')
        buffers, histories = await one.ask(KNOWN), await one.ask(HISTORIES)
        run(one, "codex-auth-sign-out")
        await one.shows("Signed out of Codex.")
        await other.becomes(WORDS, '"Codex: Signed Out"')

    guard.add_authorize_url(address)
    guard.add_output("the buffers", buffers.encode())
    guard.add_output("the histories", histories.encode())
    assert "*Messages*" in buffers
    assert "code_challenge" not in buffers + histories


async def test_emacs_cancels_without_a_complaint(editor, desk: Desk, home: CodexHome):
    """The key `c` in the prompt ends the attempt, and nobody is told what they did."""
    async with editor() as one:
        await begin(one, "-with-browser")
        await desk.opened()
        await one.becomes(PROMPT_IS_SHOWN, '"shown"')
        one.type("c")
        await one.becomes(WORDS, '"Codex: Signed Out"')
        await one.becomes(PROMPT_IS_SHOWN, '"gone"')
        messages = await one.ask('(with-current-buffer "*Messages*" (buffer-string))')

    assert "cancel" not in messages.lower()
    assert not home.auth_file.exists()


async def test_emacs_shows_a_device_code_before_its_page(
    editor, desk: Desk, sandbox: Sandbox, guard: SecretsGuard
):
    """The whole warning and the code are on the screen; the page opens when the person says so."""
    sandbox.policy(deviceIntervalSeconds=1)
    async with editor() as one:
        start = await begin(one, "-with-device-code")
        await one.shows("Never share this code", start)
        await one.shows("o: open the page", start)
        prompt = await one.ask("(with-current-buffer codex-auth--buffer (buffer-string))")
        code = re.search(r"Code: ([A-Z0-9-]+)", prompt)[1]
        await one.shows(code, start)
        guard.add(code, USER_CODE)
        opened_by_itself = not desk.is_idle()
        one.type("o")
        page = await desk.opened()
        await Visitor().enter_device_code(page.partition("?")[0], code)
        await is_signed_in(one)

    assert not opened_by_itself


async def test_emacs_takes_an_api_key_that_nobody_sees(
    editor, guard: SecretsGuard, home: CodexHome
):
    """What is typed is not on the screen, in a buffer or in a history."""
    guard.add(KEY, API_KEY)
    async with editor() as one:
        start = await begin(one, "-with-api-key")
        await one.shows("billed at API rates", start)
        one.type(f"{KEY}\r")
        await is_signed_in(one, "API key")
        await one.shows("Signed in to Codex with an API key, billed at API rates.", start)
        await one.shows("https://openai.com/api/pricing/", start)
        histories = await one.ask(HISTORIES)
        guard.add_output("the screen", bytes(one.output))
        guard.add_output("the buffers", (await one.ask(KNOWN)).encode())
        guard.add_output("the histories", histories.encode())
        guard.add_output("the keys", (await one.ask('(format "%S" (recent-keys))')).encode())

    assert home.read()["OPENAI_API_KEY"] == KEY
    assert "codex-auth-sign-in-with-api-key" in histories


async def test_emacs_offers_the_methods_and_takes_a_pasted_address(
    editor, desk: Desk, browser: Browser
):
    """The order is the server's; a wrong address is refused and the right one ends the login."""
    async with editor() as one:
        start = await begin(one)
        await one.shows("Sign in to Codex: ", start)
        one.type("Sign in with ChatGPT\r")
        callback = await browser.callback_url(await desk.opened())
        await one.becomes(PROMPT_IS_SHOWN, '"shown"')
        one.type("p")
        await one.shows("The whole address of that page", start)
        one.type("http://127.0.0.1:1455/auth/callback?code=x&state=y\r")
        await one.shows("does not belong to the sign-in", start)
        again = run(one, "codex-auth-paste")
        await one.shows("The whole address of that page", again)
        one.type(f"{callback}\r")
        await is_signed_in(one)
        screen = one.shown(start)

    assert callback not in screen


async def test_emacs_over_ssh_opens_no_page_by_itself(editor, desk: Desk):
    """The link is shown; a browser on the far machine is of no use."""
    async with editor(SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22") as one:
        await begin(one, "-with-browser")
        await one.becomes(PROMPT_IS_SHOWN, '"shown"')
        idle = desk.is_idle()
        run(one, "codex-auth-cancel")
        await one.becomes(WORDS, '"Codex: Signed Out"')

    assert idle


async def test_emacs_tells_of_a_failure_with_its_remedies(editor, desk: Desk, browser: Browser):
    """A refusal is one message, and the way on is a command that can be typed."""
    async with editor() as one:
        start = await begin(one, "-with-browser")
        await browser.visit(await desk.opened(), decision="deny")
        await one.shows("The sign-in was refused on the sign-in page.", start)
        await one.shows("Sign in again (M-x codex-auth-sign-in-with-browser)", start)


async def test_emacs_forgets_a_server_that_was_killed_and_starts_another(editor, desk: Desk):
    """A sign-in of the old process is over, and the next command has a new one."""
    async with editor() as one:
        start = await begin(one, "-with-browser")
        await desk.opened()
        await one.becomes(PROMPT_IS_SHOWN, '"shown"')
        server = await one.ask("(process-id (jsonrpc--process codex-auth--connection))")
        os.kill(int(server), signal.SIGKILL)
        await one.becomes(WORDS, '"Codex: Stopped"')
        await one.shows("The sign-in server ended before the sign-in did.", start)
        await one.becomes(PROMPT_IS_SHOWN, '"gone"')
        run(one, "codex-auth-status")
        await one.shows("Provider: openai", start)
        await one.becomes(WORDS, '"Codex: Signed Out"')


async def test_emacs_drops_an_older_status_and_takes_one_of_a_new_server(editor):
    """`revision` counts within one `serverInstanceId`."""

    async def hear(one: Editor, revision: int, instance: str, state: str) -> str:
        status = f'(:revision {revision} :serverInstanceId "{instance}" :state "{state}")'
        heard = f"(codex-auth--hear codex-auth--connection 'auth/statusChanged '(:status {status}))"
        return await one.ask(f"(progn {heard} {WORDS})")

    async with editor() as one:
        await one.becomes(WORDS, '"Codex: Signed Out"')
        newer = await hear(one, 9, "a", "needsReauth")
        older = await hear(one, 8, "a", "signedOut")
        restarted = await hear(one, 1, "b", "signedOut")

    assert newer == '"Codex: Sign In Again"'
    assert older == '"Codex: Sign In Again"'
    assert restarted == '"Codex: Signed Out"'


async def test_emacs_says_how_to_get_a_server_that_is_not_there(tmp_path: Path, desk: Desk):
    """One message with the command, at the start and from every command."""
    async with emacs(tmp_path, desk, ["codex-auth-lsp-nowhere"]) as one:
        await one.shows("Install it with: pipx install codex-auth-lsp")
        refused = await one.ask("(condition-case err (codex-auth-sign-in) (user-error err))")

    assert "Install it with: pipx install codex-auth-lsp" in refused


def test_emacs_client_compiles_without_a_warning(tmp_path: Path):
    """The byte compiler's warnings are errors."""
    strict = "(setq byte-compile-error-on-warn t)"
    source = shutil.copy(FOLDER / "emacs" / "codex-auth.el", tmp_path)
    compiled = subprocess.run(
        [parts.emacs(), "-Q", "--batch", "--eval", strict, "-f", "batch-byte-compile", source],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

    assert (compiled.returncode, compiled.stderr) == (0, "")


async def test_emacs_lets_its_server_end_with_the_mode_and_starts_another(editor):
    """Nothing is left running, and nothing of the old server is shown."""
    async with editor() as one:
        await one.becomes(WORDS, '"Codex: Signed Out"')
        old = await one.ask("(process-id (jsonrpc--process codex-auth--connection))")
        await one.ask("(codex-auth-mode -1)")
        await one.becomes(WORDS, '"Codex: Stopped"')
        await eventually(lambda: not Path(f"/proc/{old}").exists(), "the server's end")
        await one.ask("(codex-auth-mode 1)")
        await one.becomes(WORDS, '"Codex: Signed Out"')
