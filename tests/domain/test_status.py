"""The status that facts amount to, for every combination of them."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
    Credential,
    ForeignCredential,
)
from codex_auth_lsp.domain.pending_login import PendingLogin
from codex_auth_lsp.domain.provider import ProviderAuth
from codex_auth_lsp.domain.status import Environment, StatusFacts, derive_status
from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import NetworkUnreachable
from codex_auth_lsp.secret import Secret
from e2e.shapes import id_token, jwt

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
PATH = "/home/ada/.codex/auth.json"
FILE = CredentialSource("file", PATH)

OPENAI = ProviderAuth("openai", "OpenAI", "openai", requires_openai_auth=True)
KEYED = ProviderAuth("lab", "Lab", "environmentKey", False, environment_key="LAB_KEY")
PROVIDERS = {
    "openai": OPENAI,
    "own key": replace(KEYED, environment_key_present=True),
    "own key, not set": replace(
        KEYED, problems=("The environment variable LAB_KEY is not set.",), usable=False
    ),
    "local": ProviderAuth("ollama", "Ollama", "none", False),
    "undefined": ProviderAuth(
        "x", "x", "none", False, problems=("`x` is not defined.",), usable=False
    ),
}


def tokens(access_token: str, **id_claims: object) -> ChatGptCredential:
    return ChatGptCredential(
        id_token=Secret(id_token(**id_claims)),
        access_token=Secret(access_token),
        refresh_token=Secret("refresh-secret"),
        last_refresh=NOW - timedelta(days=1),
        api_key=Secret("sk-secret"),
    )


def ending(offset: timedelta) -> str:
    return jwt({"exp": int((NOW + offset).timestamp())})


FRESH = tokens(ending(timedelta(seconds=1)), auth_provider="google")
EXPIRED = tokens(ending(timedelta(0)))
OPAQUE = tokens("access-secret")
API_KEY = ApiKeyCredential(Secret("sk-secret"))
ACCESS_TOKEN = AccessTokenCredential(Secret("at-secret"))
STORED: dict[str, Credential | None] = {
    "nothing": None,
    "fresh": FRESH,
    "expired": EXPIRED,
    "opaque": OPAQUE,
    "api key": API_KEY,
    "access token": ACCESS_TOKEN,
    "bedrock key": BedrockKeyCredential(Secret("bedrock-key"), "eu-west-1"),
    "bedrock keys": ForeignCredential("bedrockAccessKeys"),
    "agent": ForeignCredential("agentIdentity"),
}
READABLE = ("ok", "readOnly")
UNREADABLE = ("locked", "unavailable", "corrupt")


def facts(**changes: object) -> StatusFacts:
    """Return the facts of an empty store and the built-in provider, with changes."""
    health = str(changes.pop("health", "ok"))
    environment = Environment(
        ACCESS_TOKEN if changes.pop("token_set", False) else None,
        api_key_present=bool(changes.pop("key_set", False)),
    )
    empty = StatusFacts(
        now=NOW,
        store=StoreReport("file", "file", health, PATH),
        source=FILE,
        stored=None,
        provider=OPENAI,
        environment=environment,
    )
    return replace(empty, **changes)


EVERYTHING = [
    facts(
        provider=provider,
        token_set=token_set,
        key_set=key_set,
        health=health,
        stored=stored,
        refused=refused,
        refresh_failed=refresh_failed,
    )
    for provider, token_set, key_set, (health, stored), refused, refresh_failed in (
        itertools.product(
            PROVIDERS.values(),
            (False, True),
            (False, True),
            [
                *itertools.product(READABLE, STORED.values()),
                *((health, None) for health in UNREADABLE),
            ],
            (False, True),
            (False, True),
        )
    )
]


@pytest.mark.parametrize(
    ("given", "state", "method", "billing"),
    [
        ({}, "signedOut", None, "none"),
        ({"stored": FRESH}, "signedIn", "chatgpt", "subscription"),
        ({"stored": FRESH, "health": "readOnly"}, "signedIn", "chatgpt", "subscription"),
        ({"stored": EXPIRED}, "signedIn", "chatgpt", "subscription"),
        ({"stored": EXPIRED, "refresh_failed": True}, "signedIn", "chatgpt", "subscription"),
        ({"stored": FRESH, "refused": True}, "needsReauth", "chatgpt", "subscription"),
        ({"stored": API_KEY}, "signedIn", "apiKey", "usage"),
        ({"stored": ACCESS_TOKEN}, "signedIn", "accessToken", "subscription"),
        ({"stored": STORED["bedrock key"]}, "signedIn", "bedrockApiKey", "provider"),
        ({"stored": STORED["bedrock keys"]}, "signedIn", "bedrockAccessKeys", "provider"),
        ({"stored": STORED["agent"]}, "signedIn", "agentIdentity", "subscription"),
        ({"health": "locked"}, "unavailable", None, "none"),
        ({"health": "unavailable"}, "unavailable", None, "none"),
        ({"health": "corrupt"}, "unavailable", None, "none"),
        ({"token_set": True}, "signedIn", "accessToken", "subscription"),
        ({"token_set": True, "health": "corrupt"}, "signedIn", "accessToken", "subscription"),
        ({"token_set": True, "stored": API_KEY}, "signedIn", "accessToken", "subscription"),
        ({"key_set": True}, "signedOut", None, "none"),
        ({"key_set": True, "stored": FRESH}, "signedIn", "chatgpt", "subscription"),
    ],
)
def test_state_method_and_billing_with_openai_sign_in(given, state, method, billing):
    """What is stored decides, unless the environment's access token does."""
    status = derive_status(facts(**given))

    assert (state, method, billing) == (status.state, status.method, status.billing)


@pytest.mark.parametrize("name", [name for name in PROVIDERS if name != "openai"])
@pytest.mark.parametrize(
    "given", [{}, {"stored": FRESH}, {"token_set": True}, {"health": "locked"}]
)
def test_provider_of_its_own_needs_no_sign_in_whatever_is_stored(name, given):
    """Neither the store nor its troubles matter to it."""
    status = derive_status(facts(provider=PROVIDERS[name], **given))
    method = "environmentKey" if name.startswith("own key") else None

    assert (status.state, status.method) == ("notRequired", method)
    assert (status.billing, status.account) == ("provider", None)


@pytest.mark.parametrize(
    ("name", "source", "ready"),
    [
        ("own key", CredentialSource("environment", "LAB_KEY"), True),
        ("own key, not set", None, False),
        ("local", None, True),
        ("undefined", None, False),
    ],
)
def test_provider_is_ready_when_a_request_could_be_made_now(name, source, ready):
    """A variable that is not set, or a provider that nobody defined, is told before it fails."""
    status = derive_status(facts(provider=PROVIDERS[name]))

    assert (source, ready) == (status.source, status.provider_ready)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stored": FRESH}, True),
        ({"stored": API_KEY}, True),
        ({"token_set": True}, True),
        ({"stored": FRESH, "refused": True}, False),
        ({}, False),
        ({"health": "corrupt"}, False),
    ],
)
def test_openai_is_ready_when_somebody_is_signed_in(given, expected):
    """A dead login is as good as none."""
    assert derive_status(facts(**given)).provider_ready is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stored": FRESH}, "fresh"),
        ({"stored": EXPIRED}, "stale"),
        ({"stored": OPAQUE}, "unknown"),
        ({"stored": FRESH, "refresh_failed": True}, "stale"),
        ({"stored": OPAQUE, "refresh_failed": True}, "stale"),
        ({"stored": FRESH, "refused": True}, "stale"),
        ({"stored": API_KEY}, "unknown"),
        ({"stored": ACCESS_TOKEN}, "unknown"),
        ({"stored": FRESH, "token_set": True}, "unknown"),
        ({"stored": FRESH, "provider": PROVIDERS["local"]}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_freshness_tells_of_the_tokens_in_use(given, expected):
    """The moment of the end is too late already; a static key has no end."""
    assert derive_status(facts(**given)).freshness == expected


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stored": FRESH}, None),
        ({"stored": EXPIRED, "refresh_failed": True}, None),
        ({"stored": FRESH, "token_set": True}, None),
        ({"stored": FRESH, "refused": True}, "needsReauth"),
        ({"stored": API_KEY}, "chatgptRequired"),
        ({"stored": ACCESS_TOKEN}, "chatgptRequired"),
        ({"token_set": True}, "chatgptRequired"),
        ({"token_set": True, "stored": API_KEY}, "chatgptRequired"),
        ({}, "signedOut"),
        ({"key_set": True}, "signedOut"),
        ({"health": "corrupt"}, "signedOut"),
    ],
)
def test_cloud_needs_a_live_chatgpt_login_whatever_the_provider(given, expected, provider):
    """Codex cloud asks for a sign-in with ChatGPT and for nothing else."""
    cloud = derive_status(facts(**given, provider=provider)).cloud

    assert (cloud["available"], cloud.get("reason")) == (expected is None, expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"stored": FRESH}, "recommended"),
        ({"stored": FRESH, "refused": True}, "recommended"),
        ({"stored": tokens("x", auth_provider="password")}, "required"),
        ({"stored": API_KEY}, "unknown"),
        ({"token_set": True}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_mfa_advice_is_always_there_and_follows_the_id_token(given, expected):
    """Without a ChatGPT login it is `unknown`."""
    assert derive_status(facts(**given)).cloud["mfa"]["requirement"] == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"stored": FRESH}, []),
        ({"token_set": True}, []),
        ({"token_set": True, "stored": FRESH}, [("file", PATH, "chatgpt", "wins over")]),
        ({"token_set": True, "stored": API_KEY}, [("file", PATH, "apiKey", "wins over")]),
        ({"key_set": True}, [("environment", "CODEX_API_KEY", "apiKey", "codex exec")]),
        (
            {"key_set": True, "token_set": True, "stored": FRESH},
            [
                ("file", PATH, "chatgpt", "wins over"),
                ("environment", "CODEX_API_KEY", "apiKey", "codex exec"),
            ],
        ),
        (
            {"provider": PROVIDERS["local"], "stored": API_KEY, "token_set": True},
            [
                ("environment", "CODEX_ACCESS_TOKEN", "accessToken", "does not use OpenAI"),
                ("file", PATH, "apiKey", "does not use OpenAI"),
            ],
        ),
        ({"provider": PROVIDERS["own key"]}, []),
    ],
)
def test_credentials_that_are_not_in_use_are_shadowed(given, expected):
    """Each is named with the reason why, and never by its value."""
    shadowed = derive_status(facts(**given)).shadowed
    found = [(e["source"]["kind"], e["source"]["name"], e["method"], e["reason"]) for e in shadowed]

    assert [entry[:3] for entry in expected] == [entry[:3] for entry in found]
    for (*_, words), (*_, reason) in zip(expected, found, strict=True):
        assert words in reason


@pytest.mark.parametrize(
    ("given", "account", "expected"),
    [
        ({"stored": FRESH}, "ada@example.com", "account-ada"),
        ({"stored": tokens("x", account_id=None)}, "ada@example.com", "chatgpt"),
        ({"stored": API_KEY}, "API key", "apiKey"),
        ({"stored": ACCESS_TOKEN}, "Personal access token", "accessToken"),
        (
            {"token_set": True, "stored": FRESH},
            "Personal access token (not checked)",
            "accessToken",
        ),
        ({"stored": STORED["bedrock key"]}, "Amazon Bedrock API key", "bedrockApiKey"),
        ({"stored": STORED["bedrock keys"]}, "Amazon Bedrock access keys", "bedrockAccessKeys"),
        ({"stored": STORED["agent"]}, "Codex agent", "agentIdentity"),
        ({}, None, None),
        ({"provider": PROVIDERS["own key"]}, None, "environmentKey"),
    ],
)
def test_account_is_named_and_identity_is_its_id_or_the_method(given, account, expected):
    """A change of identity is what `accountChanged` tells."""
    status = derive_status(facts(**given))

    assert account == (status.account.label if status.account else None)
    assert status.identity == expected


def test_source_is_where_the_credential_in_use_comes_from():
    """The file, or the variable that wins over it."""
    assert derive_status(facts(stored=FRESH)).source == FILE
    assert derive_status(facts()).source is None
    in_use = derive_status(facts(stored=FRESH, token_set=True)).source
    assert in_use == CredentialSource("environment", "CODEX_ACCESS_TOKEN")


def test_times_are_those_of_the_tokens_in_use():
    """A key has neither an end nor a refresh."""
    signed_in = derive_status(facts(stored=FRESH))

    assert (FRESH.expires_at, FRESH.last_refresh) == (
        signed_in.expires_at,
        signed_in.last_refresh_at,
    )
    for given in ({"stored": API_KEY}, {"stored": FRESH, "token_set": True}, {}):
        status = derive_status(facts(**given))
        assert (status.expires_at, status.last_refresh_at) == (None, None)


def test_every_combination_has_a_status_that_keeps_the_rules():
    """The function is total, and its parts never contradict each other."""
    assert len(EVERYTHING) > 1500
    for given in EVERYTHING:
        status = derive_status(given)
        signed_in = status.state in {"signedIn", "needsReauth"}
        required = given.provider.requires_openai_auth

        assert (status.state == "notRequired") is not required, given
        assert (status.account is not None) is signed_in, given
        assert signed_in <= (status.method is not None and status.source is not None), given
        assert status.freshness in ({"fresh", "stale", "unknown"} if signed_in else {"unknown"})
        assert (
            status.billing
            in {
                "signedIn": {"subscription", "usage", "provider"},
                "needsReauth": {"subscription", "usage", "provider"},
                "notRequired": {"provider"},
                "signedOut": {"none"},
                "unavailable": {"none"},
            }[status.state]
        ), given
        assert ("reason" in status.cloud) is not status.cloud["available"], given
        assert status.store is given.store


def test_every_status_on_the_wire_is_json_without_nulls_and_secrets():
    """Nothing that a store holds can be read from what a client is told."""
    for given in EVERYTHING:
        text = json.dumps(derive_status(given).to_wire())

        assert "null" not in text
        assert "secret" not in text


def test_status_on_the_wire_has_every_field_that_has_a_value():
    """Names and forms are those of `AuthStatus`."""
    pending = PendingLogin("a-1", "browser", NOW, NOW + timedelta(minutes=10))
    given = facts(
        stored=FRESH, key_set=True, last_error=NetworkUnreachable(), pending_login=pending
    )
    wire = derive_status(given).to_wire()

    assert set(wire) == {
        "state",
        "method",
        "account",
        "billing",
        "cloud",
        "store",
        "source",
        "shadowed",
        "expiresAt",
        "lastRefreshAt",
        "freshness",
        "lastError",
        "provider",
        "pendingLogin",
    }
    assert wire["expiresAt"] == "2026-11-23T10:00:01Z"
    assert wire["lastRefreshAt"] == "2026-11-22T10:00:00Z"
    assert wire["source"] == {"kind": "file", "name": PATH}
    assert wire["lastError"]["kind"] == "networkUnreachable"
    assert wire["pendingLogin"] == {
        "attemptId": "a-1",
        "method": "browser",
        "startedAt": "2026-11-23T10:00:00Z",
        "expiresAt": "2026-11-23T10:10:00Z",
    }
    assert wire["store"] == {
        "mode": "file",
        "backend": "file",
        "path": PATH,
        "encrypted": False,
        "health": "ok",
    }
    assert wire["provider"] == {
        "id": "openai",
        "authKind": "openai",
        "requiresOpenaiAuth": True,
        "ready": True,
        "problems": [],
    }


def test_store_report_tells_the_detail_of_ill_health():
    """A path and a detail are there when they are known."""
    report = StoreReport("keyring", "none", "locked", detail="The keyring is locked.")

    assert report.to_wire() == {
        "mode": "keyring",
        "backend": "none",
        "encrypted": False,
        "health": "locked",
        "detail": "The keyring is locked.",
    }
    assert CredentialSource("memory").to_wire() == {"kind": "memory"}
