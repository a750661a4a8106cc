"""The sandbox's remote control and the faults that it sets."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from codex_auth_lsp.sandbox.faults import ENDPOINTS
from codex_auth_lsp.sandbox.people import PEOPLE
from sandbox.actors import claims

CONTROLS = ("secrets", "log", "people")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:80"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_web_page_does_not_control_the_sandbox(client, headers):
    """Neither reads its secrets nor sets a fault, whatever its origin is."""
    for name in CONTROLS:
        assert (await client.http.get(f"/sandbox/{name}", headers=headers)).status_code == 403
    fault = {"endpoint": "models", "kind": "close"}
    refused = await client.http.post("/sandbox/faults", json=fault, headers=headers)

    assert refused.status_code == 403
    assert await client.models("x") == 401


@pytest.mark.parametrize("site", ["none", "same-origin"])
async def test_person_may_look_at_it_in_a_browser(client, site):
    """An address that was typed is no other site's."""
    headers = {"sec-fetch-site": site}

    assert (await client.http.get("/sandbox/log", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "problem"),
    [
        ("faults", b"{", "body"),
        ("faults", b"[]", "body"),
        ("faults", b"\xff", "body"),
        ("faults", b"[" * 100_000, "body"),
        ("faults", b'{"endpoint": "models"}', "kind"),
        ("faults", b'{"endpoint": "other", "kind": "close"}', "endpoint"),
        ("faults", b'{"endpoint": "models", "kind": "other"}', "kind"),
        ("faults", b'{"endpoint": "models", "kind": "status", "status": 99}', "status"),
        ("faults", b'{"endpoint": "models", "kind": "status", "status": "500"}', "status"),
        ("faults", b'{"endpoint": "models", "kind": "close", "surprise": 1}', "surprise"),
        ("policy", b'{"codeSeconds": "60"}', "codeSeconds"),
        ("policy", b'{"codeSeconds": true}', "codeSeconds"),
        ("policy", b'{"deviceEnabled": 1}', "deviceEnabled"),
        ("policy", b'{"surprise": 1}', "surprise"),
        ("account", b'{"person": "nobody"}', "person"),
        ("account", b'{"surprise": 1}', "surprise"),
        ("account", b'{"sub": null}', "sub"),
        ("account", b'{"amr": "pwd"}', "amr"),
        ("account", b'{"entitled": "no"}', "entitled"),
        ("expire", b'{"tokens": "id"}', "tokens"),
        ("keys", b"{}", "key"),
        ("keys", b'{"key": ""}', "key"),
    ],
)
async def test_order_that_is_not_understood_is_told_by_its_field(client, name, body, problem):
    """Nothing is changed then."""
    reply = await client.http.post(f"/sandbox/{name}", content=body)

    assert reply.status_code == 400
    assert problem in reply.json()["error_description"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/sandbox/"),
        ("GET", "/sandbox/faults"),
        ("POST", "/sandbox/log"),
        ("PUT", "/sandbox/policy"),
    ],
)
async def test_other_control_does_not_exist(client, method, path):
    """Not even by another method."""
    assert (await client.http.request(method, path)).status_code == 404


async def test_secrets_are_all_that_was_minted(client):
    """For tests that search every output for them."""
    tokens = await client.sign_in()
    minted = (await client.http.get("/sandbox/secrets")).json()["secrets"]

    assert {"code", "idToken", "accessToken", "refreshToken"} == {each["kind"] for each in minted}
    values = {each["value"] for each in minted}
    assert {tokens[name] for name in ("id_token", "access_token", "refresh_token")} < values


async def test_log_has_every_request_and_no_value(client):
    """Names of fields, statuses and counts; the control's own requests are left out."""
    tokens = await client.sign_in()
    await client.refresh("made-up-refresh-token")
    log = (await client.http.get("/sandbox/log")).json()

    assert log["counts"] == {"authorize": 1, "token": 1, "refresh": 1}
    (exchange,) = [entry for entry in log["requests"] if entry.get("endpoint") == "token"]
    assert exchange["fields"] == [
        "client_id",
        "grant_type",
        "code",
        "redirect_uri",
        "code_verifier",
    ]
    assert (exchange["status"], exchange["grantType"]) == (200, "authorization_code")
    assert exchange["at"] == "2026-11-23T12:00:00.000Z"
    for value in (tokens["refresh_token"], "made-up-refresh-token", client.state):
        assert value not in str(log)


async def test_account_is_put_first_with_its_changes(client):
    """A scripted sign-in takes the first person."""
    changed = await client.control("account", person="password", email="changed@example.com")
    people = (await client.http.get("/sandbox/people")).json()["people"]
    tokens = await client.sign_in()

    assert changed.json()["person"]["email"] == "changed@example.com"
    assert (people[0]["id"], len(people)) == ("password", len(PEOPLE))
    assert claims(tokens["id_token"])["email"] == "changed@example.com"


async def test_claim_can_be_taken_away(client):
    """Null leaves it out of the tokens."""
    await client.control("account", email=None, authProvider=None)

    assert {"email", "auth_provider"} & set(claims((await client.sign_in())["id_token"])) == set()


async def test_policy_is_for_what_is_issued_from_now_on(client, clock):
    """Under both of its names."""
    await client.control("token-lifetime", accessSeconds=10)
    await client.control("policy", graceSeconds=5)
    tokens = await client.sign_in()
    renewed = await client.refresh(tokens["refresh_token"])

    assert tokens["expires_in"] == 10
    assert (await client.refresh(tokens["refresh_token"])).json() == renewed.json()
    clock.advance(10)
    assert await client.models(tokens["access_token"]) == 401


async def test_operator_can_end_and_expire_logins(client):
    """For tests of what a client makes of it."""
    tokens = await client.sign_in()
    await client.control("expire", tokens="access")
    assert await client.models(tokens["access_token"]) == 401
    await client.control("revoke-all")
    refused = await client.refresh(tokens["refresh_token"])
    assert refused.json()["error"]["code"] == "refresh_token_invalidated"

    await client.control("keys", key="sk-made-up")
    assert await client.models("sk-made-up") == 200


async def test_the_control_lists_itself(client):
    """At the address that the sandbox prints."""
    answer = await client.http.get("/sandbox")

    assert answer.status_code == 200
    assert {"GET /sandbox/log", "POST /sandbox/keys"} <= set(answer.json()["controls"])


async def test_one_key_is_accepted_from_the_start(client, issuer):
    """And after a reset, since it stands on a screen by then."""
    before = await client.models(issuer.state.api_key)
    await client.control("reset")

    assert (before, await client.models(issuer.state.api_key)) == (200, 200)
    assert await client.models(f"{issuer.state.api_key}x") == 401


async def test_reset_forgets_everything_but_the_address(client):
    """The next test begins anew."""
    tokens = await client.sign_in()
    await client.control("account", email="changed@example.com")
    await client.control("policy", deviceEnabled=False)
    await client.control("faults", endpoint="models", kind="close", times=9)
    await client.control("reset")

    assert (await client.http.get("/sandbox/log")).json()["requests"] == []
    assert (await client.http.get("/sandbox/secrets")).json()["secrets"] == []
    assert await client.models(tokens["access_token"]) == 401
    assert (await client.http.get("/codex/device")).status_code == 200
    people = (await client.http.get("/sandbox/people")).json()["people"]
    assert [person["id"] for person in people] == [person.id for person in PEOPLE]
    assert people[0]["email"] == PEOPLE[0].email


# Faults


@pytest.mark.parametrize(
    ("fault", "status", "headers", "body"),
    [
        ({"kind": "status"}, 500, {}, '""'),
        ({"kind": "status", "status": 503, "retryAfter": 7}, 503, {"retry-after": "7"}, '""'),
        ({"kind": "status", "body": "Down."}, 500, {}, "Down."),
        ({"kind": "html"}, 200, {"content-type": "text/html; charset=utf-8"}, "Gateway"),
        ({"kind": "html", "status": 502}, 502, {}, "Gateway"),
        ({"kind": "redirect"}, 302, {"location": "/elsewhere"}, ""),
        ({"kind": "redirect", "status": 307, "body": "https://x.example/"}, 307,
         {"location": "https://x.example/"}, ""),
        ({"kind": "json"}, 200, {"content-type": "application/json"}, "{}"),
        ({"kind": "json", "status": 400, "body": {"error": "x"}}, 400, {}, '{"error": "x"}'),
        ({"kind": "status", "oauthError": "invalid_grant"}, 400, {}, '"error": "invalid_grant"'),
    ],
)  # fmt: skip
async def test_fault_takes_the_place_of_one_answer(client, fault, status, headers, body):
    """The next request meets it, the one after that does not."""
    await client.control("faults", endpoint="models", **fault)
    met = await client.http.get("/v1/models", follow_redirects=False)

    assert met.status_code == status
    assert body in met.text
    assert {name: met.headers.get(name) for name in headers} == headers
    assert await client.models("x") == 401


async def test_huge_answer_is_twenty_megabytes(client):
    """More than any client should take."""
    await client.control("faults", endpoint="models", kind="huge")

    assert len((await client.http.get("/v1/models")).content) > 20 * 1024 * 1024


async def test_connection_can_be_closed_without_an_answer(client):
    """As often as asked for."""
    await client.control("faults", endpoint="models", kind="close", times=2)
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.models("x")

    assert await client.models("x") == 401


async def test_hanging_request_ends_when_it_is_released(client):
    """Without an answer; what was still waiting is forgotten."""
    await client.control("faults", endpoint="models", kind="hang", times=5)
    hanging = asyncio.create_task(client.models("x"))
    while (await client.http.get("/sandbox/log")).json()["counts"].get("models") is None:
        pass
    await client.control("release")

    with pytest.raises(httpx.RemoteProtocolError):
        await hanging
    assert await client.models("x") == 401


async def test_delayed_answer_is_the_true_one(client):
    """A slow issuer is a good one."""
    await client.control("keys", key="sk-made-up")
    await client.control("faults", endpoint="models", kind="delay", seconds=0.05)

    assert await client.models("sk-made-up") == 200


async def test_lost_answer_has_taken_effect(client):
    """The refresh token is spent, and the client does not know it."""
    tokens = await client.sign_in()
    await client.control("faults", endpoint="refresh", kind="status", processed=True)
    lost = await client.refresh(tokens["refresh_token"])
    again = await client.refresh(tokens["refresh_token"])

    assert (lost.status_code, again.json()["error"]["code"]) == (500, "refresh_token_reused")


async def test_refused_request_without_effect_can_be_made_again(client):
    """That is how the two are told apart."""
    tokens = await client.sign_in()
    await client.control("faults", endpoint="refresh", kind="status")

    assert (await client.refresh(tokens["refresh_token"])).status_code == 500
    assert (await client.refresh(tokens["refresh_token"])).status_code == 200


async def test_authorize_can_answer_with_an_error_of_the_rfc(client):
    """The person is sent back at once."""
    await client.control("faults", endpoint="authorize", kind="status", oauthError="server_error")

    assert (await client.callback())["error"] == "server_error"


async def test_fault_meets_its_own_endpoint_alone(client):
    """The exchange of a code and that of an API key are two."""
    for endpoint in ENDPOINTS - {"authorize", "token"}:
        await client.control("faults", endpoint=endpoint, kind="close")

    assert (await client.sign_in())["token_type"] == "Bearer"
