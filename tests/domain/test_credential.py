"""Credentials as values: what they tell of themselves, and what they do not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from codex_auth_lsp.domain.account import Account
from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
    ForeignCredential,
)
from codex_auth_lsp.secret import Secret
from e2e.shapes import id_token, jwt

OPAQUE = Secret("opaque-token")


def chatgpt(*, id_text: str = "", access_token: str = "opaque-token") -> ChatGptCredential:
    return ChatGptCredential(Secret(id_text or id_token()), Secret(access_token), Secret("rt"))


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": 1_800_000_000}, datetime(2027, 1, 15, 8, tzinfo=UTC)),
        ({"exp": "soon"}, None),
        ({}, None),
    ],
)
def test_end_of_a_login_is_that_of_its_access_token(claims, expected):
    """The id token's own end does not matter."""
    id_text = id_token(exp=1)

    assert expected == chatgpt(id_text=id_text, access_token=jwt(claims)).expires_at


def test_opaque_access_token_has_no_known_end():
    """Nobody guesses when it ends."""
    assert chatgpt(access_token="opaque").expires_at is None


def test_account_is_that_of_the_id_token():
    """The id token says who; the stored id helps where it does not."""
    named = chatgpt().account
    unnamed = ChatGptCredential(OPAQUE, OPAQUE, OPAQUE, account_id="acct")

    assert (named.email, named.id, named.plan_type) == ("ada@example.com", "account-ada", "plus")
    assert (dict(unnamed.id_claims), unnamed.account) == ({}, Account("acct", "acct"))


@pytest.mark.parametrize(
    ("credential", "method"),
    [
        (chatgpt(), "chatgpt"),
        (ApiKeyCredential(Secret("sk-x")), "apiKey"),
        (AccessTokenCredential(Secret("at-x")), "accessToken"),
        (BedrockKeyCredential(Secret("x"), "eu-west-1"), "bedrockApiKey"),
        (ForeignCredential("agentIdentity"), "agentIdentity"),
    ],
)
def test_every_kind_names_its_method(credential, method):
    """`AuthStatus.method` comes from the credential itself."""
    assert credential.method == method


def test_credential_in_a_log_line_shows_no_secret():
    """A dataclass prints its fields, and every secret one prints stars."""
    secret = Secret("its-value")
    whole = ChatGptCredential(secret, secret, secret, api_key=secret)
    shown = repr([whole, ApiKeyCredential(secret), AccessTokenCredential(secret)])

    assert "value" not in shown
    assert shown.count("***") == 6
