"""What an issuer publishes of itself, and what of it counts."""

from __future__ import annotations

import json

import pytest

from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import IssuerResponseInvalid, IssuerUnavailable, RateLimited
from codex_auth_lsp.oauth.authorization import AuthorizationRequest, NotOurs, judge_redirect
from codex_auth_lsp.oauth.http import Reply
from codex_auth_lsp.oauth.metadata import (
    IssuerMetadata,
    judge_metadata,
    metadata_url,
    metadata_urls,
)
from codex_auth_lsp.oauth.signature import judge_keys

ISSUER = IssuerSettings("https://auth.example.com", "app_example")
KEYS = "https://auth.example.com/.well-known/jwks.json"


def answer(status: int = 200, **document: object) -> Reply:
    body = {"issuer": ISSUER.issuer, "jwks_uri": KEYS, **document}
    return Reply(status, {}, json.dumps(body).encode())


def test_document_stands_where_openid_connect_says():
    """OpenID Connect Discovery section 4."""
    assert metadata_url(ISSUER) == "https://auth.example.com/.well-known/openid-configuration"


def test_document_may_stand_where_rfc_8414_says():
    """Any issuer's but OpenAI's, also below a path of its own."""
    assert metadata_urls(IssuerSettings()) == (metadata_url(IssuerSettings()),)
    assert metadata_urls(IssuerSettings("https://login.example.com/tenant")) == (
        "https://login.example.com/tenant/.well-known/openid-configuration",
        "https://login.example.com/.well-known/oauth-authorization-server/tenant",
    )


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
        (Reply(200, {}, b'{"error": "not_found"}'), IssuerMetadata()),
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
        {"issuer": ""},
        {"issuer": [ISSUER.issuer]},
        {"issuer": "https://auth.example.com.evil.example"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
def test_p11_metadata_that_does_not_fit_is_refused(document):
    """It speaks for somebody else, or offers no protection that we know."""
    with pytest.raises(IssuerResponseInvalid) as caught:
        judge_metadata(answer(**document), ISSUER)

    assert caught.value.message == (
        "What https://auth.example.com publishes about itself is about another issuer, so nobody "
        "is signed in there; check the configured issuer."
        if "issuer" in document
        else "https://auth.example.com does not take the S256 challenge that protects a sign-in; "
        "sign in another way, or check the configured issuer."
    )


def test_p11_metadata_without_its_issuer_s_name_is_that_of_the_address():
    """It is known to be anonymous, and what it names is held to its origin like any other's."""
    named = {"token_endpoint": "https://auth.example.com/token", "jwks_uri": KEYS}
    elsewhere = {"token_endpoint": "https://evil.example/token"}

    found = judge_metadata(Reply(200, {}, json.dumps(named).encode()), ISSUER)

    assert found == IssuerMetadata(KEYS, token_endpoint=named["token_endpoint"], is_anonymous=True)
    with pytest.raises(IssuerResponseInvalid):
        judge_metadata(Reply(200, {}, json.dumps(elsewhere).encode()), ISSUER)


ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "device_authorization_endpoint",
)

ELSEWHERE = (
    "https://evil.example/token",
    "https://auth.example.com.evil.example/token",
    "https://auth.example.com@evil.example/token",
    "https://sub.auth.example.com/token",
    "https://auth.example.com:8443/token",
    "http://auth.example.com/token",
    "http://127.0.0.1/token",
    "//auth.example.com/token",
    "/token",
    "https://auth.example.com/token#there",
    "https://auth.example.com/to ken",
    "https://auth.example.com/token?a=\r\nb",
    "https://auth.example.com/token?a=](https://evil.example)",
    "https://auth.example.com/[Sign-in](https://evil.example/x)",
    "https://auth.example.com/\x9b31m",
    "https://auth.example.com/\u202elive",
    "",
    7,
    [],
)


@pytest.mark.parametrize("query", ["", "?policy=sign-in"])
def test_endpoints_count_on_the_issuer_s_own_origin(query):
    """Each by itself, with the query that RFC 6749 section 3 lets it have."""
    named = {name: f"https://AUTH.example.com/{name}{query}" for name in ENDPOINTS}
    metadata = judge_metadata(answer(**named), ISSUER)

    assert {name: getattr(metadata, name) for name in ENDPOINTS} == named


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("name", ENDPOINTS)
def test_p11_an_endpoint_anywhere_else_never_counts(name, url):
    """What a sign-in needs ends it and is named; a revocation has its fixed route."""
    if name == "revocation_endpoint":
        assert judge_metadata(answer(**{name: url}), ISSUER).revocation_endpoint is None
        return
    with pytest.raises(IssuerResponseInvalid) as caught:
        judge_metadata(answer(**{name: url}), ISSUER)

    assert caught.value.message == (
        f"https://auth.example.com names a `{name}` that is no plain address on its own site, so "
        "nobody is signed in there; check the configured issuer."
    )


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("url", ["https://auth.openai.com/other", "https://evil.example/"])
def test_openai_s_issuer_is_never_looked_up_for_endpoints(name, url):
    """Its routes are fixed, whatever the document says."""
    reply = answer(issuer="https://auth.openai.com", **{name: url})

    assert judge_metadata(reply, IssuerSettings()) == IssuerMetadata()


@pytest.mark.parametrize(("status", "expected"), [(503, IssuerUnavailable), (429, RateLimited)])
def test_a_document_that_cannot_be_had_now_is_told_from_one_that_is_not_there(status, expected):
    """An issuer that is down is not taken for one that speaks another dialect."""
    assert isinstance(judge_metadata(answer(status), ISSUER).trouble, expected)
    assert judge_metadata(answer(404), ISSUER).trouble is None


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_issuer_that_names_a_pause_is_left_alone_for_it(status):
    """The person is told when to try again."""
    reply = Reply(status, {"retry-after": "7"}, b"")

    trouble = judge_metadata(reply, ISSUER).trouble

    assert trouble is not None
    assert trouble.retry_after_seconds == 7
    if status != 429:
        assert trouble.message == (
            f"The issuer answered with HTTP {status}; try again in a few minutes."
        )


def test_openai_s_issuer_says_where_its_keys_are_and_what_a_redirect_holds():
    """All else of its document is left aside."""
    issuer = IssuerSettings()
    document = {
        "jwks_uri": f"{issuer.issuer}/.well-known/jwks.json",
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint": f"{issuer.issuer}/other",
    }

    found = judge_metadata(Reply(200, {}, json.dumps(document).encode()), issuer)

    assert found == IssuerMetadata(document["jwks_uri"], True, is_anonymous=True)


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

    assert judge_keys(Reply(200, {}, json.dumps({"keys": keys}).encode())) == [
        {"kty": "EC"},
        {"kty": "RSA"},
    ]


def test_keys_that_cannot_be_had_are_told_as_such():
    """The sign-in then waits for them: without a check it would be a guess."""
    with pytest.raises(IssuerUnavailable):
        judge_keys(Reply(503, {}, b""))
    with pytest.raises(IssuerResponseInvalid):
        judge_keys(Reply(200, {}, b"[]"))
