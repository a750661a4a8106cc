"""What goes on a request to OpenAI, for each kind of credential."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from codex_auth_lsp.config.settings import Settings
from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
    ForeignCredential,
)
from codex_auth_lsp.providers.openai import models_url, openai_request_credential
from codex_auth_lsp.secret import Secret
from e2e.shapes import AUTH_CLAIM, id_token, jwt

CHATGPT = "https://chatgpt.com/backend-api/codex"
API = "https://api.openai.com/v1"
BACKEND = Settings(chatgpt_base_url="https://backend.example/api")
OWN = Settings(openai_base_url="https://proxy.example/v1")

KEY = ApiKeyCredential(Secret("sk-1"))
ACCESS_TOKEN = AccessTokenCredential(Secret("at-x"))


def login(**id_claims: object) -> ChatGptCredential:
    return ChatGptCredential(Secret(id_token(**id_claims)), Secret("at-1"), Secret("rt-1"))


def headers(credential: object, settings: Settings | None = None) -> dict[str, str]:
    found = openai_request_credential(credential, settings or Settings())
    return {name: value.reveal() for name, value in found.headers.items()}


@pytest.mark.parametrize(
    ("credential", "settings", "expected"),
    [
        (KEY, Settings(), API),
        (KEY, BACKEND, API),
        (login(), Settings(), CHATGPT),
        (login(), BACKEND, "https://backend.example/api/codex"),
        (ACCESS_TOKEN, Settings(), CHATGPT),
        (ACCESS_TOKEN, BACKEND, "https://backend.example/api/codex"),
    ],
)
def test_origin_follows_the_kind_of_credential(credential, settings, expected):
    """Subscriptions and API keys go to different hosts, unless the configuration names one."""
    found = openai_request_credential(credential, settings)

    assert (found.provider_id, found.base_url) == ("openai", expected)


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (KEY, {"Authorization": "Bearer sk-1"}),
        (ACCESS_TOKEN, {"Authorization": "Bearer at-x"}),
        (login(), {"Authorization": "Bearer at-1", "chatgpt-account-id": "account-ada"}),
        (login(account_id=None), {"Authorization": "Bearer at-1"}),
        (
            login(**{AUTH_CLAIM: {"chatgpt_account_is_fedramp": True}}),
            {"Authorization": "Bearer at-1", "x-openai-fedramp": "true"},
        ),
        (
            login(**{AUTH_CLAIM: {"chatgpt_account_is_fedramp": "yes"}}),
            {"Authorization": "Bearer at-1"},
        ),
    ],
)
def test_headers_are_those_of_the_codex_cli(credential, expected):
    """A refresh token is never among them."""
    assert headers(credential) == expected


def test_login_that_keeps_an_api_key_beside_its_tokens_uses_the_tokens():
    """What was signed in to is a subscription."""
    credential = replace(login(), api_key=Secret("sk-1"))

    assert headers(credential)["Authorization"] == "Bearer at-1"


def test_end_is_that_of_the_access_token():
    """A key has none."""
    access_token = Secret(jwt({"exp": 1_800_000_000}))
    credential = ChatGptCredential(Secret(id_token()), access_token, Secret("rt"))
    found = openai_request_credential(credential, Settings())

    assert found.expires_at == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert openai_request_credential(KEY, Settings()).expires_at is None


@pytest.mark.parametrize(
    "credential",
    [
        BedrockKeyCredential(Secret("bedrock-key"), "eu-west-1"),
        ForeignCredential("bedrockAccessKeys"),
        ForeignCredential("agentIdentity"),
    ],
    ids=lambda credential: credential.method,
)
def test_foreign_credential_gives_no_headers(credential):
    """OpenAI's endpoints would not take it, and a missing credential is never empty headers."""
    assert openai_request_credential(credential, Settings()) is None


def test_request_credential_shows_no_secret_and_has_a_fingerprint():
    """It tells two apart by host and by value, in a log line too."""
    found = [
        openai_request_credential(credential, settings)
        for credential, settings in (
            (KEY, Settings()),
            (ACCESS_TOKEN, Settings()),
            (ACCESS_TOKEN, BACKEND),
        )
    ]

    assert len({one.fingerprint() for one in found}) == 3
    assert found[0].fingerprint() == openai_request_credential(KEY, Settings()).fingerprint()
    assert not any(secret in repr(found) for secret in ("sk-1", "at-x"))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [(Settings(), f"{API}/models"), (OWN, "https://proxy.example/v1/models")],
)
def test_key_is_tried_out_where_it_will_be_used(settings, expected):
    """At the list of models, which costs nothing."""
    assert models_url(settings) == expected


@pytest.mark.parametrize("text", ["key\r\nX-Other: 1", "key\x00", "k\u00e9y", ""])
def test_token_that_would_break_a_header_is_not_given_out(text):
    """Whatever wrote it: a credential never adds a header of its own."""
    token = Secret(text)

    assert openai_request_credential(ApiKeyCredential(token), Settings()) is None
    assert openai_request_credential(AccessTokenCredential(token), Settings()) is None
