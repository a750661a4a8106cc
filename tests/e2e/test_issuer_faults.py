"""What an issuer, a proxy or a network can do wrong: each is named, and the login stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import begin, completion
from e2e.shapes import (
    access_token,
    api_key_login,
    chatgpt_login,
    example_key,
    id_token,
)

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

INVALID = "issuerResponseInvalid"


def answer(**changes: Any) -> dict[str, Any]:
    """Return a fault: an answer with tokens, with members changed, or left out where `...` is."""
    body = {
        "id_token": id_token(),
        "access_token": access_token(),
        "refresh_token": "refresh-token-of-the-fault",
        "token_type": "Bearer",
        "expires_in": 3600,
        **changes,
    }
    return {
        "kind": "json",
        "body": {name: value for name, value in body.items() if value is not ...},
    }


NO_VERDICT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "500": ({"kind": "status", "status": 500}, {"kind": "issuerUnavailable", "retryable": True}),
    "503 with a time": (
        {"kind": "status", "status": 503, "retryAfter": 7},
        {"kind": "issuerUnavailable", "retryable": True, "retryAfterSeconds": 7},
    ),
    "429 with a time": (
        {"kind": "status", "status": 429, "retryAfter": 3},
        {"kind": "rateLimited", "retryable": True, "retryAfterSeconds": 3},
    ),
    "429": ({"kind": "status", "status": 429}, {"kind": "rateLimited", "retryable": True}),
    "502 with HTML": (
        {"kind": "html", "status": 502},
        {"kind": "issuerUnavailable", "retryable": True},
    ),
    "HTML": ({"kind": "html"}, {"kind": INVALID}),
    "a redirect": ({"kind": "redirect"}, {"kind": INVALID}),
    "a redirect that keeps the method": ({"kind": "redirect", "status": 307}, {"kind": INVALID}),
    "20 MB": ({"kind": "huge"}, {"kind": INVALID}),
    "an empty body": ({"kind": "status", "status": 200, "body": ""}, {"kind": INVALID}),
    "no content": ({"kind": "status", "status": 204}, {"kind": INVALID}),
    "JSON cut short": (
        {"kind": "status", "status": 200, "body": '{"access_token": "a'},
        {"kind": INVALID},
    ),
    "a list": ({"kind": "json", "body": [1]}, {"kind": INVALID}),
    "nothing in it": ({"kind": "json", "body": {}}, {"kind": INVALID}),
    "an error with status 200": (
        {"kind": "json", "body": {"error": "invalid_grant"}},
        {"kind": INVALID},
    ),
    "deep nesting": (
        {"kind": "status", "status": 200, "body": "[" * 100_000},
        {"kind": INVALID},
    ),
    "a refresh token that is a list": (answer(refresh_token=[]), {"kind": INVALID}),
}
"""Faults that say nothing about the grant itself, with what the error's data says."""

SPENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another kind of token": (answer(token_type="mac"), {"kind": INVALID}),
    "an access token that is a number": (answer(access_token=5), {"kind": INVALID}),
    "an access token with a line break": (
        answer(access_token="token\r\nx-evil: 1"),
        {"kind": INVALID},
    ),
    "an empty access token": (answer(access_token=""), {"kind": INVALID}),
    "no access token": (answer(access_token=...), {"kind": INVALID}),
}
"""Answers that cannot be used, with a new refresh token among what they hold."""

BAD_ID_TOKENS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "an id token in words": (answer(id_token="not a token"), {"kind": INVALID}),
    "an id token of two parts": (answer(id_token="aaaa.bbbb"), {"kind": INVALID}),
    "an id token that is no JSON": (answer(id_token="aaaa.bbbb.cccc"), {"kind": INVALID}),
    "an id token that is an object": (answer(id_token={}), {"kind": INVALID}),
}
"""Answers that are good but for the id token."""

CODE_ONLY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no id token": (answer(id_token=...), {"kind": INVALID}),
    "no refresh token": (answer(refresh_token=...), {"kind": INVALID}),
    "the code refused": (
        {"kind": "status", "oauthError": "invalid_grant"},
        {"kind": "tokenExchangeFailed", "oauthError": "invalid_grant"},
    ),
    "the client refused": (
        {"kind": "status", "status": 401, "oauthError": "invalid_client"},
        {"kind": "tokenExchangeFailed", "oauthError": "invalid_client"},
    ),
    "refused in HTML": ({"kind": "html", "status": 400}, {"kind": "tokenExchangeFailed"}),
    "refused with an odd code": (
        {"kind": "json", "status": 400, "body": {"error": "<script>alert(1)</script>"}},
        {"kind": "tokenExchangeFailed"},
    ),
}

REFRESH_ONLY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no tokens": (answer(access_token=..., refresh_token=...), {"kind": INVALID}),
    "403": (
        {"kind": "status", "status": 403},
        {"kind": "issuerUnavailable", "retryable": True},
    ),
}

SOMEBODY_ELSE = {
    "the login of another account": (
        answer(id_token=id_token(account_id="account-grace")),
        {"kind": INVALID},
    ),
    "the login of another person in the same account": (
        answer(id_token=id_token(sub="another-user-of-the-test")),
        {"kind": INVALID},
    ),
}


def data_of(error: dict[str, Any]) -> dict[str, Any]:
    """Return what of an error a fault decides."""
    return {
        name: value
        for name, value in error.items()
        if name in ("kind", "retryAfterSeconds", "oauthError") or (name == "retryable" and value)
    }


@pytest.mark.parametrize("name", NO_VERDICT | SPENT | BAD_ID_TOKENS | CODE_ONLY)
async def test_a_fault_of_the_code_exchange_is_named_and_nothing_stored(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, name
):
    """The old login stays byte for byte, nothing is retried, the person's page says that it failed.

    A code is good once: the next login makes a new one, and works.

    (P17)
    """
    fault, expected = (NO_VERDICT | SPENT | BAD_ID_TOKENS | CODE_ONLY)[name]
    before = home.write(api_key_login(example_key("stays")))
    client = await start(sandbox)
    sandbox.fault("token", **fault)

    attempt = await begin(client)
    visit = await browser.visit(attempt.url)
    error = await attempt.request.error()

    assert error.code == -32803
    assert data_of(error.data) == expected
    assert "<script" not in error.message
    assert data_of((await completion(client, attempt.id))["error"]) == expected
    assert home.bytes() == before
    assert "This sign-in did not work" in visit.final_body
    assert len(sandbox.requests("token")) == 1
    assert (await browser.sign_in(client))["status"]["method"] == "chatgpt"


@pytest.mark.parametrize("kind", ["close", "hang"])
async def test_an_issuer_that_says_nothing_ends_the_login(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, kind
):
    """A closed connection is told at once, a silent one by the login's deadline at the latest."""
    before = home.write(api_key_login(example_key("stays")))
    client = await start(sandbox)
    sandbox.fault("token", kind, seconds=30)

    attempt = await begin(client, timeoutSeconds=2)
    await browser.visit(attempt.url)
    error = await attempt.request.error()
    sandbox.release()

    expected = {"close": "networkUnreachable", "hang": "loginTimedOut"}
    assert error.summary == (-32803, expected[kind])
    assert home.bytes() == before


async def test_an_issuer_that_is_not_there_ends_the_login(start: Starter, home: CodexHome):
    """`networkUnreachable` is worth another try; the code went nowhere."""
    before = home.write(api_key_login(example_key("stays")))
    client = await start("http://127.0.0.1:9")

    attempt = await begin(client)
    await attempt.answer(code="code-for-nobody")
    error = await attempt.request.error()

    assert error.summary == (-32803, "networkUnreachable")
    assert error.data["retryable"] is True
    assert home.bytes() == before


async def test_an_issuer_beyond_a_proxy_that_is_down_is_told_before_anybody_is_asked(
    start: Starter, home: CodexHome
):
    """What is not on this machine goes through the person's proxy, which is down here."""
    client = await start("https://issuer.example")

    error = await client.request_error("auth/login", {"method": "browser"})

    assert error.summary == (-32803, "proxyError")
    assert client.all("auth/loginPrompt") == []
    assert home.bytes() is None


# Refresh


@pytest.mark.parametrize("name", NO_VERDICT | REFRESH_ONLY)
async def test_a_fault_of_the_refresh_is_named_and_the_login_kept(
    start: Starter, sandbox: Sandbox, home: CodexHome, name
):
    """The file stays byte for byte, nobody is signed out, and the next refresh is asked again.

    Unless the issuer has said when: until then it is left in peace.
    """
    fault, expected = (NO_VERDICT | REFRESH_ONLY)[name]
    before = home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    sandbox.fault("refresh", **fault, times=2)

    error = await client.request_error("auth/refresh", {"force": True})
    status = await client.request("auth/status", {})
    again = await client.request_error("auth/refresh", {"force": True})

    assert error.code == -32803
    assert data_of(error.data) == expected
    assert (status["state"], status["lastError"]["kind"]) == ("signedIn", expected["kind"])
    assert again.kind == expected["kind"]
    if wait := expected.get("retryAfterSeconds"):
        assert 1 <= again.data["retryAfterSeconds"] <= wait
    assert len(sandbox.requests("refresh")) == (1 if wait else 2)
    assert home.bytes() == before


@pytest.mark.parametrize("name", SPENT | SOMEBODY_ELSE)
async def test_an_answer_that_cannot_be_used_costs_no_refresh_token(
    start: Starter, sandbox: Sandbox, home: CodexHome, guard: SecretsGuard, name
):
    """The old one is spent: the new one takes its place, and nothing else of the answer counts.

    Whoever the answer names, nobody else is signed in, and no client gets their access token.

    (P14)
    """
    fault, expected = (SPENT | SOMEBODY_ELSE)[name]
    login = chatgpt_login(issuer=sandbox.issuer)
    home.write(login)
    client = await start(sandbox)
    guard.add("refresh-token-of-the-fault")
    sandbox.fault("refresh", **fault)

    error = await client.request_error("auth/refresh", {"force": True})
    status = await client.request("auth/status", {})
    credential = await client.request("auth/credential", {"providerId": "openai"})

    assert data_of(error.data) == expected
    kept = home.read()["tokens"]
    assert kept == login["tokens"] | {"refresh_token": "refresh-token-of-the-fault"}
    assert (status["state"], status["freshness"]) == ("signedIn", "stale")
    assert (status["lastError"]["kind"], status["account"]["id"]) == (INVALID, "account-ada")
    assert credential["headers"]["Authorization"] == f"Bearer {login['tokens']['access_token']}"


@pytest.mark.parametrize("name", BAD_ID_TOKENS)
async def test_a_bad_id_token_of_a_refresh_is_left_aside(
    start: Starter, sandbox: Sandbox, home: CodexHome, name
):
    """The other tokens are new, the id token is the old one, and the status tells the trouble."""
    fault, _ = BAD_ID_TOKENS[name]
    login = chatgpt_login(issuer=sandbox.issuer)
    home.write(login)
    client = await start(sandbox)
    sandbox.fault("refresh", **fault)

    status = await client.request("auth/refresh", {"force": True})
    stored = home.read()["tokens"]

    assert (status["state"], status["freshness"]) == ("signedIn", "fresh")
    assert (status["lastError"]["kind"], status["account"]["id"]) == (INVALID, "account-ada")
    assert stored == login["tokens"] | {
        "access_token": fault["body"]["access_token"],
        "refresh_token": "refresh-token-of-the-fault",
    }


async def test_a_refresh_whose_connection_is_closed_keeps_the_login(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """Nobody knows whether it counted; the login stays."""
    before = home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    sandbox.fault("refresh", "close")

    error = await client.request_error("auth/refresh", {"force": True})

    assert error.summary == (-32803, "networkUnreachable")
    assert error.data["retryable"] is True
    assert home.bytes() == before
    assert (await client.request("auth/status", {}))["state"] == "signedIn"
