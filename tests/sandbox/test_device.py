"""Sign-in with a code on another screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.mint import code_challenge
from codex_auth_lsp.sandbox.visitor import Visitor

if TYPE_CHECKING:
    import httpx

    from sandbox.actors import Client

BEGIN = "/api/accounts/deviceauth/usercode"
POLL = "/api/accounts/deviceauth/token"


async def begin(client: Client, client_id: str = CODEX_CLIENT_ID) -> httpx.Response:
    return await client.http.post(BEGIN, json={"client_id": client_id})


async def poll(client: Client, begun: dict[str, Any], **changes: str) -> tuple[int, dict[str, Any]]:
    body = {name: begun[name] for name in ("device_auth_id", "user_code")}
    reply = await client.http.post(POLL, json={**body, **changes})
    return reply.status_code, reply.json()


async def enter(client: Client, user_code: str, **choices: Any) -> Any:
    """Let the person type the code into the page."""
    return await Visitor().enter_device_code(
        f"{client.issuer.url}/codex/device", user_code, **choices
    )


async def test_code_that_a_person_enters_gives_tokens(client):
    """Pending before, an authorization code with its verifier after, tokens for it then."""
    begun = (await begin(client)).json()
    pending = await poll(client, begun)
    result = await enter(client, begun["user_code"], person="password")
    status, answer = await poll(client, begun)
    tokens = await client.exchange(
        answer["authorization_code"],
        redirect_uri=f"{client.issuer.url}/deviceauth/callback",
        code_verifier=answer["code_verifier"],
    )

    assert (begun["interval"], pending[0]) == ("5", 403)
    assert "You are signed in" in result.final_body
    assert (status, code_challenge(answer["code_verifier"])) == (200, answer["code_challenge"])
    assert await client.models(tokens.json()["access_token"]) == 200
    assert (status, answer) == await poll(client, begun)


@pytest.mark.parametrize("typing", [str.lower, lambda code: code.replace("-", ""), " {} ".format])
async def test_code_is_taken_as_people_type_it(client, typing):
    """Case, hyphen and blanks do not matter (RFC 8628 section 6.1)."""
    begun = (await begin(client)).json()
    await enter(client, typing(begun["user_code"]))

    assert (await poll(client, begun))[0] == 200


async def test_wrong_code_is_told_on_the_page(client):
    """The right one can be typed then."""
    begun = (await begin(client)).json()
    result = await enter(client, "BBBB-BBBB")

    assert result.final_status == 400
    assert "not valid, or no longer" in result.final_body
    assert (await poll(client, begun))[0] == 403


async def test_person_who_refuses_ends_it(client):
    """The device is told."""
    begun = (await begin(client)).json()
    await enter(client, begun["user_code"], decision="deny")
    status, answer = await poll(client, begun)

    assert (status, answer["error"]) == (400, "access_denied")


async def test_code_expires(client, clock):
    """For the device and for the page."""
    begun = (await begin(client)).json()
    clock.advance(900)
    status, answer = await poll(client, begun)

    assert (status, answer["error"]) == (400, "expired_token")
    assert (await enter(client, begun["user_code"])).final_status == 400


async def test_code_is_good_for_one_person(client):
    """Somebody who reads it over a shoulder is too late."""
    begun = (await begin(client)).json()
    await enter(client, begun["user_code"])

    assert (await enter(client, begun["user_code"])).final_status == 400


async def test_device_asks_with_both_of_its_codes(client):
    """A user code alone is no secret."""
    begun = (await begin(client)).json()
    await enter(client, begun["user_code"])
    for changes in ({"device_auth_id": "made-up"}, {"user_code": "BBBB-BBBB"}):
        status, answer = await poll(client, begun, **changes)
        assert (status, answer["error"]) == (400, "invalid_grant")


async def test_unknown_client_gets_no_code(client):
    """As everywhere."""
    assert (await begin(client, "app_other")).status_code == 401


async def test_issuer_may_have_it_switched_off(client):
    """Then neither the endpoint nor the page is there."""
    await client.control("policy", deviceEnabled=False)

    assert (await begin(client)).status_code == 404
    assert (await client.http.get("/codex/device")).status_code == 404


async def test_code_is_made_at_the_poll_and_lives_from_then(client, clock):
    """A person may answer long before the device asks again."""
    begun = (await begin(client)).json()
    await enter(client, begun["user_code"])
    clock.advance(300)
    _, answer = await poll(client, begun)
    reply = await client.exchange(
        answer["authorization_code"],
        redirect_uri=f"{client.issuer.url}/deviceauth/callback",
        code_verifier=answer["code_verifier"],
    )

    assert reply.status_code == 200
