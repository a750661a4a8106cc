"""`auth/status` for every shape of login cache, and for none: local, and it changes nothing."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from e2e.shapes import (
    AUTH_CLAIM,
    PROFILE_CLAIM,
    access_token,
    api_key_login,
    chatgpt_login,
    codex_bytes,
    example_key,
    id_token,
    jwt,
    now,
    tokens,
)
from support.secrets_guard import ACCESS_TOKEN, API_KEY

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

ADA = {"id": "account-ada", "email": "ada@example.com", "planType": "plus"}


def selected(status: dict[str, Any]) -> dict[str, Any]:
    """Return what tells who is signed in, how, and what that costs."""
    names = ("state", "method", "billing")
    return {name: status[name] for name in names if name in status} | {
        "health": status["store"]["health"],
        "cloud": status["cloud"]["available"],
        "reason": status["cloud"].get("reason"),
    }


SIGNED_OUT = {
    "state": "signedOut",
    "billing": "none",
    "health": "ok",
    "cloud": False,
    "reason": "signedOut",
}

CHATGPT = {
    "state": "signedIn",
    "method": "chatgpt",
    "billing": "subscription",
    "health": "ok",
    "cloud": True,
    "reason": None,
}

STORED_KEY = {
    "state": "signedIn",
    "method": "apiKey",
    "billing": "usage",
    "health": "ok",
    "cloud": False,
    "reason": "chatgptRequired",
}

PERSONAL_ACCESS_TOKEN = {
    "state": "signedIn",
    "method": "accessToken",
    "billing": "subscription",
    "health": "ok",
    "cloud": False,
    "reason": "chatgptRequired",
}


async def test_nothing_stored_is_a_state_and_no_error(start: Starter, home: CodexHome):
    """Being signed out is answered like any other state."""
    client = await start()

    status = await client.request("auth/status", {})

    assert selected(status) == SIGNED_OUT
    assert status["shadowed"] == []
    assert status["cloud"]["mfa"]["requirement"] == "unknown"
    assert {name: status["store"][name] for name in ("mode", "backend", "encrypted")} == {
        "mode": "file",
        "backend": "file",
        "encrypted": False,
    }
    assert {name: status["provider"][name] for name in ("id", "authKind")} == {
        "id": "openai",
        "authKind": "openai",
    }
    assert status["provider"]["requiresOpenaiAuth"] is True
    assert [
        name
        for name in ("method", "account", "source", "expiresAt", "lastError", "pendingLogin")
        if name in status
    ] == []
    assert home.bytes() is None


# What any version of the Codex CLI wrote

KEY = example_key("status")

READABLE: dict[str, tuple[Any, dict[str, Any]]] = {
    "newest API key": (api_key_login(KEY), STORED_KEY),
    "oldest API key": ({"OPENAI_API_KEY": KEY}, STORED_KEY),
    "API key with null auth_mode": ({"auth_mode": None, "OPENAI_API_KEY": KEY}, STORED_KEY),
    "API key beside tokens, no auth_mode": (
        {"OPENAI_API_KEY": KEY, "tokens": tokens(), "last_refresh": now()},
        STORED_KEY,
    ),
    "newest ChatGPT": (chatgpt_login(key=KEY), CHATGPT),
    "older ChatGPT": (
        {"OPENAI_API_KEY": None, "tokens": tokens(), "last_refresh": now()},
        CHATGPT,
    ),
    "older ChatGPT without OPENAI_API_KEY": (
        {"tokens": tokens(), "last_refresh": now()},
        CHATGPT,
    ),
    "ChatGPT by auth_mode, although a key is there": (
        {"auth_mode": "chatgpt", "OPENAI_API_KEY": KEY, "tokens": tokens(), "last_refresh": now()},
        CHATGPT,
    ),
    "ChatGPT tokens from a host": (
        {"auth_mode": "chatgptAuthTokens", "OPENAI_API_KEY": None, "tokens": tokens()}
        | {"last_refresh": now()},
        CHATGPT,
    ),
    "ChatGPT with an empty refresh token": (chatgpt_login(refresh_token=""), CHATGPT),
    "ChatGPT with a null account id": (chatgpt_login(account_id=None), CHATGPT),
    "ChatGPT without an account id": (chatgpt_login(account_id=...), CHATGPT),
    "ChatGPT with an opaque access token": (
        chatgpt_login(access_token="opaque-access-token-of-the-test"),
        CHATGPT,
    ),
    "ChatGPT with fields of the future": (
        chatgpt_login() | {"x_future": {"deep": [1]}, "another": None},
        CHATGPT,
    ),
    "personal access token": (
        {"OPENAI_API_KEY": None, "personal_access_token": "at-token-of-the-test"},
        PERSONAL_ACCESS_TOKEN,
    ),
    "personal access token beside a key": (
        {"OPENAI_API_KEY": KEY, "personal_access_token": "at-token-of-the-test"},
        PERSONAL_ACCESS_TOKEN,
    ),
    "personal access token by auth_mode": (
        {"auth_mode": "personalAccessToken", "personal_access_token": "at-token-of-the-test"},
        PERSONAL_ACCESS_TOKEN,
    ),
}


@pytest.mark.parametrize("name", READABLE)
async def test_a_file_of_any_version_is_read(start: Starter, home: CodexHome, name):
    """What the Codex CLI ever wrote is read, by its own rules of inference, and stays as it is."""
    login, expected = READABLE[name]
    before = home.write(login)
    client = await start()

    status = await client.request("auth/status", {})

    assert selected(status) == expected
    assert status["source"]["kind"] == "file"
    assert home.bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(api_key_login(KEY), separators=(",", ":")),
        json.dumps(api_key_login(KEY), indent=8) + "\n\n",
        json.dumps({"OPENAI_API_KEY": KEY, "auth_mode": "apikey"}),
    ],
    ids=["compact", "wide", "other order"],
)
async def test_any_layout_of_the_file_is_read(start: Starter, home: CodexHome, text):
    """Layout and order of keys mean nothing to a reader."""
    before = home.write(text.encode())
    client = await start()

    assert selected(await client.request("auth/status", {})) == STORED_KEY
    assert home.bytes() == before


async def test_a_chatgpt_login_tells_account_and_times(start: Starter, home: CodexHome):
    """Account facts come from the id token, the expiry from the access token."""
    expires = int(time.time()) + 7200
    login = chatgpt_login(access_token=jwt({"exp": expires}))
    login["last_refresh"] = "2026-01-02T03:04:05.123456789Z"
    home.write(login)
    client = await start()

    status = await client.request("auth/status", {})

    assert {name: status["account"].get(name) for name in ADA} == ADA
    assert status["expiresAt"].startswith(time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(expires)))
    assert status["lastRefreshAt"].startswith("2026-01-02T03:04:05")
    assert status["freshness"] == "fresh"
    assert status["source"] == {"kind": "file", "name": str(home.auth_file)}


@pytest.mark.parametrize(
    "written",
    ["2026-01-02T03:04:05Z", "2026-01-02T05:04:05.5+02:00", "2026-01-02 03:04:05.000000001Z"],
)
async def test_last_refresh_is_read_in_every_layout_with_a_zone(
    start: Starter, home: CodexHome, written
):
    """Any RFC 3339 time with a zone will do; it is told in UTC."""
    home.write(chatgpt_login() | {"last_refresh": written})
    client = await start()

    status = await client.request("auth/status", {})

    assert status["lastRefreshAt"].startswith("2026-01-02T03:04:05")


async def test_the_email_is_found_in_the_profile_claim(start: Starter, home: CodexHome):
    """The top claim `email`, else the one in OpenAI's profile namespace."""
    claims = id_token(email=None, **{PROFILE_CLAIM: {"email": "grace@example.com"}})
    home.write(chatgpt_login(id_token=claims))
    client = await start()

    status = await client.request("auth/status", {})

    assert status["account"]["email"] == "grace@example.com"


async def test_an_account_with_no_email_still_has_a_label(start: Starter, home: CodexHome):
    """`label` is never empty, whatever the id token lacks."""
    home.write(chatgpt_login(id_token=jwt({"sub": "user-of-the-test", AUTH_CLAIM: {}})))
    client = await start()

    status = await client.request("auth/status", {})

    assert status["state"] == "signedIn"
    assert status["account"]["label"].strip() != ""


@pytest.mark.parametrize(
    "login",
    [api_key_login(KEY), chatgpt_login(access_token="opaque-access-token-of-the-test")],
    ids=["API key", "opaque token"],
)
async def test_a_credential_without_an_end_has_unknown_freshness(
    start: Starter, home: CodexHome, login
):
    """`unknown` for what is static or opaque."""
    home.write(login)
    client = await start()

    status = await client.request("auth/status", {})

    assert status["freshness"] == "unknown"
    assert "expiresAt" not in status


async def test_an_expired_login_is_stale_and_stays_signed_in(start: Starter, home: CodexHome):
    """The network being down changes `freshness`, never `state`."""
    nobody = "http://127.0.0.1:9"
    before = home.write(chatgpt_login(issuer=nobody, access_token=access_token(valid_for=-60)))
    client = await start(nobody)

    status = await client.request("auth/status", {})

    assert (status["state"], status["freshness"]) == ("signedIn", "stale")
    assert home.bytes() == before


@pytest.mark.parametrize(
    "login",
    [
        {"auth_mode": "bedrockApiKey", "OPENAI_API_KEY": None}
        | {"bedrock_api_key": {"api_key": "bedrock-key-of-the-test", "region": "eu-west-1"}},
        {"auth_mode": "bedrockAccessKeys", "OPENAI_API_KEY": None}
        | {
            "bedrock_access_keys": {
                "access_key_id": "access-key-id-of-the-test",
                "secret_access_key": "secret-access-key-of-the-test",
                "session_token": "session-token-of-the-test",
            }
        },
        {"auth_mode": "agentIdentity", "OPENAI_API_KEY": None}
        | {"agent_identity": jwt({"sub": "agent-of-the-test"})},
    ],
    ids=["Bedrock key", "Bedrock access keys", "agent identity"],
)
async def test_a_login_of_another_kind_is_no_corrupt_file(start: Starter, home: CodexHome, login):
    """A credential of the CLI that this server does not use is left alone, not denounced."""
    before = home.write(login)
    client = await start()

    status = await client.request("auth/status", {})

    assert status["store"]["health"] == "ok"
    assert home.bytes() == before


# What is no login

CORRUPT: dict[str, bytes] = {
    "empty": b"",
    "words": b"this is not JSON",
    "cut short": codex_bytes(chatgpt_login())[:-40],
    "not UTF-8": b'{"OPENAI_API_KEY": "\xff\xfe"}',
    "zeros": b"\0" * 64,
    "a list": b"[]",
    "a string": b'"sk-test"',
    "null": b"null",
    "deep nesting": b"[" * 100_000,
    "a key of the wrong type": codex_bytes({"auth_mode": "apikey", "OPENAI_API_KEY": 5}),
    "tokens of the wrong type": codex_bytes({"auth_mode": "chatgpt", "tokens": "none"}),
    "an access token of the wrong type": codex_bytes(chatgpt_login(access_token=5)),
    "no refresh token": codex_bytes(chatgpt_login(refresh_token=...)),
    "no access token": codex_bytes(chatgpt_login(access_token=...)),
    "no id token": codex_bytes(chatgpt_login(id_token=...)),
    "an id token of two parts": codex_bytes(chatgpt_login(id_token="header.payload")),
    "an id token with no signature": codex_bytes(
        chatgpt_login(id_token=jwt({"sub": "user"}, signature=""))
    ),
    "an id token with no JSON in it": codex_bytes(chatgpt_login(id_token="aaaa.bbbb.cccc")),
    "a time without a zone": codex_bytes(
        chatgpt_login() | {"last_refresh": "2026-01-02T03:04:05.000000"}
    ),
    "an unknown auth_mode": codex_bytes({"auth_mode": "carrierPigeon", "OPENAI_API_KEY": None}),
}


@pytest.mark.parametrize("name", CORRUPT)
async def test_a_corrupt_file_is_reported_and_kept(start: Starter, home: CodexHome, name):
    """(S7) What cannot be read is `unavailable` with health `corrupt`, byte for byte as it was."""
    before = home.write(CORRUPT[name])
    client = await start()

    status = await client.request("auth/status", {})

    assert (status["state"], status["store"]["health"]) == ("unavailable", "corrupt")
    assert status["cloud"]["available"] is False
    assert home.bytes() == before


async def test_a_corrupt_file_is_replaced_by_a_login(start: Starter, home: CodexHome):
    """A successful login replaces what cannot be read."""
    home.write(CORRUPT["cut short"])
    client = await start()

    result = await client.request("auth/login", {"method": "apiKey", "apiKey": KEY})

    assert selected(result["status"]) == STORED_KEY
    assert home.bytes() == codex_bytes(api_key_login(KEY))


@pytest.mark.parametrize(
    "login",
    [{}, {"auth_mode": "apikey", "OPENAI_API_KEY": None}, {"auth_mode": "headers"}],
    ids=["{}", "an API key login without a key", "headers of a host"],
)
async def test_a_file_with_no_credential_is_no_login(start: Starter, home: CodexHome, login):
    """Nobody is signed in with nothing; the file is kept."""
    before = home.write(login)
    client = await start()

    status = await client.request("auth/status", {})

    assert status["state"] in ("signedOut", "unavailable", "needsReauth")
    assert home.bytes() == before


# Variables


async def test_an_access_token_in_the_environment_wins_over_the_store(
    start: Starter, home: CodexHome, guard: SecretsGuard
):
    """`CODEX_ACCESS_TOKEN` is used and named; the stored login is listed as not in use."""
    guard.add("at-environment-token-of-the-test", ACCESS_TOKEN)
    before = home.write(api_key_login(KEY))
    client = await start(environment={"CODEX_ACCESS_TOKEN": "at-environment-token-of-the-test"})

    status = await client.request("auth/status", {})

    assert selected(status) == PERSONAL_ACCESS_TOKEN
    assert status["source"] == {"kind": "environment", "name": "CODEX_ACCESS_TOKEN"}
    assert [(entry["source"]["kind"], entry["method"]) for entry in status["shadowed"]] == [
        ("file", "apiKey")
    ]
    assert home.bytes() == before


async def test_an_api_key_in_the_environment_is_listed_and_not_used(
    start: Starter, guard: SecretsGuard
):
    """`CODEX_API_KEY` is never used by this server; `OPENAI_API_KEY` alone means nothing."""
    guard.add(example_key("codex-variable"), API_KEY)
    guard.add(example_key("openai-variable"), API_KEY)
    client = await start(
        environment={
            "CODEX_API_KEY": example_key("codex-variable"),
            "OPENAI_API_KEY": example_key("openai-variable"),
        }
    )

    status = await client.request("auth/status", {})

    assert selected(status) == SIGNED_OUT
    assert [entry["source"] for entry in status["shadowed"]] == [
        {"kind": "environment", "name": "CODEX_API_KEY"}
    ]


# Advice on a second factor

GOOGLE = "https://support.google.com/accounts/answer/185839"
MICROSOFT = (
    "https://support.microsoft.com/en-us/topic/"
    "what-is-multifactor-authentication-e5e39437-121c-be60-d123-eda06bddf661"
)
APPLE = "https://support.apple.com/en-us/102660"

MFA = [
    ({"auth_provider": "password"}, "required", None),
    ({"auth_provider": "auth0"}, "required", None),
    ({"auth_provider": "email-otp"}, "required", None),
    ({"auth_provider": "Username-Password"}, "required", None),
    ({"sub": "auth0|user-of-the-test"}, "required", None),
    ({"auth_provider": "google", "amr": ["pwd"]}, "required", None),
    ({"auth_provider": "password", "amr": ["pwd", "mfa"]}, "required", None),
    ({"auth_provider": "google-apps"}, "managedByOrganization", None),
    ({"auth_provider": "samlp"}, "managedByOrganization", None),
    ({"auth_provider": "okta"}, "managedByOrganization", None),
    ({"auth_provider": "waad"}, "managedByOrganization", None),
    ({"auth_provider": "adfs"}, "managedByOrganization", None),
    ({"auth_provider": "oidc"}, "managedByOrganization", None),
    ({"auth_provider": "sso"}, "managedByOrganization", None),
    ({"auth_provider": "workos"}, "managedByOrganization", None),
    ({"auth_provider": "google"}, "recommended", [GOOGLE]),
    ({"auth_provider": "google-oauth2"}, "recommended", [GOOGLE]),
    ({"auth_provider": "GOOGLE"}, "recommended", [GOOGLE]),
    ({"auth_provider": "microsoft"}, "recommended", [MICROSOFT]),
    ({"auth_provider": "windowslive"}, "recommended", [MICROSOFT]),
    ({"auth_provider": "live"}, "recommended", [MICROSOFT]),
    ({"auth_provider": "apple"}, "recommended", [APPLE]),
    ({"sub": "apple|user-of-the-test"}, "recommended", [APPLE]),
    ({"auth_provider": "google", "sub": "auth0|user"}, "recommended", [GOOGLE]),
    ({"auth_provider": "carrier-pigeon"}, "unknown", [APPLE, GOOGLE, MICROSOFT]),
    ({}, "unknown", [APPLE, GOOGLE, MICROSOFT]),
]


async def test_mfa_advice_follows_the_claims_of_the_id_token(start: Starter, home: CodexHome):
    """The table of `protocol.md`, row by row, each row read by the next `auth/status`."""
    client = await start()

    told = []
    for claims, _, expected_links in MFA:
        home.write(chatgpt_login(id_token=id_token(**claims)))
        mfa = (await client.request("auth/status", {}))["cloud"]["mfa"]
        links = sorted(link["url"] for link in mfa["links"]) if expected_links else None
        told.append((claims, mfa["requirement"], links))
        assert mfa["reason"] != ""

    assert told == MFA


async def test_a_second_factor_that_was_used_is_said(start: Starter, home: CodexHome):
    """`required` stays, and the reason differs once a second factor was used."""
    client = await start()
    reasons = []
    for methods in (["pwd"], ["pwd", "mfa"], ["pwd", "otp"]):
        home.write(chatgpt_login(id_token=id_token(auth_provider="password", amr=methods)))
        mfa = (await client.request("auth/status", {}))["cloud"]["mfa"]
        reasons.append((mfa["requirement"], mfa["reason"]))

    assert {requirement for requirement, _ in reasons} == {"required"}
    assert reasons[0] != reasons[1] == reasons[2]


# Promises about the request itself


async def test_status_sees_a_new_file_at_once(start: Starter, home: CodexHome):
    """Every answer tells the latest state of the cache, whoever changed it."""
    client = await start()
    told = []
    for login in (api_key_login(KEY), chatgpt_login(), None, CORRUPT["words"]):
        if login is None:
            home.auth_file.unlink()
        else:
            home.write(login)
        told.append((await client.request("auth/status", {}))["state"])

    assert told == ["signedIn", "signedIn", "signedOut", "unavailable"]


async def test_status_answers_while_the_issuer_hangs(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """It is local only: answered within 3 s while a refresh waits for the network."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("refresh", "hang", times=1)
    refresh = await client.start_request("auth/refresh", {"force": True})
    await sandbox.saw("refresh")

    status = await client.request("auth/status", {}, timeout=3)

    assert status["state"] == "signedIn"
    assert not refresh.answered
    await refresh.cancel()
    sandbox.release()


async def test_two_answers_with_nothing_between_are_equal(start: Starter, home: CodexHome):
    """Nothing changes by asking, the revision included."""
    home.write(chatgpt_login())
    client = await start()

    first = await client.request("auth/status", {})
    second = await client.request("auth/status", {})

    assert first == second


@pytest.mark.parametrize("left", [600, -60], ids=["valid", "ended"])
async def test_a_login_of_another_issuer_is_left_alone_and_said_to_be(
    start: Starter, sandbox: Sandbox, home: CodexHome, left
):
    """It is given to nobody, so its state is `needsReauth`; nothing is sent, and the file stays."""
    foreign = home.write(
        chatgpt_login(
            issuer="http://127.0.0.1:9",
            access_token=access_token(valid_for=left),
            refresh_token="refresh-token-of-another-issuer",
        )
    )
    client = await start(sandbox)

    status = await client.request("auth/status", {})
    error = await client.request_error("auth/refresh", {"force": True})

    assert (status["state"], status["freshness"]) == ("needsReauth", "stale")
    assert status["cloud"]["reason"] == status["lastError"]["kind"] == "needsReauth"
    assert status["provider"]["ready"] is False
    assert (
        f"made with http://127.0.0.1:9, and the issuer configured now is {sandbox.issuer}"
        in (status["lastError"]["message"])
    )
    assert error.summary == (-32803, "needsReauth")
    assert sandbox.requests("refresh") == []
    assert home.bytes() == foreign


@pytest.mark.parametrize(("left", "freshness"), [(600, "fresh"), (-60, "stale")])
async def test_a_login_of_openai_stays_one_where_another_issuer_is_configured(
    start: Starter, sandbox: Sandbox, home: CodexHome, left, freshness
):
    """OpenAI's models take it until it ends; nobody renews it, and the status says so."""
    home.write(chatgpt_login(access_token=access_token(valid_for=left)))
    client = await start(sandbox)

    status = await client.request("auth/status", {})

    assert (status["state"], status["freshness"]) == ("signedIn", freshness)
    assert status["lastError"]["kind"] == "needsReauth"
