"""The subcommands for people and for headless machines: what they say, and how they exit."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from codex_auth_lsp import __version__
from codex_auth_lsp.wire.types import AuthStatus
from e2e.promises import shape_problems
from e2e.shapes import api_key_login, chatgpt_login, codex_bytes, example_key
from support import raw_callback

if TYPE_CHECKING:
    from e2e.conftest import CommandLine
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

DONE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
"""The exit statuses."""

URL_DEADLINE = 15.0
"""Seconds until `login` has said which page to open: a ceiling against hangs."""

KEY = example_key("command-line")


def one_line(text: str) -> bool:
    """Return whether this is one clear line."""
    return text.endswith("\n") and text.count("\n") == 1 and len(text.strip()) > 10


def typed(home: CodexHome, sandbox: Sandbox) -> str:
    """Return how a command begins that a person is told to type."""
    return f"`codex-auth-lsp --codex-home {home.path} --issuer {sandbox.issuer}"


async def told_url(process: asyncio.subprocess.Process) -> str:
    """Return the address that `login` shows, as a person would find it on the screen."""
    assert process.stderr is not None
    async with asyncio.timeout(URL_DEADLINE):
        while line := await process.stderr.readline():
            if found := re.search(r"https?://\S+", line.decode()):
                return found[0]
    raise AssertionError("no address was shown")


async def finished(
    process: asyncio.subprocess.Process, guard: Any, name: str, stdin: bytes | None = None
) -> tuple[int | None, str, str]:
    """Wait for a process that was spawned; its output is searched for secrets."""
    stdout, stderr = await asyncio.wait_for(process.communicate(stdin), URL_DEADLINE)
    guard.add_output(f"stdout of {name}", stdout)
    guard.add_output(f"stderr of {name}", stderr)
    return process.returncode, stdout.decode(), stderr.decode()


# login


@pytest.mark.parametrize("option", [(), ("--browser",)], ids=["by default", "--browser"])
async def test_a_person_signs_in_with_the_browser(
    command_line: CommandLine, sandbox: Sandbox, browser: Browser, home: CodexHome, guard, option
):
    """The address is shown, the person signs in, and reads who is signed in: status 0."""
    process = await command_line.spawn("login", *option, issuer=sandbox)

    url = await told_url(process)
    visit = await browser.visit(url)
    returncode, stdout, _ = await finished(process, guard, "login")

    assert returncode == DONE
    assert url.startswith(f"{sandbox.issuer}/oauth/authorize?")
    assert "plus@example.com" in stdout
    assert "plus@example.com" in visit.final_body
    assert home.read()["auth_mode"] == "chatgpt"
    assert home.mode() == 0o600
    assert not await raw_callback.is_listening(1455)


async def test_a_person_behind_ssh_is_told_of_the_code_first(
    command_line: CommandLine, sandbox: Sandbox, guard
):
    """The address is shown all the same, for those who forward the port."""
    process = await command_line.spawn(
        "login", issuer=sandbox, environment={"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}
    )
    assert process.stderr is not None
    shown = ""
    async with asyncio.timeout(URL_DEADLINE):
        while "Ctrl-C cancels" not in shown:
            shown += (await process.stderr.readline()).decode()
    process.send_signal(signal.SIGINT)
    returncode, _, _ = await finished(process, guard, "login")

    assert shown.index("--device-auth") < shown.index(f"{sandbox.issuer}/oauth/authorize?")
    assert "`ssh -L 1455:127.0.0.1:1455 HOST`" in shown
    assert re.search(r"waits until \d\d:\d\d UTC \(10 minutes\) and then gives up", shown)
    assert returncode == INTERRUPTED


async def test_a_refusal_on_the_page_is_one_line_and_status_1(
    command_line: CommandLine, sandbox: Sandbox, browser: Browser, home: CodexHome, guard
):
    """The old login stays."""
    before = home.write(api_key_login(KEY))
    process = await command_line.spawn("login", issuer=sandbox)

    visit = await browser.visit(await told_url(process), decision="deny")
    returncode, stdout, stderr = await finished(process, guard, "login")

    assert (returncode, stdout) == (FAILED, "")
    assert stderr.splitlines()[-1].startswith("codex-auth-lsp: ")
    assert "refused" in stderr.splitlines()[-1]
    assert "This sign-in did not work" in visit.final_body
    assert home.bytes() == before


async def test_ports_that_are_both_taken_are_one_line_with_another_way(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """Who holds them, and what to type."""
    holders = [socket.create_server(("127.0.0.1", port)) for port in (1455, 1457)]
    try:
        outcome = await command_line("login", issuer=sandbox)
    finally:
        for holder in holders:
            holder.close()

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert one_line(outcome.stderr)
    assert "1455 by " in outcome.stderr
    assert outcome.stderr.endswith(
        f"{typed(home, sandbox)} login --device-auth` signs in with a code.\n"
    )


async def test_a_code_that_nobody_enters_is_one_line_with_what_to_type(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """After the code was shown."""
    sandbox.policy(deviceSeconds=1)

    outcome = await command_line("login", "--device-auth", issuer=sandbox)

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert outcome.stderr.splitlines()[-1] == (
        "codex-auth-lsp: Nobody entered the code in time, so it has expired; get a new one. "
        f"{typed(home, sandbox)} login --device-auth` signs in with a code."
    )


async def test_an_interrupted_login_leaves_nothing_behind(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome, guard
):
    """Ctrl-C: the port is free, the old login is as it was, and no traceback is shown."""
    before = home.write(api_key_login(KEY))
    process = await command_line.spawn("login", issuer=sandbox)
    await told_url(process)

    process.send_signal(signal.SIGINT)
    returncode, stdout, stderr = await finished(process, guard, "login")

    assert (returncode, stdout) == (INTERRUPTED, "")
    assert "The sign-in was cancelled; nothing has changed." in stderr
    assert "Traceback" not in stderr
    assert home.bytes() == before
    assert not await raw_callback.is_listening(1455)


async def test_a_key_is_read_from_stdin(command_line: CommandLine, home: CodexHome):
    """No history and no list of processes ever shows it; the answer says who pays."""
    outcome = await command_line("login", "--with-api-key", stdin=f"  {KEY}\n".encode())

    assert (outcome.returncode, outcome.stderr) == (DONE, "")
    assert home.bytes() == codex_bytes(api_key_login(KEY))
    assert "API rates" in outcome.stdout
    assert "https://platform.openai.com/api-keys" in outcome.stdout
    assert "https://openai.com/api/pricing/" in outcome.stdout


@pytest.mark.parametrize(
    "stdin",
    [b"", b"  \n", b"sk-example with-space\n", b"sk-example-\xff\xfe", b"sk-\xc3\xa9", b"k" * 5000],
    ids=["empty", "blank", "a space", "no text", "beyond ASCII", "too long"],
)
async def test_what_cannot_be_a_key_is_one_line_and_status_1(
    command_line: CommandLine, home: CodexHome, stdin
):
    """The old login stays, and the line does not repeat what was given."""
    before = home.write(chatgpt_login(issuer="http://127.0.0.1:9"))

    outcome = await command_line("login", "--with-api-key", stdin=stdin)

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert one_line(outcome.stderr)
    assert "sk-example" not in outcome.stderr
    assert home.bytes() == before


async def test_a_folder_that_is_not_there_is_one_line_and_status_1(
    command_line: CommandLine, sandbox: Sandbox, tmp_path
):
    """It is said before the browser opens."""
    outcome = await command_line("login", issuer=sandbox, home=tmp_path / "missing")

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert one_line(outcome.stderr)
    assert "http" not in outcome.stderr
    assert str(tmp_path / "missing") in outcome.stderr


async def test_a_forbidden_method_is_one_line_and_status_1(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """`forced_login_method` counts here too."""
    home.configure('forced_login_method = "api"\n')

    outcome = await command_line("login", issuer=sandbox)

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert one_line(outcome.stderr)
    assert "forced_login_method" in outcome.stderr


async def test_a_broken_configuration_is_one_line_and_status_1(
    command_line: CommandLine, sandbox: Sandbox, home: CodexHome
):
    """The line names the file and the place in it."""
    home.configure("forced_login_method = [\n")

    outcome = await command_line("login", issuer=sandbox)

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert one_line(outcome.stderr)
    assert "config.toml" in outcome.stderr


# status


async def test_signed_out_is_status_1(command_line: CommandLine):
    """For a script: 1 is "nobody is signed in"."""
    outcome = await command_line("status")

    assert outcome.returncode == FAILED
    assert "Nobody is signed in" in outcome.stdout + outcome.stderr
    assert "Traceback" not in outcome.stderr


async def test_signed_in_is_status_0_and_names_the_account(
    command_line: CommandLine, home: CodexHome
):
    """Account, plan, who pays and where it is stored, and nothing secret."""
    home.write(chatgpt_login(issuer="https://auth.openai.com"))

    outcome = await command_line("status")

    assert (outcome.returncode, outcome.stderr) == (DONE, "")
    assert "ada@example.com" in outcome.stdout
    assert "plus" in outcome.stdout
    assert str(home.auth_file) in outcome.stdout


STORED: dict[str, tuple[Any, str, int]] = {
    "nothing": (None, "signedOut", FAILED),
    "a key": (api_key_login(KEY), "signedIn", DONE),
    "a ChatGPT login": (chatgpt_login(), "signedIn", DONE),
    "a corrupt file": (b"no login", "unavailable", FAILED),
}


@pytest.mark.parametrize("name", STORED)
async def test_the_status_as_json_is_that_of_the_protocol(
    command_line: CommandLine, home: CodexHome, name
):
    """One `AuthStatus` on stdout, whatever the state; the exit status tells it too."""
    content, state, returncode = STORED[name]
    if content is not None:
        home.write(content)

    outcome = await command_line("status", "--json")
    status = json.loads(outcome.stdout)

    assert (status["state"], outcome.returncode) == (state, returncode)
    assert list(shape_problems("the output", AuthStatus, status)) == []


async def test_a_provider_that_needs_no_sign_in_is_status_0(
    command_line: CommandLine, home: CodexHome
):
    """0 is "signed in or no sign-in required"."""
    home.configure('model_provider = "ollama"\n')

    outcome = await command_line("status", "--json")

    assert outcome.returncode == DONE
    assert json.loads(outcome.stdout)["state"] == "notRequired"


@pytest.mark.parametrize("stored", [None, api_key_login(KEY)], ids=["signed out", "signed in"])
async def test_a_provider_that_is_nowhere_is_status_1(
    command_line: CommandLine, home: CodexHome, stored
):
    """A typo in `model_provider` is told once on stdout and in the one line of stderr."""
    home.configure('model_provider = "lap"\n')
    if stored is not None:
        home.write(stored)
    told = "`model_provider` in config.toml names `lap`, which is not defined."

    outcome = await command_line("status")

    assert outcome.returncode == FAILED
    assert outcome.stdout.count(told) == 1
    assert "needs no sign-in" not in outcome.stdout
    assert one_line(outcome.stderr)
    assert outcome.stderr.rstrip().endswith(told)


async def test_a_login_that_policy_forbids_is_told_once_with_what_to_type(
    command_line: CommandLine, home: CodexHome
):
    """Only a way of signing in that the policy allows is advised."""
    home.configure('forced_login_method = "api"\n')
    home.write(chatgpt_login())

    outcome = await command_line("status")

    assert outcome.stdout.count("does not allow a sign-in with ChatGPT") == 1
    assert f"`codex-auth-lsp --codex-home {home.path} login --with-api-key` signs in" in (
        outcome.stdout
    )
    assert " login` " not in outcome.stdout


async def test_a_corrupt_file_is_said_on_stderr(command_line: CommandLine, home: CodexHome):
    """Status 1 with one clear line; the file stays."""
    before = home.write(b"no login")

    outcome = await command_line("status")

    assert outcome.returncode == FAILED
    assert one_line(outcome.stderr)
    assert str(home.auth_file) in outcome.stderr
    assert home.bytes() == before


# logout


async def test_logout_removes_and_revokes(
    command_line: CommandLine, sandbox: Sandbox, browser: Browser, home: CodexHome, guard
):
    """Status 0, also when nobody was signed in."""
    process = await command_line.spawn("login", issuer=sandbox)
    await browser.visit(await told_url(process))
    await finished(process, guard, "login")
    refresh_token = home.read()["tokens"]["refresh_token"]

    out = await command_line("logout", issuer=sandbox)
    again = await command_line("logout", issuer=sandbox)

    assert (out.returncode, out.stderr, again.returncode, again.stderr) == (DONE, "", DONE, "")
    assert out.stdout != again.stdout
    assert home.bytes() is None
    assert sandbox.refresh(refresh_token).status_code == 401


async def test_logout_says_when_the_issuer_could_not_be_told(
    command_line: CommandLine, home: CodexHome
):
    """The login is gone here, which is what status 0 says."""
    home.write(chatgpt_login(issuer="http://127.0.0.1:9"))

    outcome = await command_line("logout", issuer="http://127.0.0.1:9")

    assert outcome.returncode == DONE
    assert "may stay valid" in outcome.stdout
    assert home.bytes() is None


async def test_logout_that_cannot_remove_is_one_line_and_status_1(
    command_line: CommandLine, home: CodexHome, make_read_only
):
    """The login is still there."""
    before = home.write(api_key_login(KEY))
    make_read_only()

    outcome = await command_line("logout")

    assert (outcome.returncode, outcome.stdout) == (FAILED, "")
    assert one_line(outcome.stderr)
    assert home.bytes() == before


# The command line itself


async def test_the_version_is_told(command_line: CommandLine):
    """Name and version on stdout."""
    outcome = await command_line("--version")

    assert (outcome.returncode, outcome.stderr) == (DONE, "")
    assert outcome.stdout == f"codex-auth-lsp {__version__}\n"


async def test_the_help_names_every_subcommand(command_line: CommandLine):
    """Who asks is told what there is."""
    outcome = await command_line("--help")

    assert outcome.returncode == DONE
    for command in ("login", "status", "logout", "sandbox", "demo"):
        assert command in outcome.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("unheard-of",),
        ("--unheard-of",),
        ("login", "--unheard-of"),
        ("secret-of-the-test",),
        ("login", "secret-of-the-test"),
        ("login", "--api-key", "secret-of-the-test"),
        ("login", "--api-key=secret-of-the-test"),
        ("login", "--browser", "--with-api-key"),
        ("login", "--device-auth", "--with-api-key"),
        ("--issuer", "http://issuer.example", "status"),
        ("--issuer", "ftp://127.0.0.1", "status"),
        ("--issuer", "issuer.example", "status"),
        ("--issuer", "https://user:secret-of-the-test@issuer.example", "status"),
        ("--issuer", "https://issuer.example/?x=secret-of-the-test", "status"),
        ("--issuer", "", "status"),
        ("--codex-home", "", "logout"),
        ("--codex-home", ""),
        ("--client-id", "", "status"),
        ("--client-id", "two words", "status"),
        ("--log-level", "LOUD", "status"),
        ("--log-file", "/nowhere/at/all.log", "status"),
        ("sandbox", "--port", "70000"),
        ("sandbox", "--port", "many"),
    ],
    ids=" ".join,
)
async def test_what_cannot_be_meant_is_status_2(command_line: CommandLine, home, arguments):
    """Usage: a message on stderr that repeats no secret, and nothing is done."""
    outcome = await command_line(*arguments)

    assert (outcome.returncode, outcome.stdout) == (USAGE, "")
    assert "(usage: `codex-auth-lsp" in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1
    assert "secret-of-the-test" not in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert list(home.path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("staus",), "COMMAND: there is no such choice; did you mean `status`?"),
        (("--log-level", "LOUD"), "there is no such choice; choose from DEBUG, INFO, WARNING, "),
        (("status", "--jsn"), "there is no such option here; did you mean `--json`?"),
        (("login", "--device-code"), "here; did you mean `--device-auth`?"),
        (
            ("--log-file", "/nowhere/at/all.log", "status"),
            "cannot be opened: No such file or directory; name a file in a folder that is there",
        ),
        (
            ("doctor", "--bad"),
            "there is no such option here. (usage: `codex-auth-lsp doctor --help`)",
        ),
        (
            ("login", "--timeout", "3"),
            "no such option here. (usage: `codex-auth-lsp login --help`)",
        ),
        (("--device-auth",), "no option --device-auth here. (usage: `codex-auth-lsp --help`)"),
        (("status", "--network"), "there is no option --network here."),
        (("status", "--zzz"), "there is no such option here."),
        (("--log", "secret-of-the-test"), "that may be --log-file, --log-level; write it out."),
        (("login", "--with-api-key=secret-of-the-test"), "an API key is never given"),
        (("login", "--browser=secret-of-the-test"), "--browser takes no value."),
        (("login", "--browser=it's-secret-of-the-test"), "--browser takes no value."),
        (("--secret-of-the-test",), "there is no such option here."),
        (("--log-level", "it's-secret-of-the-test"), "choose from DEBUG, INFO, WARNING, ERROR."),
        (("--log-file", "/nowhere/secret-of-the-test"), "--log-file names cannot be opened: No "),
        (("login", "sk-example"), "an API key is never given on the command line"),
        (("login", "too", "many"), "too many arguments."),
        (("--issuer", "http://a.example", "status"), "for loopback addresses only. (usage"),
    ],
)
async def test_a_mistake_is_told_with_what_may_have_been_meant(
    command_line: CommandLine, arguments, expected
):
    """One line, the mistake comes first, and no value is repeated: it may be a key."""
    outcome = await command_line(*arguments)

    assert outcome.stderr.startswith("codex-auth-lsp: ")
    assert expected in outcome.stderr
    assert "secret-of-the-test" not in outcome.stderr


async def test_output_that_cannot_be_written_is_one_line_and_status_1(
    command_line: CommandLine, home: CodexHome
):
    """A full disk, for instance."""
    home.write(api_key_login(KEY))
    with Path("/dev/full").open("wb") as full:
        outcome = await command_line("status", stdout=full)

    assert (outcome.returncode, outcome.stderr) == (
        1,
        "codex-auth-lsp: No space left on device\n",
    )


@pytest.mark.parametrize("variable", ["CODEX_AUTH_LSP_ISSUER", "CODEX_AUTH_LSP_CLIENT_ID"])
async def test_the_variables_are_checked_like_the_options(command_line: CommandLine, variable):
    """The message names the variable."""
    outcome = await command_line("status", environment={variable: "http://issuer.example /"})

    assert (outcome.returncode, outcome.stdout) == (USAGE, "")
    assert variable in outcome.stderr


async def test_options_may_stand_on_either_side_of_the_subcommand(
    command_line: CommandLine, home: CodexHome, tmp_path
):
    """The last one counts."""
    home.write(api_key_login(KEY))

    before = await command_line("--codex-home", str(home.path), "status", home=None)
    after = await command_line("status", "--codex-home", str(home.path), home=None)
    both = await command_line("--codex-home", str(tmp_path), "status", "--codex-home",
                              str(home.path), home=None)  # fmt: skip

    assert [outcome.returncode for outcome in (before, after, both)] == [DONE] * 3


async def test_the_log_goes_to_the_file_that_was_named(
    command_line: CommandLine, home: CodexHome, tmp_path
):
    """The file is private; the guard searches it for secrets."""
    log = tmp_path / "the.log"
    outcome = await command_line(
        "--log-level", "debug", "--log-file", str(log), "login", "--with-api-key",
        stdin=KEY.encode(),
    )  # fmt: skip

    assert (outcome.returncode, outcome.stderr) == (DONE, "")
    assert log.stat().st_mode & 0o777 == 0o600


# sandbox


async def test_the_sandbox_says_where_it_is_and_ends_when_asked(
    command_line: CommandLine, guard, tmp_path
):
    """For people: the issuer, and a command line with a Codex folder of its own."""
    process = await command_line.spawn("sandbox", home=None)
    assert process.stdout is not None
    shown = b""
    async with asyncio.timeout(URL_DEADLINE):
        while b"Ctrl-C" not in shown:
            shown += await process.stdout.readline()
    issuer = re.search(r"http://127\.0\.0\.1:\d+", shown.decode())
    folder = re.search(r"--codex-home (\S+)", shown.decode())

    assert issuer is not None
    assert folder is not None
    reached = await raw_callback.is_listening(raw_callback.port_of(issuer[0]))
    process.terminate()
    returncode, _, stderr = await finished(process, guard, "sandbox")

    assert reached
    assert (returncode, stderr) == (DONE, "")
    assert not await raw_callback.is_listening(raw_callback.port_of(issuer[0]))
    assert not Path(folder[1]).exists()


async def test_the_sandbox_takes_the_port_that_was_asked_for(command_line: CommandLine, guard):
    """`--port`, and one line of JSON for programs; a taken port is one line and status 1."""
    with raw_callback.occupy(0) as holder:
        port = holder.getsockname()[1]
        taken = await command_line("sandbox", "--port", str(port), "--json", home=None)
    process = await command_line.spawn("sandbox", "--port", str(port), "--json", home=None)
    assert process.stdout is not None
    facts = json.loads(await asyncio.wait_for(process.stdout.readline(), URL_DEADLINE))
    headers = {"Authorization": f"Bearer {facts['apiKey']}"}
    async with httpx.AsyncClient(trust_env=False) as client:
        models = await client.get(f"{facts['modelBaseUrl']}/models", headers=headers)
        control = await client.get(facts["control"])
    process.terminate()
    returncode, rest, _ = await finished(process, guard, "sandbox")

    assert (taken.returncode, taken.stdout) == (FAILED, "")
    assert one_line(taken.stderr)
    assert facts["issuer"] == f"http://127.0.0.1:{port}"
    assert "--codex-home" in facts["command"]
    assert (models.status_code, control.status_code) == (200, 200)
    assert (returncode, rest) == (DONE, "")


async def test_a_folder_s_name_acts_on_no_terminal(command_line: CommandLine, tmp_path: Path):
    """What is to be typed is quoted for a shell, and controls are left out."""
    folder = tmp_path / "a b;\x1b[31m"
    folder.mkdir()
    folder.joinpath("auth.json").write_bytes(codex_bytes(api_key_login(KEY)))
    folder.joinpath("auth.json").chmod(0o644)

    doctor = await command_line("--codex-home", str(folder), "doctor")
    login = await command_line("--codex-home", str(folder), "status")

    assert "chmod 600 '" in doctor.stdout
    assert "\x1b" not in doctor.stdout + doctor.stderr + login.stdout + login.stderr
