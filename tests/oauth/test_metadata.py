"""What an issuer publishes of itself, and what of it counts."""

from __future__ import annotations

import json

import pytest

from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import IssuerResponseInvalid, IssuerUnavailable
from codex_auth_lsp.oauth.authorization import AuthorizationRequest, NotOurs, judge_redirect
from codex_auth_lsp.oauth.http import Reply
from codex_auth_lsp.oauth.metadata import IssuerMetadata, judge_metadata, metadata_url
from codex_auth_lsp.oauth.signature import judge_keys

ISSUER = IssuerSettings("https://auth.example.com", "app_example")
KEYS = "https://auth.example.com/.well-known/jwks.json"


def answer(status: int = 200, **document: object) -> Reply:
    body = {"issuer": ISSUER.issuer, "jwks_uri": KEYS, **document}
    return Reply(status, {}, json.dumps(body).encode())


def test_document_stands_where_openid_connect_says():
    """OpenID Connect Discovery section 4."""
    assert metadata_url(ISSUER) == "https://auth.example.com/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (answer(), IssuerMetadata(KEYS)),
        (answer(issuer="https://auth.example.com/"), IssuerMetadata(KEYS)),
        (answer(jwks_uri="https://keys.example.com/jwks.json"), IssuerMetadata()),
        (answer(jwks_uri="http://auth.example.com/jwks.json"), IssuerMetadata()),
        (answer(jwks_uri=7), IssuerMetadata()),
        (answer(authorization_response_iss_parameter_supported=True), IssuerMetadata(KEYS, True)),
        (answer(authorization_response_iss_parameter_supported="yes"), IssuerMetadata(KEYS)),
        (answer(code_challenge_methods_supported=["plain", "S256"]), IssuerMetadata(KEYS)),
        (answer(403), IssuerMetadata()),
        (answer(503), IssuerMetadata()),
        (Reply(200, {}, b"<!doctype html>"), IssuerMetadata()),
        (Reply(200, {}, b"[]"), IssuerMetadata()),
    ],
)
def test_metadata_says_what_is_used_of_it(reply, expected):
    """Keys count from the issuer's own origin alone; what is no document says nothing."""
    assert expected == judge_metadata(reply, ISSUER)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://issuer.example"},
        {"issuer": None},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_metadata_that_does_not_fit_is_refused(document):
    """It speaks for somebody else, or offers no protection that we know."""
    with pytest.raises(IssuerResponseInvalid):
        judge_metadata(answer(**document), ISSUER)


@pytest.mark.parametrize(
    ("query", "accepted"),
    [("", False), ("&iss=https%3A%2F%2Fauth.example.com", True), ("&iss=https%3A%2F%2Fb", False)],
)
def test_redirect_without_the_issuer_s_name_is_not_of_one_that_names_itself(query, accepted):
    """(P10) RFC 9207 section 2.4: a redirect without the promised `iss` is not answered."""
    request = AuthorizationRequest(
        ISSUER, "http://127.0.0.1:1455/auth/callback", issuer_names_itself=True
    )
    found = judge_redirect(f"code=c&state={request.expected_state.reveal()}{query}", request)

    assert accepted is not isinstance(found, NotOurs)


def test_keys_for_encryption_are_not_for_signatures():
    """RFC 7517 section 4.2; a key that does not say what it is for may sign."""
    keys = [{"kty": "EC", "use": "enc"}, {"kty": "EC", "use": "sig"}, {"kty": "RSA"}, "no key"]

    assert judge_keys(Reply(200, {}, json.dumps({"keys": keys}).encode())) == keys[1:3]


def test_keys_that_cannot_be_had_are_told_as_such():
    """The sign-in then waits for them: without a check it would be a guess."""
    with pytest.raises(IssuerUnavailable):
        judge_keys(Reply(503, {}, b""))
    with pytest.raises(IssuerResponseInvalid):
        judge_keys(Reply(200, {}, b"[]"))
