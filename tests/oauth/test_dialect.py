"""Which body an issuer wants, and what an answer says about that."""

from __future__ import annotations

import json

import pytest

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.oauth.authorization import AuthorizationRequest
from codex_auth_lsp.oauth.dialect import (
    Dialect,
    dialect_of,
    form_endpoints,
    is_no_route,
    is_not_understood,
)
from codex_auth_lsp.oauth.http import Reply
from codex_auth_lsp.oauth.metadata import IssuerMetadata
from codex_auth_lsp.oauth.revocation import revocation_fields
from codex_auth_lsp.oauth.token import refresh_fields
from codex_auth_lsp.secret import Secret

URL = "https://auth.example.com"
ISSUER = IssuerSettings(URL, "app_example")


def login(
    issuer: str | None, token_endpoint: str | None = None, **tokens: str
) -> ChatGptCredential:
    return ChatGptCredential(
        Secret("id"),
        Secret("at"),
        Secret(tokens.get("refresh_token", "rt")),
        issuer=issuer,
        token_endpoint=token_endpoint,
    )


def reply(status: int, body: object = None) -> Reply:
    return Reply(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (login(None), Dialect.CODEX),
        (login(OPENAI_ISSUER), Dialect.CODEX),
        (login(f"{OPENAI_ISSUER}/"), Dialect.CODEX),
        (login(OPENAI_ISSUER, f"{OPENAI_ISSUER}/token"), Dialect.CODEX),
        (login(URL), Dialect.UNTOLD),
        (login(URL, f"{URL}/token"), Dialect.FORMS),
        (login(URL, f"{URL}/oauth/token"), Dialect.FORMS),
    ],
)
def test_dialect_follows_from_the_issuer_s_name_and_what_is_kept(credential, expected):
    """OpenAI's issuer is known by name; any other by its recorded endpoint."""
    assert dialect_of(credential) is expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        (IssuerMetadata(), (None, None)),
        (IssuerMetadata(revocation_endpoint=f"{URL}/revoke"), (None, None)),
        (
            IssuerMetadata(
                token_endpoint=f"{URL}/oauth/token", revocation_endpoint=f"{URL}/revoke"
            ),
            (None, None),
        ),
        (IssuerMetadata(token_endpoint=f"{URL}/token"), (f"{URL}/token", None)),
        (
            IssuerMetadata(token_endpoint=f"{URL}/token", revocation_endpoint=f"{URL}/revoke"),
            (f"{URL}/token", f"{URL}/revoke"),
        ),
    ],
)
def test_an_issuer_with_a_token_endpoint_of_its_own_wants_forms(metadata, expected):
    """One on OpenAI's route may be the sandbox, or speak as OpenAI's does."""
    assert form_endpoints(metadata, ISSUER) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(415), True),
        (reply(415, {"error": "invalid_grant"}), True),
        (reply(400, {"error": "invalid_request"}), True),
        (reply(400, {"error": "unsupported_grant_type"}), True),
        (reply(400, {"error": {"code": "invalid_request"}}), True),
        (reply(400, {"error": "invalid_grant"}), False),
        (reply(400, {"error": "invalid_client"}), False),
        (reply(400, {"error": {"code": "refresh_token_reused"}}), False),
        (reply(400), False),
        (reply(401, {"error": "invalid_request"}), False),
        (reply(403, {"error": "invalid_request"}), False),
        (reply(404), False),
        (reply(429, {"error": "invalid_request"}), False),
        (reply(500, {"error": "invalid_request"}), False),
        (reply(200, {"error": "invalid_request"}), False),
    ],
)
def test_only_a_body_that_was_not_understood_may_be_sent_otherwise(answer, expected):
    """A verdict on the token, on the client or none at all is never taken for that."""
    assert is_not_understood(answer) is expected


@pytest.mark.parametrize(
    ("status", "expected"), [(404, True), (405, True), (400, False), (415, False), (503, False)]
)
def test_a_route_that_is_not_there_is_known_as_such(status, expected):
    """Then the metadata says where it is."""
    assert is_no_route(reply(status)) is expected


def test_a_form_for_a_refresh_is_that_of_rfc_6749():
    """Section 6, and the public client's name (section 3.2.1); nothing of Codex's."""
    assert refresh_fields("app_example", Secret("rt")) == [
        ("grant_type", "refresh_token"),
        ("refresh_token", "rt"),
        ("client_id", "app_example"),
    ]


@pytest.mark.parametrize(
    ("refresh_token", "expected"),
    [
        ("rt", [("token", "rt"), ("token_type_hint", "refresh_token")]),
        ("", [("token", "at"), ("token_type_hint", "access_token")]),
    ],
)
def test_a_form_for_a_revocation_is_that_of_rfc_7009(refresh_token, expected):
    """The client names itself beside either token."""
    fields = revocation_fields(login(URL, refresh_token=refresh_token), "app_example")

    assert fields == [*expected, ("client_id", "app_example")]


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (None, f"{URL}/oauth/authorize?response_type=code&client_id=app_example&"),
        (f"{URL}/auth", f"{URL}/auth?response_type=code&client_id=app_example&"),
        (f"{URL}/auth?policy=a", f"{URL}/auth?policy=a&response_type=code&client_id=app_example&"),
    ],
)
def test_the_page_is_where_the_issuer_says_with_codex_s_parameters(endpoint, expected):
    """RFC 6749 section 3.1: a query of the endpoint's own is kept."""
    request = AuthorizationRequest(ISSUER, "http://127.0.0.1:1455/auth/callback", endpoint=endpoint)

    assert request.url().startswith(expected)
