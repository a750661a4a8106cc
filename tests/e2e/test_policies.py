"""Policies of `config.toml`: what they forbid is told, never used and never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.logins import begin
from e2e.promises import status_changes
from e2e.shapes import api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from e2e.conftest import CommandLine, Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

ONLY_API = 'forced_login_method = "api"\n'
ONLY_CHATGPT = 'forced_login_method = "chatgpt"\n'
OTHER_WORKSPACE = 'forced_chatgpt_workspace_id = ["account-one", "account-two"]\n'

FORBIDDEN = {
    "ChatGPT where an API key is wanted": (chatgpt_login(), ONLY_API, "loginMethodNotAllowed"),
    "an API key where ChatGPT is wanted": (
        api_key_login(example_key("forbidden")),
        ONLY_CHATGPT,
        "loginMethodNotAllowed",
    ),
    "another workspace": (chatgpt_login(), OTHER_WORKSPACE, "wrongWorkspace"),
}


@pytest.mark.parametrize("name", FORBIDDEN)
async def test_a_stored_login_that_is_forbidden_is_told_of_and_kept(
    start: Starter, home: CodexHome, name
):
    """Signed out with the reason; the login stands in `shadowed` and in its file, as it was."""
    login, policy, kind = FORBIDDEN[name]
    before = home.write(login)
    home.configure(policy)
    client = await start()

    status = await client.request("auth/status", {})
    refresh = await client.request_error("auth/refresh", {"force": True})
    credential = await client.request_error("auth/credential", {})

    assert status["state"] == "signedOut"
    assert status["lastError"]["kind"] == kind
    assert [entry["source"]["kind"] for entry in status["shadowed"]] == ["file"]
    assert policy.partition(" ")[0] in status["shadowed"][0]["reason"]
    assert (refresh.kind, credential.kind) == (kind, kind)
    assert home.bytes() == before


@pytest.mark.parametrize(
    "policy", [ONLY_CHATGPT, 'forced_chatgpt_workspace_id = ["account-one", "account-ada"]\n']
)
async def test_a_stored_login_that_is_allowed_is_used(start: Starter, home: CodexHome, policy):
    """One of several workspaces suffices."""
    home.write(chatgpt_login())
    home.configure(policy)
    client = await start()

    status = await client.request("auth/status", {})

    assert status["state"] == "signedIn"
    assert "lastError" not in status
    assert status["shadowed"] == []


async def test_a_policy_that_comes_and_goes_is_announced_each_time(start: Starter, home: CodexHome):
    """The cause is `configChange`, and the login is back when the policy is gone."""
    before = home.write(chatgpt_login())
    client = await start()

    home.configure(ONLY_API)
    await client.wait_for("auth/statusChanged", lambda p: p["status"]["state"] == "signedOut")
    home.configure("")
    await client.wait_for(
        "auth/statusChanged",
        lambda p: p["status"]["state"] == "signedIn" and p["status"]["revision"] > 1,
    )

    changes = [(c["cause"], c["origin"], c["accountChanged"]) for c in status_changes(client)[1:]]
    assert changes == [("configChange", "thisServer", True)] * 2
    assert home.bytes() == before


async def test_an_account_of_a_forbidden_workspace_is_refused_before_a_browser_opens(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """`wrongWorkspace` already where the client says whom it expects."""
    home.configure(OTHER_WORKSPACE)
    client = await start(sandbox)

    error = await client.request_error(
        "auth/login", {"method": "browser", "expectedAccountId": "account-ada"}
    )

    assert error.summary == (-32803, "wrongWorkspace")
    assert client.all("auth/loginPrompt") == []


async def test_a_policy_that_comes_while_somebody_signs_in_counts(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Nothing is stored that would be forbidden from its first moment."""
    client = await start(sandbox)

    attempt = await begin(client)
    home.configure(ONLY_API)
    await browser.visit(attempt.url)
    error = await attempt.request.error()

    assert error.summary == (-32803, "loginMethodNotAllowed")
    assert home.bytes() is None


async def test_a_token_of_the_environment_obeys_the_policy_too(start: Starter, home: CodexHome):
    """It is named as present and not used; the stored key, which is allowed, is."""
    home.write(api_key_login(example_key("allowed")))
    home.configure(ONLY_API)
    client = await start(environment={"CODEX_ACCESS_TOKEN": "at-forbidden-token-of-the-test"})

    status = await client.request("auth/status", {})

    assert (status["state"], status["method"]) == ("signedIn", "apiKey")
    assert [entry["source"].get("name") for entry in status["shadowed"]] == ["CODEX_ACCESS_TOKEN"]


async def test_a_token_that_shows_no_workspace_is_not_used_where_certain_ones_are_wanted(
    start: Starter, home: CodexHome
):
    """Whose it is only the issuer knows; nothing that may be forbidden is given out."""
    home.configure(OTHER_WORKSPACE)
    client = await start(environment={"CODEX_ACCESS_TOKEN": "at-unknown-token-of-the-test"})

    status = await client.request("auth/status", {})
    credential = await client.request_error("auth/credential", {})

    assert status["state"] == "signedOut"
    assert "forced_chatgpt_workspace_id" in status["shadowed"][0]["reason"]
    assert credential.kind == "notSignedIn"


async def test_the_command_line_says_why_a_forbidden_login_is_not_used(
    command_line: CommandLine, home: CodexHome
):
    """Exit status 1, and one sentence with the key of `config.toml`; a logout still removes it."""
    home.write(chatgpt_login())
    home.configure(ONLY_API)

    said = await command_line("status")
    gone = await command_line("logout", issuer="http://127.0.0.1:9")

    assert said.returncode == 1
    assert "forced_login_method" in said.stdout + said.stderr
    assert gone.returncode == 0
    assert home.bytes() is None


async def test_no_method_is_available_while_the_configuration_cannot_be_used(
    start: Starter, home: CodexHome
):
    """No login would begin, and each method says why."""
    home.configure("forced_login_method = 7")
    client = await start()

    methods = (await client.request("auth/methods", {}))["methods"]

    assert [method["available"] for method in methods] == [False, False, False]
    assert not any(method["recommended"] for method in methods)
    assert all("`forced_login_method`" in method["unavailableReason"] for method in methods)
