"""The authorization request as the strict issuer reads it."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from codex_auth_lsp.sandbox.authorization import (
    CODEX_CLIENT_ID,
    AuthorizationRequest,
    RedirectError,
    ShowError,
    judge_request,
)
from codex_auth_lsp.sandbox.fields import Fields

REDIRECT_URI = "http://127.0.0.1:1455/auth/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
GOOD = {
    "response_type": "code",
    "client_id": CODEX_CLIENT_ID,
    "redirect_uri": REDIRECT_URI,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "the-state",
    "scope": "openid email",
}


def judge(problem: str | None = None, **changes: str | None) -> object:
    parameters = {**GOOD, **changes}
    pairs = tuple((name, value) for name, value in parameters.items() if value is not None)
    return judge_request(Fields(pairs, problem=problem), frozenset({CODEX_CLIENT_ID}))


@pytest.mark.parametrize(
    "redirect_uri",
    [
        REDIRECT_URI,
        "http://127.0.0.1:1457/auth/callback",
        "http://localhost:1455/auth/callback",
        "http://127.0.0.1:65535/auth/callback",
    ],
)
def test_correct_request_is_taken_on_any_loopback_port(redirect_uri):
    """RFC 8252 section 7.3: the port is the client's to choose."""
    judged = judge(redirect_uri=redirect_uri, id_token_add_organizations="true")

    assert judged == AuthorizationRequest(
        CODEX_CLIENT_ID, redirect_uri, "the-state", "openid email", CHALLENGE, organizations=True
    )
    assert judged.redirect_origin == redirect_uri.removesuffix("/auth/callback")


@pytest.mark.parametrize(
    ("changes", "explanation"),
    [
        ({"client_id": None}, "The client_id is unknown."),
        ({"client_id": "app_other"}, "The client_id is unknown."),
        ({"redirect_uri": None}, "The redirect_uri is not registered."),
        ({"redirect_uri": "https://evil.example/auth/callback"}, "The redirect_uri is not"),
        ({"redirect_uri": "http://127.0.0.1/auth/callback"}, "The redirect_uri is not"),
        ({"redirect_uri": "http://127.0.0.1:0/auth/callback"}, "The redirect_uri is not"),
        ({"redirect_uri": "http://127.0.0.1:99999/auth/callback"}, "The redirect_uri is not"),
        ({"redirect_uri": "http://127.0.0.1:1455/auth/callback/"}, "The redirect_uri is not"),
        ({"redirect_uri": "http://127.0.0.1:1455/auth/callback?x"}, "The redirect_uri is not"),
        ({"redirect_uri": "http://127.0.0.1:1455/auth/callback\n"}, "The redirect_uri is not"),
        ({"redirect_uri": "http://127.0.0.1:1455@evil.example/auth/callback"}, "The redirect_uri"),
        ({"redirect_uri": "http://127.0.0.10:1455/auth/callback"}, "The redirect_uri is not"),
        ({"redirect_uri": "HTTP://127.0.0.1:1455/auth/callback"}, "The redirect_uri is not"),
        ({"problem": "A parameter stands twice."}, "A parameter stands twice."),
    ],
)
def test_request_of_an_unclear_sender_is_shown_and_never_redirected(changes, explanation):
    """RFC 6749 section 4.1.2.1: an open redirector helps nobody but thieves."""
    judged = judge(**changes)

    assert isinstance(judged, ShowError)
    assert judged.explanation.startswith(explanation)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"state": None}, "invalid_request"),
        ({"state": ""}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request"),
        ({"code_challenge": CHALLENGE[:-1] + "+"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "email openidx"}, "invalid_scope"),
    ],
)
def test_other_faults_go_back_to_the_client_with_its_state(changes, error):
    """The client is the one who can mend them."""
    judged = judge(**changes)
    assert isinstance(judged, RedirectError)
    query = dict(parse_qsl(urlsplit(judged.location).query))

    assert judged.location.startswith(f"{REDIRECT_URI}?")
    assert query["error"] == error
    assert query.get("state") == ("the-state" if changes.get("state", "x") else None)
