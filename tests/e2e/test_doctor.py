"""The doctor finds what is wrong, changes nothing, and tells nobody's secrets."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import socket
import stat
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.transport.conversation import MAXIMUM_RUNNING
from e2e.shapes import access_token, api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

IDS = [
    "versions", "home", "configuration", "policy", "provider", "issuer", "overrides",
    "store", "permissions", "locks", "keyring", "login", "freshness", "environmentCredentials",
    "ports", "browser", "proxy", "certificates", "reachability", "clock",
    "acceptance",
]  # fmt: skip
TOKEN = "at-environment-token-of-the-test"


def by_id(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["id"]: check for check in result["checks"]}


async def examine(start: Starter, **options: Any) -> dict[str, dict[str, Any]]:
    """Return what the doctor of a new window finds, by id."""
    window = await start(**options)
    return by_id(await window.request("auth/doctor", {}))


async def test_every_check_is_made_and_the_issuer_left_in_peace(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """The order is fixed; without `network` the two checks that need it are skipped."""
    before = home.write(api_key_login(example_key("stays")))
    window = await start(sandbox)

    result = await window.request("auth/doctor")
    found = by_id(result)

    assert [check["id"] for check in result["checks"]] == IDS
    assert found["reachability"]["status"] == found["clock"]["status"] == "skipped"
    assert [check for check in result["checks"] if check["status"] == "error"] == []
    assert sandbox.requests("metadata") == []
    assert home.bytes() == before


async def test_the_network_is_asked_only_on_request(start: Starter, sandbox: Sandbox):
    """Then the issuer answers, publishes its keys, and tells its time."""
    window = await start(sandbox)

    found = by_id(await window.request("auth/doctor", {"network": True}))

    assert found["reachability"]["status"] == "ok"
    assert "publishes signing keys" in found["reachability"]["summary"]
    assert found["clock"]["status"] in {"ok", "skipped"}
    assert len(sandbox.requests("metadata")) == 1


async def test_an_issuer_that_cannot_be_reached_is_an_error_with_its_kind(start: Starter):
    """The report names what stands in the way; the request itself succeeds."""
    window = await start("http://127.0.0.1:9")

    found = by_id(await window.request("auth/doctor", {"network": True}))

    assert found["reachability"]["status"] == "error"
    assert "networkUnreachable" in found["reachability"]["detail"]


@pytest.mark.parametrize(
    ("date", "status", "side"),
    [
        ("Thu, 01 Jan 2015 00:00:00 GMT", "error", "ahead of"),
        ("Tue, 01 Jan 2097 00:00:00 GMT", "error", "behind"),
        (None, "skipped", "time is not known"),
    ],
)
async def test_a_clock_that_is_wrong_is_found_by_the_issuer_s(start: Starter, date, status, side):
    """More than five minutes are told with their number and direction."""
    header = f"Date: {date}\r\n" if date else ""
    answer = f"HTTP/1.1 404 Not Found\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n"

    async def serve(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer.encode())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        window = await start(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")
        found = by_id(await window.request("auth/doctor", {"network": True}))

    assert found["clock"]["status"] == status
    assert side in found["clock"]["summary"]


async def test_an_issuer_that_hangs_can_be_cancelled(start: Starter):
    """`$/cancelRequest` ends the examination; nothing is left behind."""
    async with SandboxIssuer.start() as issuer:
        issuer.state.faults.add(Fault("metadata", "hang"))
        window = await start(issuer.url)
        request = await window.start_request("auth/doctor", {"network": True})
        await window.request("auth/status", {})
        await window.notify("$/cancelRequest", {"id": request.id})
        error = await request.error()

    assert error.code == -32800


async def test_many_examinations_are_one_and_keep_no_status_waiting(
    start: Starter, sandbox: Sandbox
):
    """As many as may run ask the issuer once; the state is told while they wait for it."""
    sandbox.fault("metadata", "hang")
    window = await start(sandbox)
    requests = [
        await window.start_request("auth/doctor", {"network": True}) for _ in range(MAXIMUM_RUNNING)
    ]
    refused = await window.request_error("auth/doctor", {"network": True})
    await sandbox.saw("metadata")
    status = await (await window.start_request("auth/status", {})).message()
    sandbox.release()
    answers = [await request.message() for request in requests]

    assert refused.kind == "rateLimited"
    assert all(status.index < answer.index for answer in answers)
    assert len(sandbox.requests("metadata")) == 1
    assert all(answer.result() == answers[0].result() for answer in answers)


async def test_no_secret_name_or_home_stands_in_a_report(
    start: Starter, home: CodexHome, guard: SecretsGuard, tmp_path: Path
):
    """Tokens, the proxy's password, the person's address and their home folder stay out."""
    guard.add("password-of-the-proxy")
    guard.add(TOKEN)
    home.write(chatgpt_login())
    environment = {
        "CODEX_ACCESS_TOKEN": TOKEN,
        "HTTPS_PROXY": "http://ada:password-of-the-proxy@proxy.example:3128",
        "https_proxy": "http://ada:password-of-the-proxy@proxy.example:3128",
        "HOME": str(tmp_path),
    }
    found = await examine(start, environment=environment)
    text = json.dumps(found)

    assert TOKEN not in text
    assert "password-of-the-proxy" not in text
    assert "ada@" not in text
    assert str(tmp_path) not in text
    assert "~/codex" in found["home"]["summary"]
    assert "http://proxy.example:3128 (https_proxy)" in found["proxy"]["summary"]
    assert "CODEX_ACCESS_TOKEN: in use" in found["environmentCredentials"]["detail"]
    assert found["environmentCredentials"]["status"] == "warning"


async def test_a_broken_configuration_and_a_broken_store_are_errors(
    start: Starter, home: CodexHome
):
    """Each with its sentence and what to do; the files stay as they are."""
    home.configure("forced_login_method = [\n")
    before = home.write(b"{no login")

    found = await examine(start)

    assert found["configuration"]["status"] == "error"
    assert "line " in found["configuration"]["summary"]
    assert found["store"]["status"] == "error"
    assert found["store"]["remediation"][0]["command"] == "codexAuth.signIn"
    assert home.bytes() == before


async def test_a_policy_that_forbids_the_stored_login_is_an_error(start: Starter, home: CodexHome):
    """Number of workspaces, not their ids."""
    home.write(chatgpt_login())
    home.configure('forced_chatgpt_workspace_id = ["account-one", "account-two"]\n')

    found = await examine(start)

    assert found["policy"]["status"] == "error"
    assert "2 allowed" in found["policy"]["detail"]
    assert "account-one" not in json.dumps(found)


async def test_overrides_are_named_and_those_that_lead_away_are_ignored(start: Starter):
    """Names of variables and their fate, never where they point."""
    found = await examine(
        start,
        environment={
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE": "https://thief.example/oauth/token",
            "CODEX_REVOKE_TOKEN_URL_OVERRIDE": "http://127.0.0.1:9/oauth/revoke",
        },
    )

    assert found["overrides"]["status"] == "warning"
    assert found["overrides"]["detail"].splitlines() == [
        "CODEX_REFRESH_TOKEN_URL_OVERRIDE is ignored",
        "CODEX_REVOKE_TOKEN_URL_OVERRIDE is used",
    ]


async def test_a_token_that_has_ended_ended_and_one_that_is_valid_ends(
    start: Starter, home: CodexHome
):
    """Nobody reads that something of the past is still to come."""
    home.write(chatgpt_login(access_token=access_token(valid_for=-60)))
    ended = (await examine(start))["freshness"]["summary"]
    home.write(chatgpt_login())
    valid = (await examine(start))["freshness"]["summary"]

    assert "has ended and was not renewed yet. It ended 20" in ended
    assert "is valid. It ends 20" in valid


async def test_a_lock_is_found_with_its_holder(start: Starter, home: CodexHome):
    """Who holds it is told where Linux tells; a free lock file is none."""
    home.write(api_key_login(example_key("locked")))
    (home.path / "auth.json.lock").touch()
    with (home.path / "auth.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = await examine(start)
        again = found["locks"]

    assert again["status"] == "warning"
    assert "auth.json.lock" not in again["detail"]
    assert f"auth.lock: held by process {os.getpid()} (" in again["detail"]


async def test_a_file_that_others_may_read_is_found(start: Starter, home: CodexHome):
    """With the command that mends it, and without mending it."""
    home.write(api_key_login(example_key("open")))
    home.auth_file.chmod(0o644)

    found = await examine(start)

    assert found["permissions"]["status"] == "warning"
    assert "chmod 600" in found["permissions"]["remediation"][0]["title"]
    assert stat.S_IMODE(home.auth_file.stat().st_mode) == 0o644


@pytest.mark.parametrize(("taken", "status"), [((1455,), "warning"), ((1455, 1457), "error")])
async def test_ports_that_are_taken_are_found_with_their_holder(start: Starter, taken, status):
    """One still serves; with both taken the browser sign-in cannot begin."""
    sockets = [socket.create_server(("127.0.0.1", port)) for port in taken]
    try:
        found = await examine(start)
    finally:
        for listening in sockets:
            listening.close()

    assert found["ports"]["status"] == status
    assert len(found["ports"]["detail"].splitlines()) == len(taken)
    assert "1455 by " in found["ports"]["detail"]
    assert f"(process {os.getpid()})" in found["ports"]["detail"]


async def test_certificates_that_cannot_be_read_are_an_error(start: Starter, tmp_path: Path):
    """The variable is named."""
    missing = str(tmp_path / "missing.pem")
    found = await examine(start, environment={"CODEX_CA_CERTIFICATE": missing})

    assert found["certificates"]["status"] == "error"
    assert "CODEX_CA_CERTIFICATE" in found["certificates"]["summary"]


# What is closed or is no file. The first one keeps root, too, from reading everything.

NO_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not here")
async def test_a_folder_that_is_closed_is_found_with_the_command_that_opens_it(
    start: Starter, home: CodexHome
):
    """Nothing is called good that nobody can see, and no check is a defect of the program."""
    home.write(api_key_login(example_key("closed")))
    home.path.chmod(0o000)
    try:
        found = await examine(start, prefix=NO_PRIVILEGE)
    finally:
        home.path.chmod(0o700)

    for name in ("home", "configuration", "store", "permissions"):
        assert found[name]["status"] == "error"
        assert found[name]["remediation"] == [{"title": f"Run: chmod u+rwx {home.path}"}]
    for name in ("policy", "locks", "keyring"):
        assert found[name]["status"] == "skipped"
    assert "error of codex-auth-lsp's own" not in json.dumps(found)


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not here")
async def test_files_that_are_closed_are_found_with_the_command_that_opens_them(
    start: Starter, home: CodexHome
):
    """The login, the configuration and each lock."""
    home.write(api_key_login(example_key("closed")))
    home.configure("")
    names = {
        "auth.json": "store",
        "config.toml": "configuration",
        "auth.lock": "locks",
        "auth.json.lock": "locks",
    }
    for name in names:
        (home.path / name).touch()
        (home.path / name).chmod(0o000)
    found = await examine(start, prefix=NO_PRIVILEGE)

    for name, check in names.items():
        assert found[check]["status"] == "error"
        titles = [advice["title"] for advice in found[check]["remediation"]]
        assert f"Run: chmod u+rw {home.path / name}" in titles


async def test_what_a_broken_configuration_hides_is_not_called_good(
    start: Starter, home: CodexHome
):
    """Policy, store, keyring and login cannot be known."""
    home.configure("forced_login_method = [\n")

    found = await examine(start)

    for name in ("policy", "store", "keyring", "login"):
        assert found[name]["status"] == "skipped"
        assert "cannot be known until config.toml is mended" in found[name]["summary"]


async def test_a_folder_in_the_place_of_a_file_is_called_one(start: Starter, home: CodexHome):
    """No hard link, and nothing to `chmod`."""
    home.auth_file.mkdir()
    (home.path / "auth.lock").mkdir()

    found = await examine(start)

    assert found["permissions"]["status"] == "error"
    assert found["permissions"]["summary"] == f"{home.auth_file} is no file, but a folder."
    assert "Move" in found["permissions"]["remediation"][0]["title"]
    assert str(home.path / "auth.lock") in found["locks"]["summary"]
    assert "Move" in found["locks"]["remediation"][0]["title"]


async def test_a_keyring_that_is_not_there_is_no_place_for_logins(start: Starter, home: CodexHome):
    """In plain words."""
    home.configure('cli_auth_credentials_store = "keyring"\n')

    found = await examine(start)

    assert found["store"]["status"] == "error"
    assert found["store"]["detail"] == (
        "Mode keyring: there is no place where logins could be kept."
    )


# The command line


async def test_the_command_line_reports_and_exits_by_what_it_found(
    command_line: CommandLine, home: CodexHome
):
    """0 with warnings alone, 1 with one line on stderr where a check is an error."""
    good = await command_line("doctor")
    home.write(b"{no login")
    bad = await command_line("doctor", "--json")
    checks = by_id(json.loads(bad.stdout))

    assert (good.returncode, good.stderr) == (0, "")
    assert "warning  login: Nobody is signed in." in good.stdout
    assert bad.returncode == 1
    assert bad.stderr.count("\n") == 1
    assert list(checks) == IDS
    assert checks["store"]["status"] == "error"


async def test_the_command_line_asks_the_issuer_with_network(
    command_line: CommandLine, sandbox: Sandbox
):
    """And not without."""
    quiet = await command_line("doctor", "--json", issuer=sandbox)
    asked = len(sandbox.requests("metadata"))
    loud = await command_line("doctor", "--json", "--network", issuer=sandbox)

    assert asked == 0
    assert by_id(json.loads(quiet.stdout))["reachability"]["status"] == "skipped"
    assert by_id(json.loads(loud.stdout))["reachability"]["status"] == "ok"
