"""Where the person sits decides what they are offered, and what they are told to do."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.visitor import Visitor
from e2e.logins import begin, completion
from support import raw_callback

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

PROMPTS = {"loginPrompt": True}
SSH_SESSION = {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}

BROWSER_FIRST = ["browser", "deviceCode", "apiKey"]
CODE_FIRST = ["deviceCode", "browser", "apiKey"]

QUICK = 0.2
"""Seconds that a list of methods may take on a noisy machine; it takes about one millisecond."""


async def methods(client: LanguageClient) -> list[dict[str, Any]]:
    """Return the list, whose order and recommendation always agree."""
    listed = (await client.request("auth/methods", {}))["methods"]
    available = [method["available"] for method in listed]
    assert available == sorted(available, reverse=True)
    assert [method["id"] for method in listed if method["recommended"]] == [
        method["id"] for method in listed[:1] if method["available"]
    ]
    return list(listed)


def ids(listed: list[dict[str, Any]]) -> list[str]:
    return [method["id"] for method in listed]


OFFERS: dict[str, tuple[dict[str, Any], dict[str, str], list[str]]] = {
    "on this machine": (PROMPTS | {"environment": "local"}, {}, BROWSER_FIRST),
    "the browser is here": (PROMPTS | {"browserOnServerHost": True}, SSH_SESSION, BROWSER_FIRST),
    "a client over SSH": (PROMPTS | {"environment": "ssh"}, {}, CODE_FIRST),
    "a client in a container": (PROMPTS | {"environment": "container"}, {}, CODE_FIRST),
    "a client in Codespaces": (PROMPTS | {"environment": "codespaces"}, {}, CODE_FIRST),
    "a client on the web": (PROMPTS | {"environment": "web"}, {}, CODE_FIRST),
    "a client in WSL": (PROMPTS | {"environment": "wsl"}, {}, BROWSER_FIRST),
    "a server behind SSH": (PROMPTS | {"environment": "local"}, SSH_SESSION, CODE_FIRST),
    "a server in Codespaces": (
        PROMPTS | {"environment": "local"},
        {"CODESPACES": "true"},
        CODE_FIRST,
    ),
    "a forwarded port": (
        PROMPTS | {"environment": "ssh", "portForwarding": True},
        SSH_SESSION,
        BROWSER_FIRST,
    ),
    "no pages, no screen": ({"environment": "local"}, {}, CODE_FIRST),
}


@pytest.mark.parametrize("name", OFFERS)
async def test_what_fits_is_offered_first(start: Starter, name):
    """By what the client declares and what the server sees; everything stays available."""
    auth, variables, expected = OFFERS[name]
    client = await start(auth=auth, environment=variables)

    listed = await methods(client)

    assert ids(listed) == expected
    assert {method["available"] for method in listed} == {True}
    assert all("unavailableReason" not in method for method in listed)


async def test_a_browser_that_is_elsewhere_is_offered_with_the_way_it_still_works(start: Starter):
    """Its description says that an address has to be pasted."""
    client = await start(auth=PROMPTS | {"environment": "ssh"})

    listed = {method["id"]: method for method in await methods(client)}

    assert "pasted" in listed["browser"]["description"]
    assert "pasted" not in listed["deviceCode"]["description"]


@pytest.mark.parametrize(("forced", "allowed"), [("api", ["apiKey"]), ("chatgpt", CODE_FIRST[:2])])
async def test_policy_comes_before_the_place(start: Starter, home: CodexHome, forced, allowed):
    """`forced_login_method` of config.toml, with its reason; also in the server's capabilities."""
    home.configure(f'forced_login_method = "{forced}"\n')
    client = await start(auth=PROMPTS | {"environment": "ssh"})

    listed = await methods(client)

    assert [method["id"] for method in listed if method["available"]] == allowed
    assert all(
        "forced_login_method" in method["unavailableReason"]
        for method in listed
        if not method["available"]
    )
    assert sorted(client.capabilities["experimental"]["auth"]["loginMethods"]) == sorted(allowed)


async def test_the_list_is_answered_at_once_while_a_login_waits(start: Starter, sandbox: Sandbox):
    """It costs no network and waits for nothing."""
    client = await start(sandbox)
    attempt = await begin(client)
    await methods(client)

    since = client.mark()
    request = await client.start_request("auth/methods", {})
    message = await request.message(timeout=QUICK)
    await client.request("auth/cancelLogin", {})
    await attempt.request.error()

    assert message.index == since


# Ports


async def test_one_taken_port_changes_nothing(start: Starter):
    """1457 is as good."""
    client = await start()

    with raw_callback.occupy(1455):
        assert ids(await methods(client)) == BROWSER_FIRST


async def test_l3_two_taken_ports_are_told_with_who_holds_them_and_with_other_ways(
    start: Starter, sandbox: Sandbox
):
    """`callbackPortUnavailable`: a window of this program, by its process; then the code works."""
    windows = [await start(sandbox), await start(sandbox)]
    waiting = [await begin(window) for window in windows]
    third = await start(sandbox)
    sandbox.policy(deviceIntervalSeconds=1)

    listed = await methods(third)
    error = await third.request_error("auth/login", {"method": "browser"})
    attempt = await begin(third, method="deviceCode")
    await Visitor().enter_device_code(attempt.url, attempt.prompt["userCode"])
    result = await attempt.request.result()
    for window, login in zip(windows, waiting, strict=True):
        await window.request("auth/cancelLogin", {})
        await login.request.error()

    assert ids(listed) == ["deviceCode", "apiKey", "browser"]
    assert "1455 and 1457" in listed[-1]["unavailableReason"]
    assert error.summary == (-32803, "callbackPortUnavailable")
    for window, port in zip(windows, (1455, 1457), strict=True):
        assert f"{port} by " in error.message
        assert f"(process {window.process.pid})" in error.message
    assert [remedy["command"] for remedy in error.data["remediation"]] == [
        "codexAuth.signInWithDeviceCode",
        "codexAuth.signIn",
        "codexAuth.signInWithApiKey",
    ]
    assert result["status"]["state"] == "signedIn"


async def test_a_window_s_own_login_does_not_count_as_in_the_way(start: Starter, sandbox: Sandbox):
    """A newer one would take its place, and its port."""
    client = await start(sandbox)
    attempt = await begin(client)

    with raw_callback.occupy(1457):
        listed = await methods(client)
        again = await begin(client)
    await client.request("auth/cancelLogin", {})
    await again.request.error()
    await attempt.request.error()

    assert ids(listed) == BROWSER_FIRST
    assert (attempt.port, again.port) == (1455, 1455)


async def test_advice_that_policy_forbids_is_not_given(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """Nobody is sent to a key that config.toml does not take."""
    home.configure('forced_login_method = "chatgpt"\n')
    sandbox.policy(deviceEnabled=False)
    client = await start(sandbox)

    error = await client.request_error("auth/login", {"method": "deviceCode"})

    assert [remedy.get("command") for remedy in error.data["remediation"]] == [
        None,
        None,
        "codexAuth.signIn",
    ]


async def test_l2_a_foreign_program_on_the_other_loopback_address_does_not_matter(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """Somebody holds `::1` on both ports: the login is on 127.0.0.1, and nothing reaches them."""
    client = await start(sandbox)
    held = []
    try:
        for port in raw_callback.CALLBACK_PORTS:
            squatter = socket.create_server(("::1", port), family=socket.AF_INET6)
            squatter.setblocking(False)
            held.append(squatter)
    except OSError:
        pytest.skip("this machine has no ::1")
    try:
        listed = await methods(client)
        attempt = await begin(client)
        await browser.visit(attempt.url)
        result = await attempt.request.result()
        for squatter in held:
            with pytest.raises(BlockingIOError):
                squatter.accept()
    finally:
        for squatter in held:
            squatter.close()

    assert ids(listed) == BROWSER_FIRST
    assert attempt.redirect_uri == "http://127.0.0.1:1455/auth/callback"
    assert result["status"]["state"] == "signedIn"


async def test_l7_and_l23_another_login_on_the_port_is_not_asked_to_go(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """A second window gets the second port, and the first login then still succeeds."""
    first, second = await start(sandbox), await start(sandbox)
    one = await begin(first)
    two = await begin(second)

    await browser.visit(two.url)
    await two.request.result()
    pending = (await first.request("auth/status", {}))["pendingLogin"]
    await browser.visit(one.url)
    await one.request.result()

    assert (one.port, two.port) == (1455, 1457)
    assert pending["attemptId"] == one.id
    assert (await completion(first, one.id))["outcome"] == "signedIn"


# What the person is told


async def message_of_prompt(client: LanguageClient) -> str:
    attempt = await begin(client)
    await client.request("auth/cancelLogin", {})
    await attempt.request.error()
    return str(attempt.prompt["message"])


async def test_l25_the_prompt_says_what_to_do_where_the_callback_cannot_arrive(
    start: Starter, sandbox: Sandbox
):
    """Near: nothing more. Far: paste or use a code. Forwarded: the port, and what if not."""
    near = await start(sandbox, auth=PROMPTS | {"browserOnServerHost": True})
    far = await start(sandbox, auth=PROMPTS | {"environment": "ssh"})
    forwarded = await start(sandbox, auth=PROMPTS | {"environment": "ssh", "portForwarding": True})

    told = [await message_of_prompt(client) for client in (near, far, forwarded)]

    assert told[0] == "Finish signing in to Codex in your browser."
    assert "paste" in told[1]
    assert "device code" in told[1]
    assert "Port 1455" in told[2]
    assert "same number" in told[2]
    assert "device code" in told[2]


async def test_l25_a_message_says_so_too(start: Starter, sandbox: Sandbox):
    """A client without prompts reads it below the address."""
    client = await start(sandbox, auth={"environment": "ssh"})
    request = await client.start_request("auth/login", {"method": "browser"})
    message = (await client.wait_for("window/showMessage")).params["message"]
    await client.request("auth/cancelLogin", {})
    await request.error()

    address, _, advice = message.partition("\n")
    assert f"{sandbox.issuer}/oauth/authorize?" in address
    assert "device code" in advice
