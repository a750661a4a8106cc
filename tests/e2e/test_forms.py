"""Issuers that want forms: signing in, renewing and revoking by RFC 6749 and RFC 7009.

Every request at the token and revocation endpoints is counted, also where there is no endpoint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.http1 import Response
from e2e.logins import Browser, begin
from e2e.shapes import CLIENT_ID, changed, provenance
from support.form_issuer import FORM, JSON, OPENAI_ROUTES, OWN_ROUTES, FormIssuer, refusal
from support.secrets_guard import ACCESS_TOKEN, OTHER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.secrets_guard import SecretsGuard

FORCE = {"force": True}

TOKEN, REVOCATION = OWN_ROUTES["token_endpoint"], OWN_ROUTES["revocation_endpoint"]
CODEX_TOKEN, CODEX_REVOCATION = "/oauth/token", "/oauth/revoke"

REFUSALS = {
    "415": Response(415),
    "invalid_request": refusal(400, "invalid_request"),
    "unsupported_grant_type": refusal(400, "unsupported_grant_type"),
}


@pytest.fixture
async def own(guard: SecretsGuard) -> AsyncIterator[FormIssuer]:
    """Run an issuer with routes of its own."""
    async with FormIssuer.start(OWN_ROUTES) as issuer:
        yield issuer
        learn(guard, issuer)


@pytest.fixture
async def renamed(guard: SecretsGuard) -> AsyncIterator[FormIssuer]:
    """Run an issuer on OpenAI's routes, as one is whose routes were renamed to fit."""
    async with FormIssuer.start(OPENAI_ROUTES) as issuer:
        yield issuer
        learn(guard, issuer)


@pytest.fixture
def browser(guard: SecretsGuard) -> Browser:
    """Play the person with a browser, on the issuer's pages."""
    return Browser(guard)


def learn(guard: SecretsGuard, issuer: FormIssuer) -> None:
    for kind, value in issuer.state.ledger.mint.minted:
        guard.add(value, ACCESS_TOKEN if kind == "accessToken" else OTHER)


async def signed_in(
    start: Starter, browser: Browser, issuer: FormIssuer, **options: Any
) -> LanguageClient:
    """Sign in, and count from then on."""
    client = await start(issuer.url, **options)
    await browser.sign_in(client)
    issuer.forget()
    return client


def whats(issuer: FormIssuer) -> list[tuple[str, str, int]]:
    return [asked.what for asked in issuer.asked]


def endpoints(home: CodexHome) -> dict[str, str]:
    """Return what the stored login remembers of its issuer, beside what every login does."""
    record = dict(home.read()["tokens"]["oauth_provenance"])
    return {name: url for name, url in record.items() if name not in {"issuer", "client_id"}}


# Routes of its own


async def test_an_issuer_with_routes_of_its_own_is_met_there(
    start: Starter, own: FormIssuer, browser: Browser, home: CodexHome
):
    """The page, the exchange, one refresh after the other, the revocation: forms, no detour."""
    client = await start(own.url)
    attempt = await begin(client)
    await browser.visit(attempt.url)
    await attempt.request.result()

    assert attempt.url.startswith(f"{own.url}{OWN_ROUTES['authorization_endpoint']}?")
    assert attempt.parameters["codex_cli_simplified_flow"] == "true"
    assert {asked.what[:2] for asked in own.asked} == {(TOKEN, FORM)}
    assert home.read()["tokens"]["oauth_provenance"] == provenance(own.url) | {
        "token_endpoint": own.url + TOKEN,
        "revocation_endpoint": own.url + REVOCATION,
    }

    own.forget()
    first = home.read()["tokens"]["refresh_token"]
    await client.request("auth/refresh", FORCE)
    second = home.read()["tokens"]["refresh_token"]
    await client.request("auth/refresh", FORCE)
    third = home.read()["tokens"]["refresh_token"]
    result = await client.request("auth/logout", {})

    assert result["revoked"] == "yes"
    assert whats(own) == [(TOKEN, FORM, 200), (TOKEN, FORM, 200), (REVOCATION, FORM, 200)]
    assert [asked.fields for asked in own.asked] == [
        {"grant_type": "refresh_token", "refresh_token": first, "client_id": CLIENT_ID},
        {"grant_type": "refresh_token", "refresh_token": second, "client_id": CLIENT_ID},
        {"token": third, "token_type_hint": "refresh_token", "client_id": CLIENT_ID},
    ]


async def test_what_a_codex_cli_has_dropped_is_found_out_anew(
    start: Starter, own: FormIssuer, browser: Browser, home: CodexHome
):
    """The route is not there, the metadata says where it is, and that is kept again."""
    client = await signed_in(start, browser, own)
    kept = endpoints(home)
    home.write(changed(home.read(), oauth_provenance=provenance(own.url)))

    await client.request("auth/refresh", FORCE)
    await client.request("auth/refresh", FORCE)

    assert whats(own) == [(CODEX_TOKEN, JSON, 404), (TOKEN, FORM, 200), (TOKEN, FORM, 200)]
    assert endpoints(home) == kept


async def test_a_login_without_its_endpoints_is_revoked_all_the_same(
    start: Starter, own: FormIssuer, browser: Browser, home: CodexHome
):
    """As for a refresh, the metadata is looked up where the fixed route is not there."""
    client = await signed_in(start, browser, own)
    home.write(changed(home.read(), oauth_provenance=provenance(own.url)))

    result = await client.request("auth/logout", {})

    assert result["revoked"] == "yes"
    assert whats(own) == [(CODEX_REVOCATION, JSON, 404), (REVOCATION, FORM, 200)]


async def test_other_members_of_the_record_stay_when_endpoints_are_found(
    start: Starter, own: FormIssuer, browser: Browser, home: CodexHome
):
    """What is not known here survives, and nothing else changes its place."""
    client = await signed_in(start, browser, own)
    record = provenance(own.url) | {"x_inner": {"a": [1]}}
    home.write(changed(home.read(), oauth_provenance=record))
    before = home.read()

    await client.request("auth/refresh", FORCE)
    after = home.read()

    assert after["tokens"]["oauth_provenance"]["x_inner"] == {"a": [1]}
    assert list(after["tokens"]) == list(before["tokens"])
    assert after["tokens"]["login_owner_id"] == before["tokens"]["login_owner_id"]


@pytest.mark.parametrize("member", ["token_endpoint", "revocation_endpoint"])
async def test_a_recorded_endpoint_elsewhere_never_gets_a_token(
    start: Starter, own: FormIssuer, renamed: FormIssuer, browser: Browser, home: CodexHome, member
):
    """Another origin than the recorded issuer's is nobody's: what it says is as if not there."""
    thief = renamed
    client = await signed_in(start, browser, own)
    record = home.read()["tokens"]["oauth_provenance"] | {member: f"{thief.url}{CODEX_TOKEN}"}
    home.write(changed(home.read(), oauth_provenance=record))

    await client.request("auth/refresh", FORCE)
    result = await client.request("auth/logout", {})

    assert result["revoked"] == "yes"
    assert thief.asked == []
    assert {asked.what[:2] for asked in own.asked} >= {(TOKEN, FORM), (REVOCATION, FORM)}


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
async def test_p11_an_issuer_that_leads_elsewhere_signs_nobody_in(
    start: Starter, own: FormIssuer, home: CodexHome, name
):
    """Before anybody is asked for anything."""
    own.metadata = {name: "https://evil.example/there"}
    client = await start(own.url)

    error = await client.request_error("auth/login", {"method": "browser"})

    assert error.summary == (-32803, "issuerResponseInvalid")
    assert name in error.message
    assert client.all("auth/loginPrompt") == []
    assert home.bytes() is None


# OpenAI's routes


@pytest.mark.parametrize("how", REFUSALS)
async def test_json_that_is_not_understood_is_sent_once_more_as_a_form(
    start: Starter, renamed: FormIssuer, browser: Browser, home: CodexHome, how
):
    """In the same turn, with the same token; from then on a refresh is one request."""
    renamed.refusal = REFUSALS[how]
    client = await signed_in(start, browser, renamed)
    first = home.read()["tokens"]["refresh_token"]
    before = endpoints(home)

    status = await client.request("auth/refresh", FORCE)
    await client.request("auth/refresh", FORCE)

    refused = (CODEX_TOKEN, JSON, REFUSALS[how].status)
    assert whats(renamed) == [refused, *2 * [(CODEX_TOKEN, FORM, 200)]]
    assert [asked.fields["refresh_token"] for asked in renamed.asked[:2]] == [first, first]
    assert (status["state"], status["freshness"]) == ("signedIn", "fresh")
    assert (before, endpoints(home)) == ({}, {"token_endpoint": renamed.url + CODEX_TOKEN})


@pytest.mark.parametrize("how", ["415", "invalid_request"])
async def test_a_revocation_that_is_not_understood_is_sent_once_more_as_a_form(
    start: Starter, renamed: FormIssuer, browser: Browser, how
):
    """A login that was never renewed: nobody knows yet what its issuer wants."""
    renamed.refusal = REFUSALS[how]
    client = await signed_in(start, browser, renamed)

    result = await client.request("auth/logout", {})

    assert result["revoked"] == "yes"
    refused = (CODEX_REVOCATION, JSON, REFUSALS[how].status)
    assert whats(renamed) == [refused, (CODEX_REVOCATION, FORM, 200)]


@pytest.mark.parametrize("answer", [refusal(400, "invalid_grant"), refusal(401, "invalid_client")])
async def test_a_verdict_on_the_token_is_asked_for_once(
    start: Starter, renamed: FormIssuer, browser: Browser, home: CodexHome, answer
):
    """It is no matter of the body: `needsReauth`, and the file stays."""
    renamed.refusal = answer
    client = await signed_in(start, browser, renamed)
    before = home.bytes()

    error = await client.request_error("auth/refresh", FORCE)

    assert error.summary == (-32803, "needsReauth")
    assert whats(renamed) == [(CODEX_TOKEN, JSON, answer.status)]
    assert home.bytes() == before


async def test_an_issuer_that_understands_neither_is_asked_twice_and_no_more(
    start: Starter, renamed: FormIssuer, browser: Browser, home: CodexHome
):
    """It may work later: the person stays signed in."""
    client = await signed_in(start, browser, renamed)
    renamed.answers = [refusal(400, "invalid_request")]
    before = home.bytes()

    error = await client.request_error("auth/refresh", FORCE)

    assert error.kind == "issuerUnavailable"
    assert whats(renamed) == [(CODEX_TOKEN, JSON, 415), (CODEX_TOKEN, FORM, 400)]
    assert (await client.request("auth/status", {}))["state"] == "signedIn"
    assert home.bytes() == before


async def test_a_token_whose_body_was_not_understood_is_not_spent(
    start: Starter, renamed: FormIssuer, browser: Browser, home: CodexHome
):
    """Trouble with the form leaves the login as it was, and the next refresh works."""
    client = await signed_in(start, browser, renamed)
    first = home.read()["tokens"]["refresh_token"]
    renamed.answers = [Response(503)]

    error = await client.request_error("auth/refresh", FORCE)
    status = await client.request("auth/refresh", FORCE)

    assert error.kind == "issuerUnavailable"
    assert (status["state"], status["freshness"]) == ("signedIn", "fresh")
    assert [asked.what[1:] for asked in renamed.asked] == [
        (JSON, 415),
        (FORM, 503),
        (JSON, 415),
        (FORM, 200),
    ]
    assert {asked.fields["refresh_token"] for asked in renamed.asked} == {first}


async def test_windows_at_the_same_time_find_it_out_once(
    start: Starter, renamed: FormIssuer, browser: Browser, home: CodexHome
):
    """Four windows, one turn at the turnstile, one token spent."""
    windows = [await signed_in(start, browser, renamed)]
    windows += [await start(renamed.url) for _ in range(3)]

    requests = [await window.start_request("auth/refresh", FORCE) for window in windows]
    answers = [await request.result() for request in requests]

    sent = [asked.fields["refresh_token"] for asked in renamed.asked if asked.body == FORM]
    assert {answer["state"] for answer in answers} == {"signedIn"}
    assert whats(renamed)[0] == (CODEX_TOKEN, JSON, 415)
    assert set(whats(renamed)[1:]) == {(CODEX_TOKEN, FORM, 200)}
    assert len(set(sent)) == len(sent)


async def test_an_override_is_asked_in_both_ways_and_never_remembered(
    start: Starter, renamed: FormIssuer, browser: Browser, home: CodexHome
):
    """It is the environment's address and not the login's."""
    override = {"CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{renamed.url}{CODEX_TOKEN}"}
    client = await signed_in(start, browser, renamed, environment=override)

    await client.request("auth/refresh", FORCE)

    assert whats(renamed) == [(CODEX_TOKEN, JSON, 415), (CODEX_TOKEN, FORM, 200)]
    assert endpoints(home) == {}
