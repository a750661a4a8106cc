"""Each trouble is one finding of the doctor's, with what to do about it, and nothing is guessed."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from e2e.shapes import api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.shapes import CodexHome

PROXY = "http://proxy.example:3128"


async def examine(start: Starter, **options: Any) -> dict[str, dict[str, Any]]:
    """Return what the doctor of a new window finds, by id."""
    window = await start(**options)
    result = await window.request("auth/doctor", {})
    return {check["id"]: check for check in result["checks"]}


def failed(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name, check in found.items() if check["status"] == "error"]


TROUBLES = {
    "a configuration that is none": ("forced_login_method = [\n", None, "configuration"),
    "a login that is none": ("", b"{no login", "store"),
    "a keyring that is not there": ('cli_auth_credentials_store = "keyring"\n', None, "store"),
    "a login of a kind that is forbidden": ('forced_login_method = "chatgpt"\n', "key", "policy"),
    "a provider that is nowhere": ('model_provider = "nowhere"\n', "key", "provider"),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_one_trouble_is_one_error(start: Starter, home: CodexHome, name):
    """What depends on it is not known; it is no further error, and not called good."""
    config, login, culprit = TROUBLES[name]
    home.configure(config)
    if login is not None:
        home.write(api_key_login(example_key("stored")) if login == "key" else login)

    found = await examine(start)

    assert failed(found) == [culprit]


async def test_a_folder_that_is_not_there_is_one_error(start: Starter, tmp_path: Path):
    """The login cache in it is not a second one."""
    missing = str(tmp_path / "missing")

    found = await examine(start, home=None, environment={"CODEX_HOME": missing})

    assert failed(found) == ["home"]


async def test_a_login_of_another_issuer_is_told_once(start: Starter, home: CodexHome):
    """With the reason at the login, or at its freshness where it is still of use."""
    home.write(chatgpt_login(issuer="https://other.example"))

    found = await examine(start)

    assert failed(found) == ["login"]
    assert "https://other.example" in found["login"]["summary"]
    assert found["freshness"]["status"] == "skipped"


async def test_a_sign_in_that_is_forbidden_is_not_advised(start: Starter, home: CodexHome):
    """The doctor knows the policy."""
    home.configure('forced_login_method = "api"\n')

    found = await examine(start)

    assert [advice["command"] for advice in found["login"]["remediation"]] == [
        "codexAuth.signInWithApiKey"
    ]


async def test_both_ports_taken_have_a_way_out(start: Starter):
    """Another way in, and what frees a port."""
    sockets = [socket.create_server(("127.0.0.1", port)) for port in (1455, 1457)]
    try:
        found = await examine(start)
    finally:
        for listening in sockets:
            listening.close()
    advice = found["ports"]["remediation"]

    assert "End" in advice[0]["title"]
    assert [remedy.get("command") for remedy in advice[1:]] == [
        "codexAuth.signInWithDeviceCode",
        "codexAuth.signInWithApiKey",
    ]


async def test_a_proxy_that_nobody_tried_is_not_said_to_work(start: Starter):
    """Where requests are to go is all that is known."""
    found = await examine(start, environment={"HTTPS_PROXY": PROXY, "https_proxy": PROXY})
    alone = await examine(start, environment={"HTTPS_PROXY": "", "https_proxy": ""})

    assert "are to go through the proxy" in found["proxy"]["summary"]
    assert "reached" not in found["proxy"]["summary"] + alone["proxy"]["summary"]


@pytest.mark.parametrize("value", ["not a url", "http://", "ftp://proxy.example"])
async def test_a_proxy_that_is_none_is_told_with_an_example(start: Starter, value):
    """What an address of a proxy looks like, in the very variable."""
    found = await examine(start, environment={"https_proxy": value})

    assert found["proxy"]["status"] == "error"
    assert "https_proxy=http://host:port" in found["proxy"]["remediation"][0]["title"]


# The command line


async def test_the_command_line_counts_causes(command_line: CommandLine, home: CodexHome):
    """A login that is none is one error, however many checks meet it."""
    home.write(b"{no login")

    outcome = await command_line("doctor")

    assert outcome.returncode == 1
    assert outcome.stderr.startswith("codex-auth-lsp: one error was found: ")
    assert "Show the log" not in outcome.stdout


async def test_providers_tell_a_broken_configuration_once(
    command_line: CommandLine, home: CodexHome
):
    """Not below every provider; the program's own list has it for each."""
    home.configure("forced_login_method = [\n")

    shown = await command_line("providers")
    listed = await command_line("providers", "--json")

    assert shown.stdout.count("config.toml") == 1
    assert shown.stderr.count("\n") == 1
    assert all(provider["problems"] for provider in json.loads(listed.stdout)["providers"])


async def test_a_way_that_is_closed_is_one_error(start: Starter):
    """Nobody is asked by a proxy that cannot be used."""
    window = await start(environment={"https_proxy": "not a url"})
    result = await window.request("auth/doctor", {"network": True})
    found = {check["id"]: check for check in result["checks"]}

    assert failed(found) == ["proxy"]
    assert found["reachability"]["status"] == "skipped"
