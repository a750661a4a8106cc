"""An issuer that nobody here wrote accepts our sign-in, rotates our tokens and ends our logins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.logins import begin, completion
from e2e.shapes import CLIENT_ID, api_key_login, example_key
from support import raw_callback
from support.oidc_provider import OidcProvider
from support.secrets_guard import ACCESS_TOKEN, OTHER, USER_CODE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from e2e.conftest import Starter
    from e2e.logins import Attempt
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.secrets_guard import SecretsGuard

pytestmark = pytest.mark.part("oidc-provider")

PERSON = "ada@example.com"


@pytest.fixture
async def provider(guard: SecretsGuard) -> AsyncIterator[OidcProvider]:
    """Run the issuer; what it minted is added to the guard when the test is over."""
    async with OidcProvider.start() as provider:
        yield provider
    for kind, value in provider.secrets():
        guard.add(value, ACCESS_TOKEN if kind == "access_token" else OTHER)


async def sign_in(client: LanguageClient, provider: OidcProvider, guard: SecretsGuard) -> dict:
    """Sign in through the issuer's own pages, and return the result."""
    attempt = await begin(client)
    callback_url = await provider.sign_in(attempt.url, PERSON)
    guard.add_callback(callback_url)
    await raw_callback.deliver(callback_url)
    return dict(await attempt.request.result())


async def test_a_certified_issuer_accepts_our_sign_in(
    start: Starter, provider: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """PKCE, exact redirect, form posts: it refuses nothing but to make a key, which it cannot.

    (P8)
    """
    client = await start(provider.issuer)

    result = await sign_in(client, provider, guard)
    login = home.read()

    assert result["status"]["account"]["email"] == PERSON
    assert result["status"]["account"]["id"] == f"account-of-{PERSON}"
    assert login["OPENAI_API_KEY"] is None
    assert login["tokens"]["oauth_provenance"] == {
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
    }
    assert [why.partition(":")[0] for why in await provider.failures()] == [
        "unsupported_grant_type"
    ]


async def test_a_certified_issuer_rotates_our_tokens_and_never_sees_one_twice(
    start: Starter, provider: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """(P15) A token that was used twice would end the whole login there."""
    first, second = await start(provider.issuer), await start(provider.issuer)
    await sign_in(first, provider, guard)

    stored = [home.read()["tokens"]["refresh_token"]]
    for client in (first, second, first, second):
        status = await client.request("auth/refresh", {"force": True})
        assert (status["state"], status["freshness"]) in {
            ("signedIn", "fresh"),
            ("signedIn", "unknown"),
        }
        stored.append(home.read()["tokens"]["refresh_token"])

    assert len(set(stored)) == 5
    assert [why.partition(":")[0] for why in await provider.failures()] == [
        "unsupported_grant_type"
    ]


async def test_windows_at_the_same_time_do_not_lose_the_login(
    start: Starter, provider: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """Five windows renew at once at an issuer that revokes the grant of a reused token."""
    windows = [await start(provider.issuer) for _ in range(5)]
    await sign_in(windows[0], provider, guard)

    for _ in range(3):
        requests = [
            await window.start_request("auth/refresh", {"force": True}) for window in windows
        ]
        answers = [await request.result() for request in requests]
        assert {answer["state"] for answer in answers} == {"signedIn"}

    assert [why.partition(":")[0] for why in await provider.failures()] == [
        "unsupported_grant_type"
    ]
    assert home.read()["auth_mode"] == "chatgpt"


async def test_a_token_that_somebody_else_has_used_ends_the_login(
    start: Starter, provider: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """The issuer revokes the grant: `needsReauth`, the file stays until the person signs in."""
    client = await start(provider.issuer)
    await sign_in(client, provider, guard)
    old = home.bytes()
    await client.request("auth/refresh", {"force": True})
    home.write(old)

    error = await client.request_error("auth/refresh", {"force": True})

    assert error.summary == (-32803, "needsReauth")
    assert (await client.request("auth/status", {}))["state"] == "needsReauth"
    assert home.bytes() == old
    assert (await sign_in(client, provider, guard))["status"]["state"] == "signedIn"


async def test_a_certified_issuer_revokes_our_login(
    start: Starter, provider: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """After a logout the tokens are dead."""
    client = await start(provider.issuer)
    await sign_in(client, provider, guard)
    stored = home.bytes()

    result = await client.request("auth/logout", {})
    home.write(stored)
    error = await client.request_error("auth/refresh", {"force": True})

    assert result["revoked"] == "yes"
    assert error.kind == "needsReauth"


async def test_a_certified_issuer_s_denial_ends_the_login(
    start: Starter, provider: OidcProvider, home: CodexHome
):
    """The person went back: `loginDenied`, and the old login stays."""
    before = home.write(api_key_login(example_key("stays")))
    client = await start(provider.issuer)
    attempt = await begin(client)

    await raw_callback.deliver(await provider.deny(attempt.url))
    error = await attempt.request.error()

    assert error.summary == (-32803, "loginDenied")
    assert (await completion(client, attempt.id))["outcome"] == "failed"
    assert home.bytes() == before


async def test_a_code_of_another_issuer_is_not_sent_anywhere(
    start: Starter, provider: OidcProvider, home: CodexHome
):
    """The callback names its issuer (RFC 9207): another name is not ours, and the login waits.

    (P10)
    """
    client = await start(provider.issuer)
    attempt = await begin(client)
    callback_url = await provider.sign_in(attempt.url, PERSON)
    assert "iss=" in callback_url

    mixed_up = callback_url.partition("&iss=")[0] + "&iss=https%3A%2F%2Fevil.example"
    refused = await raw_callback.deliver(mixed_up)
    await raw_callback.deliver(callback_url)
    result = await attempt.request.result()

    assert refused.status == 400
    assert result["status"]["account"]["email"] == PERSON


async def begin_with_code(client: LanguageClient, guard: SecretsGuard) -> Attempt:
    """Begin a login with a device code; the code may stand in the addresses of the prompt."""
    attempt = await begin(client, method="deviceCode")
    guard.add(attempt.prompt["userCode"], USER_CODE)
    return attempt


async def test_a_certified_issuer_accepts_our_device_flow(
    start: Starter, provider: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """RFC 8628 by its metadata; the login that it gives is renewed like any other."""
    client = await start(provider.issuer)

    attempt = await begin_with_code(client, guard)
    page = await provider.enter_device_code(attempt.url, attempt.prompt["userCode"], email=PERSON)
    result = await attempt.request.result()
    first = home.read()["tokens"]["refresh_token"]
    await client.request("auth/refresh", {"force": True})

    assert "Sign-in Success" in page
    assert attempt.url == f"{provider.issuer}/device"
    assert attempt.prompt["completeUrl"].startswith(f"{provider.issuer}/device?user_code=")
    assert result["status"]["account"]["email"] == PERSON
    assert home.read()["tokens"]["oauth_provenance"]["issuer"] == provider.issuer
    assert home.read()["tokens"]["refresh_token"] != first
    assert {why.partition(":")[0] for why in await provider.failures()} <= {"authorization_pending"}


async def test_a_certified_issuer_s_denial_ends_our_device_flow(
    start: Starter, provider: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """The person presses "abort": `loginDenied`, and nothing is stored."""
    client = await start(provider.issuer)

    attempt = await begin_with_code(client, guard)
    await provider.enter_device_code(attempt.url, attempt.prompt["userCode"], agree=False)
    error = await attempt.request.error()

    assert error.summary == (-32803, "loginDenied")
    assert home.bytes() is None


# As it is: its own routes, and no JSON


@pytest.fixture
async def plain(guard: SecretsGuard) -> AsyncIterator[OidcProvider]:
    """Run the issuer without anything of OpenAI's."""
    async with OidcProvider.start(as_it_is=True) as provider:
        yield provider
    for kind, value in provider.secrets():
        guard.add(value, ACCESS_TOKEN if kind == "access_token" else OTHER)


async def test_an_issuer_that_is_no_imitation_signs_in_renews_and_revokes(
    start: Starter, plain: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """By RFC 6749 and RFC 7009 at the endpoints of its metadata; it refuses no request but one."""
    client = await start(plain.issuer)
    result = await sign_in(client, plain, guard)
    stored = [home.read()["tokens"]]
    for _ in range(2):
        await client.request("auth/refresh", {"force": True})
        stored.append(home.read()["tokens"])
    last = home.bytes()
    logout = await client.request("auth/logout", {})
    failures = [why.partition(":")[0] for why in await plain.failures()]
    home.write(last)
    error = await client.request_error("auth/refresh", {"force": True})

    assert result["status"]["account"]["email"] == PERSON
    assert stored[0]["oauth_provenance"] == {
        "issuer": plain.issuer,
        "client_id": CLIENT_ID,
        "token_endpoint": plain.token_endpoint,
        "revocation_endpoint": plain.revocation_endpoint,
    }
    assert len({tokens["refresh_token"] for tokens in stored}) == 3
    assert logout["revoked"] == "yes"
    assert failures == ["unsupported_grant_type"]  # it makes no API keys
    assert error.kind == "needsReauth"


async def test_an_issuer_that_is_no_imitation_is_found_out_without_the_record(
    start: Starter, plain: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """A Codex CLI may have dropped it: the login is renewed all the same, and says so again."""
    client = await start(plain.issuer)
    await sign_in(client, plain, guard)
    login = home.read()
    kept = login["tokens"]["oauth_provenance"]
    bare = {"issuer": plain.issuer, "client_id": CLIENT_ID}
    home.write({**login, "tokens": {**login["tokens"], "oauth_provenance": bare}})

    status = await client.request("auth/refresh", {"force": True})

    assert status["state"] == "signedIn"
    assert home.read()["tokens"]["refresh_token"] != login["tokens"]["refresh_token"]
    assert home.read()["tokens"]["oauth_provenance"] == kept


async def test_an_issuer_that_is_no_imitation_accepts_our_device_flow(
    start: Starter, plain: OidcProvider, home: CodexHome, guard: SecretsGuard
):
    """The login that it gives is renewed where the metadata said."""
    client = await start(plain.issuer)
    attempt = await begin_with_code(client, guard)
    await plain.enter_device_code(attempt.url, attempt.prompt["userCode"], email=PERSON)
    await attempt.request.result()
    first = home.read()["tokens"]

    await client.request("auth/refresh", {"force": True})

    assert first["oauth_provenance"]["token_endpoint"] == plain.token_endpoint
    assert home.read()["tokens"]["refresh_token"] != first["refresh_token"]
    assert {why.partition(":")[0] for why in await plain.failures()} <= {"authorization_pending"}
