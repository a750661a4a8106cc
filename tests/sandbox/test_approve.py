"""The control that plays the person, for programs that read no pages."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from sandbox.actors import REDIRECT_URI, claims


def parameters(url: str) -> dict[str, str]:
    assert url.startswith(f"{REDIRECT_URI}?")
    return dict(parse_qsl(urlsplit(url).query))


async def test_a_page_is_answered_without_a_browser(client):
    """The callback is the one that a browser would be sent to, and its code is good."""
    reply = await client.control("approve", url=client.authorize_url(), person="password")
    sent = parameters(reply.json()["callbackUrl"])
    tokens = await client.exchange(sent["code"])

    assert sent["state"] == client.state
    assert claims(tokens.json()["id_token"])["email"] == "pro@example.com"


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"decision": "deny"}, "The person refused."),
        ({"person": "not-entitled"}, "missing_codex_entitlement"),
    ],
)
async def test_a_refusal_is_a_callback_too(client, choices, expected):
    """As RFC 6749 section 4.1.2.1 has it."""
    reply = await client.control("approve", url=client.authorize_url(), **choices)
    sent = parameters(reply.json()["callbackUrl"])

    assert (sent["error"], sent["error_description"]) == ("access_denied", expected)


@pytest.mark.parametrize(
    ("choices", "status", "answer"),
    [({}, 200, "authorization_code"), ({"decision": "deny"}, 400, "error")],
)
async def test_a_code_is_entered_without_a_page(client, choices, status, answer):
    """The device that asks next hears of it."""
    begun = (
        await client.http.post(
            "/api/accounts/deviceauth/usercode", json={"client_id": CODEX_CLIENT_ID}
        )
    ).json()
    approved = await client.control("approve", userCode=begun["user_code"], **choices)
    poll = await client.http.post(
        "/api/accounts/deviceauth/token",
        json={name: begun[name] for name in ("device_auth_id", "user_code")},
    )

    assert (approved.status_code, approved.json()) == (200, {})
    assert poll.status_code == status
    assert answer in poll.json()


async def test_what_nobody_could_answer_is_refused_by_its_field(client):
    """Another issuer's page, a request that the sandbox refuses, a code that nobody waits for."""
    url = client.authorize_url()
    payloads = [
        ("url", {}),
        ("url", {"url": url.replace("/oauth/authorize", "/other")}),
        ("url", {"url": url.replace(client.issuer.url, "https://auth.openai.com")}),
        ("url", {"url": client.authorize_url(code_challenge_method="plain")}),
        ("userCode", {"userCode": "NONE-SUCH"}),
        ("person", {"url": url, "person": "nobody"}),
        ("person", {"url": url, "person": None}),
        ("person", {"url": url, "person": []}),
        ("decision", {"url": url, "decision": True}),
    ]

    for field, payload in payloads:
        reply = await client.control("approve", **payload)
        assert (reply.status_code, field in reply.json()["error_description"]) == (400, True)
