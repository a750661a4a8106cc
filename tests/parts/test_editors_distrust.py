"""What the clients for Neovim and Emacs do not run, open or wait for."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.waiting import eventually
from parts.test_editors import every_editor, script
from support.editors import DEADLINE

if TYPE_CHECKING:
    from e2e.shapes import CodexHome
    from parts.test_editors import Opener
    from support.editors import Desk

INJECTED = {
    "PYTHONUSERBASE": "/nowhere",
    "PYTHONWARNINGS": "error",
    "OPENSSL_CONF": "/nowhere",
    "OPENSSL_MODULES": "/nowhere",
    "GCONV_PATH": "/nowhere",
    "BASH_ENV": "/nowhere",
    "__PYVENV_LAUNCHER__": "/nowhere",
}
"""Variables that decide which code a program runs."""

FAKE = """
import json, sys

def send(**message):
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    sys.stdout.buffer.flush()

def receive():
    if not sys.stdin.buffer.peek(1):
        raise SystemExit  # the editor has ended
    lines = iter(sys.stdin.buffer.readline, b"\\r\\n")
    header = dict(line.split(b":", 1) for line in lines)
    return json.loads(sys.stdin.buffer.read(int(header[b"Content-Length"])))
"""


def fake_server(
    folder: Path, prompts: list[dict[str, Any]], status: dict[str, Any] | None = None
) -> list[str]:
    """Return a server of a status whose sign-in shows these prompts, and then goes on for ever."""
    auth = {"protocolVersion": 1, "requests": ["auth/methods", "auth/login"]}
    hello = {"capabilities": {"experimental": {"auth": auth}}}
    titles = {"browser": "Sign in with ChatGPT", "deviceCode": "Sign in with a device code"}
    ways = [
        {"id": one, "title": title, "description": "It is one.", "available": True}
        for one, title in titles.items()
    ]
    known = {"revision": 1, "state": "signedOut", **(status or {})}
    startup = {"cause": "startup", "status": known}
    return script(
        folder,
        FAKE
        + f"""
while True:
    asked = receive()
    match asked["method"]:
        case "initialize":
            send(id=asked["id"], result={hello!r})
        case "initialized":
            send(method="auth/statusChanged", params={startup!r})
        case "auth/methods":
            send(id=asked["id"], result={{"methods": {ways!r}}})
        case "auth/login":
            for prompt in {prompts!r}:
                prompt["attemptId"] = asked["params"]["attemptId"]
                send(method="auth/loginPrompt", params=prompt)
            send(method="window/showMessage", params={{"type": 3, "message": "All was shown"}})
""",
    )


@every_editor
async def test_a_program_in_the_edited_folder_is_not_run(run: Opener, desk: Desk, tmp_path: Path):
    """Neither by an absolute entry of the PATH nor by one that depends on the folder."""
    ran = tmp_path / "ran"
    for name in ("bin", "a/bin"):
        program = tmp_path / name / "codex-auth-lsp-here"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho >'{ran}'\n")
        program.chmod(0o755)
    linked = desk.folder / "linked"
    linked.symlink_to(tmp_path / "bin")
    path = f"{tmp_path}/bin:a/bin:{linked}:{desk.path}"

    async with run(["codex-auth-lsp-here"], PATH=path, HOME=str(desk.folder)) as one:
        await one.shows("codex-auth-lsp-here is missing.")
        start = one.command("status")
        await one.shows("codex-auth-lsp-here is missing.", start)

    assert not ran.exists()


@every_editor
async def test_a_program_below_the_home_folder_is_run_from_there(
    run: Opener, desk: Desk, tmp_path: Path, home: CodexHome
):
    """Whoever starts the editor in the home folder has installed what is below."""
    program = tmp_path / "bin" / "codex-auth-lsp-here"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\nexec {sys.executable} -Im codex_auth_lsp --codex-home {home.path}\n"
    )
    program.chmod(0o755)
    path = f"{program.parent}:{desk.path}"

    async with run(["codex-auth-lsp-here"], PATH=path, HOME=str(tmp_path)) as one:
        await one.says("Codex: Signed Out")


@every_editor
async def test_variables_that_choose_code_are_not_passed_on(run: Opener, tmp_path: Path):
    """What a project's tools have put into the editor's environment ends there."""
    seen = tmp_path / "seen.json"
    server = fake_server(tmp_path, [])
    program = Path(server[-1])
    note = f"import json, os\njson.dump(dict(os.environ), open({str(seen)!r}, 'w'))\n"
    program.write_text(note + program.read_text())
    async with run(server, **INJECTED, KEPT="yes") as one:
        await one.says("Codex: Signed Out")
    environment = json.loads(seen.read_text())

    assert [name for name in INJECTED if environment.get(name)] == []
    assert environment["KEPT"] == "yes"


@every_editor
async def test_a_server_that_never_answers_is_given_up_with_one_message(
    run: Opener, tmp_path: Path
):
    """It is ended, and the next command starts another."""
    program, starts = tmp_path / "silent", tmp_path / "starts"
    async with run([str(program)]) as one:
        await one.shows("is missing")
        if "emacs" in str(one.program):  # whose library has a setting for it
            await one.ask("(setq jsonrpc-default-request-timeout 1)")
        program.write_text(f"#!/bin/sh\nprintf x >>'{starts}'\nexec cat >'{tmp_path}/asked'\n")
        program.chmod(0o755)
        start = one.command("status")
        await one.shows("answer", start)
        await one.says("Codex: Stopped")
        messages = await one.messages()
        one.command("status")
        await eventually(lambda: len(starts.read_text()) > 1, "another start", timeout=DEADLINE)

    assert "ended unexpectedly" not in messages


@every_editor
async def test_a_server_that_ends_at_once_is_told(run: Opener, tmp_path: Path):
    """Status 0 is no answer."""
    async with run(script(tmp_path, "")) as one:
        await one.shows("Codex")
        await one.says("Codex: Stopped")
        start = one.command("status")
        await one.shows("codex-auth-lsp", start)
        await one.says("Codex: Stopped")


@every_editor
async def test_only_pages_of_the_web_are_opened(run: Opener, desk: Desk, tmp_path: Path):
    """Whatever a prompt names, no file of this computer is handed to its desktop."""
    prompt = {"kind": "openUrl", "url": "file:///etc/evil.desktop", "message": "Go there."}
    async with run(fake_server(tmp_path, [prompt])) as one:
        await one.says("Codex: Signed Out")
        start = await one.sign_in("browser")
        await one.shows("All was shown", start)
        prompted = await one.prompt()

    assert desk.is_idle()
    assert prompted == ""


@every_editor
async def test_a_strange_prompt_is_shown_once(run: Opener, tmp_path: Path):
    """Line ends in it are shown, and a repetition adds nothing."""
    prompt = {
        "kind": "deviceCode",
        "url": "https://issuer.example/device",
        "userCode": "ABCD\nEFGH",
        "message": "Two\nlines.",
    }
    async with run(fake_server(tmp_path, [prompt] * 3)) as one:
        await one.says("Codex: Signed Out")
        start = await one.sign_in("deviceCode")
        await one.shows("All was shown", start)
        await one.prompts("Code: ABCD")
        prompted = await one.prompt()
        windows = await one.ask(
            "#vim.api.nvim_list_wins()" if "vim" in str(one.program) else "(count-windows)"
        )

    assert prompted.count("Code: ") == 1
    assert windows == "2"


@every_editor
async def test_no_address_is_asked_for_while_no_sign_in_waits(run: Opener):
    """What is typed then would go nowhere but into a log."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        start = one.command("paste")
        await one.shows("No sign-in waits", start)

        assert "Whole address" not in one.shown(start)
