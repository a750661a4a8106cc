"""Issuers that do not offer a way of signing in: `loginMethodUnavailable`, and what then helps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from e2e.logins import Browser, begin
from support.form_issuer import OWN_ROUTES, FormIssuer

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard


async def offered(client: LanguageClient) -> dict[str, Any]:
    """Return the methods by their ids."""
    listed = await client.request("auth/methods", {})
    return {method["id"]: method for method in listed["methods"]}


async def test_a_device_code_that_the_issuer_does_not_know_is_listed_so_from_then_on(
    start: Starter, guard: SecretsGuard
):
    """Far from a browser it was recommended; now the browser is, which works with an effort."""
    async with FormIssuer.start(OWN_ROUTES) as issuer:
        issuer.state.ledger.policy.device_enabled = False
        client = await start(issuer.url, auth={"loginPrompt": True, "environment": "ssh"})
        before = await offered(client)
        error = await client.request_error("auth/login", {"method": "deviceCode"})
        after = await offered(client)
        result = await Browser(guard).sign_in(client)
        for _, value in issuer.state.ledger.mint.minted:
            guard.add(value)

    assert before["deviceCode"]["recommended"]
    assert error.summary == (-32803, "loginMethodUnavailable")
    assert error.message == (
        f"{issuer.url} offers no sign-in with a device code; sign in another way."
    )
    assert not after["deviceCode"]["available"]
    assert after["deviceCode"]["unavailableReason"] == error.message
    assert after["browser"]["recommended"]
    assert result["status"]["state"] == "signedIn"


async def test_an_issuer_without_a_page_opens_no_browser(start: Starter):
    """Its metadata names where tokens are and not where people sign in."""
    async with FormIssuer.start(OWN_ROUTES) as issuer:
        issuer.metadata = {"authorization_endpoint": None}
        client = await start(issuer.url)
        error = await client.request_error("auth/login", {"method": "browser"})
        after = await offered(client)

    assert error.summary == (-32803, "loginMethodUnavailable")
    assert [remedy["command"] for remedy in error.data["remediation"]] == [
        "codexAuth.signInWithDeviceCode",
        "codexAuth.signInWithApiKey",
    ]
    assert client.all("auth/loginPrompt") == []
    assert not after["browser"]["available"]
    assert after["deviceCode"]["recommended"]


async def test_a_method_is_listed_again_as_soon_as_the_issuer_offers_it(start: Starter):
    """What it publishes now counts: for the method that is tried at once, and for the others."""
    async with FormIssuer.start(OWN_ROUTES) as issuer:
        issuer.metadata = {"authorization_endpoint": None}
        client = await start(issuer.url)
        await client.request_error("auth/login", {"method": "browser"})
        await client.request_error("auth/login", {"method": "deviceCode"})
        before = await offered(client)
        issuer.metadata = {"device_authorization_endpoint": f"{issuer.url}/devices"}
        await begin(client)
        after = await offered(client)

    assert [before[name]["available"] for name in ("browser", "deviceCode")] == [False, False]
    assert [after[name]["available"] for name in ("browser", "deviceCode")] == [True, True]


async def test_a_method_that_works_again_is_listed_again(start: Starter, guard: SecretsGuard):
    """It is found out by trying, which nobody is kept from."""
    async with FormIssuer.start(OWN_ROUTES) as issuer:
        issuer.metadata = {"authorization_endpoint": None}
        client = await start(issuer.url)
        await client.request_error("auth/login", {"method": "browser"})
        issuer.metadata = {}
        await Browser(guard).sign_in(client)
        after = await offered(client)
        for _, value in issuer.state.ledger.mint.minted:
            guard.add(value)

    assert after["browser"]["available"]
    assert after["browser"]["recommended"]


async def test_a_mistyped_issuer_is_not_taken_for_one_without_device_codes(
    start: Starter, sandbox: Sandbox
):
    """At the wrong path everything is missing; the account's settings have nothing to do with it.

    The doctor finds the same when it may ask.
    """
    issuer = f"{sandbox.issuer}/mistyped"
    client = await start(issuer)
    error = await client.request_error("auth/login", {"method": "deviceCode"})
    report = await client.request("auth/doctor", {"network": True})

    (found,) = [check for check in report["checks"] if check["id"] == "reachability"]
    assert error.summary == (-32803, "issuerResponseInvalid")
    assert f"There is no issuer at {issuer}" in error.message
    assert (found["status"], found["summary"]) == ("error", error.message)


async def test_a_mistyped_issuer_is_told_before_a_browser_opens(start: Starter, sandbox: Sandbox):
    """Else a person waits for ten minutes in front of a page that is not there."""
    client = await start(f"{sandbox.issuer}/mistyped")
    error = await client.request_error("auth/login", {"method": "browser"})

    assert error.summary == (-32803, "issuerResponseInvalid")
    assert "There is no issuer at" in error.message
    assert client.all("auth/loginPrompt") == []


async def test_a_device_code_that_is_switched_off_is_told_as_that(start: Starter, sandbox: Sandbox):
    """The issuer is there; nothing but the one endpoint is missing."""
    sandbox.policy(deviceEnabled=False)
    client = await start(sandbox)

    error = await client.request_error("auth/login", {"method": "deviceCode"})

    assert error.summary == (-32803, "deviceCodeDisabled")
    assert sandbox.requests("token") == []
