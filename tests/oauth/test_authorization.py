"""The authorization request, and the judge of what comes back from it."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.oauth.authorization import (
    AuthorizationCode,
    AuthorizationRefused,
    AuthorizationRequest,
    NotOurs,
    judge_redirect,
    loopback_redirect_uri,
    pasted_query,
)
from codex_auth_lsp.oauth.pkce import code_challenge
from codex_auth_lsp.secret import Secret

ISSUER = IssuerSettings("https://auth.example.com", "app_example")
REQUEST = AuthorizationRequest(
    ISSUER,
    loopback_redirect_uri(1455),
    code_verifier=Secret("v" * 86),
    expected_state=Secret("the-state"),
)


def test_url_has_the_parameters_of_the_codex_cli_in_its_order():
    """Byte for byte what the Codex CLI 0.169.0 opens, spaces as `+`."""
    assert REQUEST.url() == (
        "https://auth.example.com/oauth/authorize?response_type=code&client_id=app_example"
        "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2Fauth%2Fcallback"
        f"&code_challenge={code_challenge(REQUEST.code_verifier)}&code_challenge_method=S256"
        "&state=the-state&scope=openid+profile+email+offline_access+api.connectors.read"
        "+api.connectors.invoke&id_token_add_organizations=true&codex_cli_simplified_flow=true"
        "&originator=codex_cli_rs"
    )


def test_allowed_workspaces_come_last_joined_by_commas():
    """The issuer then offers no other."""
    url = AuthorizationRequest(ISSUER, "http://127.0.0.1:1/auth/callback", ("a", "b&c")).url()

    assert url.endswith("&originator=codex_cli_rs&allowed_workspace_id=a%2Cb%26c")


def test_every_request_has_secrets_of_its_own():
    """(P3) 256 bits of state and a verifier, both new each time; the verifier is not in the URL."""
    requests = [
        AuthorizationRequest(ISSUER, "http://127.0.0.1:1/auth/callback") for _ in range(10_000)
    ]
    states = [dict(parse_qsl(urlsplit(request.url()).query))["state"] for request in requests]

    assert len(requests) == len(set(states)) == len({r.code_verifier for r in requests})
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", state) for state in states)
    assert not any(r.code_verifier.reveal() in r.url() for r in requests)
    assert requests[0].expected_state.reveal() not in repr(requests[0])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=the-state&code=abc", AuthorizationCode(Secret("abc"))),
        ("code=abc&state=the-state&scope=openid", AuthorizationCode(Secret("abc"))),
        ("code=a%2Bb%20c+d&state=the-state", AuthorizationCode(Secret("a+b c d"))),
        ("code=abc&state=the-state&iss=https://auth.example.com", AuthorizationCode(Secret("abc"))),
        (
            "code=abc&state=the-state&iss=https://auth.example.com/",
            AuthorizationCode(Secret("abc")),
        ),
        ("code=abc&state=the%2Dstate", AuthorizationCode(Secret("abc"))),
        (
            "error=access_denied&state=the-state&error_description=No+Codex+here.",
            AuthorizationRefused("access_denied", "No Codex here."),
        ),
        ("error=server_error&state=the-state", AuthorizationRefused("server_error", "")),
        ("error=x&code=abc&state=the-state", AuthorizationRefused("x", "")),
        ("error=&code=abc&iss=&state=the-state", AuthorizationCode(Secret("abc"))),
        (
            "error=a%0d%0ab&error_description=%3Cb%3E%1b[2J%E2%80%AE&state=the-state",
            AuthorizationRefused("a  b", "<b>[2J"),
        ),
    ],
)
def test_answer_with_the_state_of_the_attempt_counts(query, expected):
    """An error counts as much as a code; its texts are made fit to show."""
    assert expected == judge_redirect(query, REQUEST)


REASONS = {
    "does not belong": "The address does not belong to the sign-in that is waiting.",
    "stands twice": "A parameter stands twice in the address.",
    "another issuer": "The address comes from another issuer.",
    "no authorization code": "The address holds no authorization code.",
    "cannot be read": "The address cannot be read.",
}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "does not belong"),
        ("code=abc", "does not belong"),
        ("code=abc&state=", "does not belong"),
        ("code=abc&state=other-state", "does not belong"),
        ("code=abc&state=the-state%00", "does not belong"),
        ("code=abc&state=THE-STATE", "does not belong"),
        ("code=abc&STATE=the-state", "does not belong"),
        ("error=access_denied", "does not belong"),
        ("error=access_denied&state=other-state", "does not belong"),
        ("code=abc&state=the-state&state=the-state", "stands twice"),
        ("code=abc&state=other&state=the-state", "stands twice"),
        ("code=abc&code=abc&state=the-state", "stands twice"),
        ("error=x&error=y&state=the-state", "stands twice"),
        ("code=abc&state=the-state&x=1&x=2", "stands twice"),
        ("code=abc&state=the-state&%63ode=d", "stands twice"),
        ("code=abc&state=the-state&code=", "stands twice"),
        ("code=abc&state=the-state&iss=https://evil.example", "another issuer"),
        ("error=&state=the-state", "no authorization code"),
        ("error=x&state=the-state&iss=https://evil.example", "another issuer"),
        ("state=the-state", "no authorization code"),
        ("code=&state=the-state", "no authorization code"),
        ("code=%ff&state=the-state", "cannot be read"),
        ("&".join(f"x{n}=1" for n in range(40)) + "&code=abc&state=the-state", "cannot be read"),
    ],
)
def test_anything_else_leaves_the_attempt_waiting(query, reason):
    """(P6) No code is taken and no error counts; what came is not repeated."""
    judged = judge_redirect(query, REQUEST)

    assert judged == NotOurs(REASONS[reason])


@given(st.text(max_size=400))
def test_no_query_without_the_state_is_ours(query):
    """Whatever a stranger sends, the attempt goes on."""
    assert isinstance(judge_redirect(query.replace("the-state", ""), REQUEST), NotOurs)


@given(st.text(min_size=1), st.text(), st.text())
def test_code_comes_out_as_the_issuer_sent_it(code, name, value):
    """Encoding does not change it, nor do unknown parameters."""
    fields = {f"x{name}": value, "code": code, "state": "the-state"}
    query = urlencode(fields, errors="surrogatepass", quote_via=quote)
    judged = judge_redirect(query, REQUEST)

    expected = code if _is_utf8(name + value + code) else None
    assert expected == (judged.code.reveal() if isinstance(judged, AuthorizationCode) else None)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


PASTED = "http://127.0.0.1:1455/auth/callback"


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        (f"{PASTED}?code=a&state=b", "code=a&state=b"),
        (f" \n{PASTED}?code=a&state=b\t", "code=a&state=b"),
        (f"{PASTED}?code=a&state=b#", "code=a&state=b"),
        (f"{PASTED}?code=a#state=b", "code=a"),
        (f"{PASTED}?code=a#state=b#c", "code=a"),
        (f"{PASTED}?code=a?b&state=c", "code=a?b&state=c"),
        (f"{PASTED}?", ""),
        (PASTED, ""),
        ("", None),
        ("code=a&state=b", None),
        ("?code=a&state=b", None),
        (f"{PASTED}/?code=a", None),
        (f"{PASTED}2?code=a", None),
        ("http://127.0.0.1:1457/auth/callback?code=a", None),
        ("http://localhost:1455/auth/callback?code=a", None),
        ("https://127.0.0.1:1455/auth/callback?code=a", None),
        ("http://127.0.0.1:1455/AUTH/callback?code=a", None),
        (f"#{PASTED}?code=a", None),
    ],
)
def test_query_is_taken_of_an_address_that_is_the_redirect_uri_alone(pasted, expected):
    """What surrounds it and a fragment are of no account; nothing else may differ."""
    assert pasted_query(Secret(pasted), PASTED) == expected
