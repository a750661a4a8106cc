"""The token endpoint: bodies as the Codex CLI sends them, and judges of every answer."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import (
    AuthError,
    IssuerResponseInvalid,
    IssuerUnavailable,
    NeedsReauth,
    RateLimited,
    RefreshTokenExpired,
    RefreshTokenReused,
    RefreshTokenRevoked,
    TokenExchangeFailed,
)
from codex_auth_lsp.oauth.authorization import AuthorizationRequest
from codex_auth_lsp.oauth.endpoints import (
    authorization_endpoint,
    revocation_endpoint,
    token_endpoint,
)
from codex_auth_lsp.oauth.http import Reply
from codex_auth_lsp.oauth.revocation import revocation_payload
from codex_auth_lsp.oauth.token import (
    NewTokens,
    RenewedTokens,
    answered_at,
    api_key_exchange_fields,
    code_exchange_fields,
    error_code,
    judge_api_key_exchange,
    judge_code_exchange,
    judge_refresh,
    oauth_error,
    refresh_payload,
    retry_after_seconds,
    rotated_token,
)
from codex_auth_lsp.secret import Secret
from e2e.shapes import id_token

ID_TOKEN = id_token()
TOKENS = {"id_token": ID_TOKEN, "access_token": "at-1", "refresh_token": "rt-1"}
HTML = b"<!doctype html><title>Bad gateway</title>"


def reply(status: int, body: object = b"", **headers: str) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def without(name: str, **changes: object) -> dict[str, object]:
    return {key: value for key, value in {**TOKENS, **changes}.items() if key != name}


def test_endpoints_stand_below_the_issuer():
    """Fixed routes, also below an issuer with a path."""
    issuer = IssuerSettings("https://auth.example.com/tenant")

    assert authorization_endpoint(issuer) == "https://auth.example.com/tenant/oauth/authorize"
    assert token_endpoint(issuer) == "https://auth.example.com/tenant/oauth/token"
    assert revocation_endpoint(issuer) == "https://auth.example.com/tenant/oauth/revoke"


def test_code_exchange_sends_the_fields_of_the_codex_cli():
    """RFC 6749 section 4.1.3 with RFC 7636's verifier; the redirect URI is that of the request."""
    request = AuthorizationRequest(
        IssuerSettings(client_id="app_example"),
        "http://127.0.0.1:1455/auth/callback",
        code_verifier=Secret("verifier"),
    )

    assert urlencode(code_exchange_fields(request, Secret("a code"))) == (
        "grant_type=authorization_code&client_id=app_example&code=a+code"
        "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2Fauth%2Fcallback&code_verifier=verifier"
    )


def test_api_key_exchange_sends_the_fields_of_the_codex_cli():
    """RFC 8693 with OpenAI's own requested token."""
    assert urlencode(api_key_exchange_fields("app_example", Secret("id"))) == (
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange"
        "&client_id=app_example&requested_token=openai-api-key&subject_token=id"
        "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"
    )


def test_refresh_sends_the_json_of_the_codex_cli():
    """The issuer is told why."""
    assert json.dumps(refresh_payload("app_example", Secret("rt"), "forced")) == (
        '{"client_id": "app_example", "grant_type": "refresh_token", '
        '"refresh_reason": "forced", "refresh_token": "rt"}'
    )


@pytest.mark.parametrize(
    ("refresh_token", "expected"),
    [
        ("rt", {"token": "rt", "token_type_hint": "refresh_token", "client_id": "app_example"}),
        ("", {"token": "at", "token_type_hint": "access_token"}),
    ],
)
def test_revocation_names_the_token_that_ends_the_login(refresh_token, expected):
    """The refresh token, and the access token where there is none (RFC 7009 section 2.1)."""
    credential = ChatGptCredential(Secret("id"), Secret("at"), Secret(refresh_token))

    assert expected == revocation_payload(credential, "app_example")


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"token_type": "Bearer", "expires_in": 3600, "scope": "openid"},
        {"token_type": "bearer", "expires_in": "soon", "x_future": {"a": [1]}},
        {"token_type": None},
    ],
)
def test_tokens_of_a_code_exchange_are_taken_whatever_stands_beside_them(extra):
    """(P16) Unknown members are ignored (RFC 6749 section 5.1)."""
    expected = NewTokens(Secret(ID_TOKEN), Secret("at-1"), Secret("rt-1"))

    assert expected == judge_code_exchange(reply(200, {**TOKENS, **extra}))


BROKEN_TOKENS = [
    (HTML, "is not a JSON object"),
    (b"", "is not a JSON object"),
    (b"[]", "is not a JSON object"),
    (b"null", "is not a JSON object"),
    (b"{", "is not a JSON object"),
    (b"\xff", "is not a JSON object"),
    (b"[" * 100_000, "is not a JSON object"),
    ({**TOKENS, "error": "slow_down"}, "is an error in the place of tokens"),
    ({**TOKENS, "token_type": "mac"}, "holds a kind of token that is not known"),
    ({**TOKENS, "token_type": 7}, "holds a kind of token that is not known"),
    ({**TOKENS, "access_token": 7}, "holds a bad access token"),
    ({**TOKENS, "access_token": ""}, "holds a bad access token"),
    ({**TOKENS, "access_token": "at\r\nX-Evil: 1"}, "holds a bad access token"),
    ({**TOKENS, "access_token": "ät"}, "holds a bad access token"),
    ({**TOKENS, "refresh_token": ["rt"]}, "holds a bad refresh token"),
]

BAD_ID_TOKENS = [
    ({**TOKENS, "id_token": "opaque"}, "holds an id token that cannot be read"),
    ({**TOKENS, "id_token": {}}, "holds a bad id token"),
    ({**TOKENS, "id_token": ""}, "holds a bad id token"),
]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        *BROKEN_TOKENS,
        *BAD_ID_TOKENS,
        (without("id_token"), "lacks a token"),
        (without("access_token"), "lacks a token"),
        (without("refresh_token"), "lacks a token"),
        (without("", refresh_token=None), "lacks a token"),
        ({}, "lacks a token"),
    ],
)
def test_code_exchange_that_brings_less_than_three_good_tokens_is_invalid(body, expected):
    """(P16) A login is whole or it is none; nothing of the answer is repeated."""
    with pytest.raises(IssuerResponseInvalid) as caught:
        judge_code_exchange(reply(200, body))

    assert str(caught.value) == f"The issuer's answer {expected}; try again later."


@pytest.mark.parametrize(("body", "expected"), [*BROKEN_TOKENS, ({}, "lacks an access token")])
def test_refresh_that_brings_no_good_access_token_is_invalid(body, expected):
    """The stored login is kept then: this is no verdict on it."""
    with pytest.raises(IssuerResponseInvalid) as caught:
        judge_refresh(reply(200, body))

    assert str(caught.value) == f"The issuer's answer {expected}; try again later."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (TOKENS, RenewedTokens(Secret("at-1"), Secret(ID_TOKEN), Secret("rt-1"))),
        (without("id_token"), RenewedTokens(Secret("at-1"), None, Secret("rt-1"))),
        (without("refresh_token"), RenewedTokens(Secret("at-1"), Secret(ID_TOKEN), None)),
        ({"access_token": "at-1", "id_token": None}, RenewedTokens(Secret("at-1"), None, None)),
    ],
)
def test_refresh_may_leave_out_what_stays_as_it_is(body, expected):
    """RFC 6749 section 6: no new refresh token means that the old one goes on."""
    assert expected == judge_refresh(reply(200, body))


@pytest.mark.parametrize(("body", "expected"), BAD_ID_TOKENS)
def test_bad_id_token_of_a_refresh_is_left_aside(body, expected):
    """The other tokens count, and what is wrong is told."""
    renewed = judge_refresh(reply(200, body))

    assert (renewed.access_token, renewed.refresh_token) == (Secret("at-1"), Secret("rt-1"))
    assert renewed.id_token is None
    assert str(renewed.trouble) == f"The issuer's answer {expected}; try again later."


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, TOKENS), Secret("rt-1")),
        (reply(201, {"refresh_token": "rt-1"}), Secret("rt-1")),
        (
            reply(200, {"error": "x", "access_token": 5, "refresh_token": "rt \u00fc"}),
            Secret("rt \u00fc"),
        ),
        (reply(200, without("refresh_token")), None),
        (reply(200, {"refresh_token": ""}), None),
        (reply(200, {"refresh_token": ["rt"]}), None),
        (reply(200, {"refresh_token": "\ud800"}), None),
        (reply(200, {"refresh_token": "rt\udfff"}), None),
        (reply(200, {"refresh_token": "\ud7ff\ue000"}), Secret("\ud7ff\ue000")),
        (reply(200, b"[" * 100_000), None),
        (reply(200, [TOKENS]), None),
        (reply(299, TOKENS), Secret("rt-1")),
        (reply(300, TOKENS), None),
        (reply(302, TOKENS), None),
        (reply(400, TOKENS), None),
        (reply(500, TOKENS), None),
    ],
)
def test_new_refresh_token_is_found_whatever_stands_beside_it(answer, expected):
    """In an answer that is a success: the one that was sent is spent then."""
    assert rotated_token(answer) == expected


def test_answer_without_a_meaning_is_told_with_its_status():
    """A redirect, for example, as of a network that wants a sign-in of its own."""
    with pytest.raises(IssuerResponseInvalid) as caught:
        judge_refresh(reply(302, b"", location="https://elsewhere.example"))

    assert caught.value.message == (
        "The issuer answered with HTTP 302, which has no meaning here; try again later."
    )


UNDECIDED = [
    (reply(429, b"", retry_after="7"), RateLimited, 7),
    (reply(429, {"error": "slow_down"}), RateLimited, None),
    (reply(500, HTML), IssuerUnavailable, None),
    (reply(503, b"", retry_after="120"), IssuerUnavailable, 120),
    (reply(502, {"error": {"code": "server_error"}}), IssuerUnavailable, None),
    (reply(302, b"", location="https://evil.example"), IssuerResponseInvalid, None),
    (reply(307), IssuerResponseInvalid, None),
    (reply(204), IssuerResponseInvalid, None),
    (reply(101), IssuerResponseInvalid, None),
]


@pytest.mark.parametrize("judge", [judge_code_exchange, judge_refresh])
@pytest.mark.parametrize(("answer", "error", "seconds"), UNDECIDED)
def test_answer_that_says_nothing_of_the_grant_is_no_refusal(judge, answer, error, seconds):
    """The next try may bring another."""
    with pytest.raises(error) as caught:
        judge(answer)

    assert type(caught.value) is error
    assert caught.value.retry_after_seconds == seconds
    if error is IssuerUnavailable:
        assert caught.value.message == (
            f"The issuer answered with HTTP {answer.status}; try again in a few minutes."
        )


def test_tokens_of_a_code_exchange_come_with_the_issuer_s_time():
    """By which the id token is judged where our own clock is wrong."""
    answer = reply(200, TOKENS, date="Wed, 21 Oct 2026 12:00:30 GMT")

    tokens = judge_code_exchange(answer)

    assert tokens.issuer_time == datetime(2026, 10, 21, 12, 0, 30, tzinfo=UTC)


def test_code_exchange_with_another_success_is_no_login():
    """RFC 6749 section 5.1 has 200; of a refresh, which cannot be asked for again, any will do."""
    with pytest.raises(IssuerResponseInvalid, match="HTTP 201"):
        judge_code_exchange(reply(201, TOKENS))
    assert judge_refresh(reply(201, TOKENS)).refresh_token == Secret("rt-1")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(400, {"error": "invalid_grant", "error_description": "spent"}), "invalid_grant"),
        (reply(400, {"error": {"code": "token_expired", "message": "x"}}), "token_expired"),
        (reply(401, {"code": "invalid_client"}), "invalid_client"),
        (reply(403, {"error": {"message": "no code"}}), None),
        (reply(400, {"error": "<script>alert(1)</script>"}), None),
        (reply(400, {"error": "x" * 65}), None),
        (reply(400, {"error": 17}), None),
        (reply(400, HTML), None),
        (reply(418), None),
    ],
)
def test_refused_code_is_told_with_the_issuers_own_error(answer, code):
    """The error code is passed on where it is one; descriptions are not."""
    with pytest.raises(TokenExchangeFailed) as caught:
        judge_code_exchange(answer)

    assert caught.value.oauth_error == code
    assert str(caught.value).endswith(f"({code or answer.status}); sign in again.")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("refresh_token_expired", RefreshTokenExpired),
        ("refresh_token_reused", RefreshTokenReused),
        ("refresh_token_invalidated", RefreshTokenRevoked),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("wrap", [lambda code: {"error": code}, lambda code: {"code": code},
                                  lambda code: {"error": {"code": code}}])  # fmt: skip
def test_refresh_token_that_is_dead_says_how_it_died(code, error, status, wrap):
    """In every form in which OpenAI's issuer words it, whatever the status."""
    with pytest.raises(error) as caught:
        judge_refresh(reply(status, wrap(code)))

    assert caught.value.oauth_error == code


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(401), NeedsReauth),
        (reply(401, HTML), NeedsReauth),
        (reply(401, {"error": "invalid_client"}), NeedsReauth),
        (reply(400, {"error": "invalid_grant"}), NeedsReauth),
        (reply(400, {"error": {"code": "invalid_grant"}}), NeedsReauth),
        (reply(400, {"error": "invalid_request"}), IssuerUnavailable),
        (reply(400, HTML), IssuerUnavailable),
        (reply(403, {"error": "invalid_grant"}), IssuerUnavailable),
        (reply(403, HTML), IssuerUnavailable),
        (reply(404), IssuerUnavailable),
        (reply(500, {"error": "invalid_grant"}), IssuerUnavailable),
    ],
)
def test_other_refusals_of_a_refresh_end_the_login_only_where_they_say_so(answer, error):
    """A captive portal's 403 is no reason to ask a person to sign in."""
    with pytest.raises(AuthError) as caught:
        judge_refresh(answer)

    assert type(caught.value) is error
    assert caught.value.oauth_error == (None if answer.status == 500 else oauth_error(answer))
    if error is NeedsReauth:
        assert caught.value.message == "The issuer no longer accepts this sign-in; sign in again."


@pytest.mark.parametrize(
    ("body", "why"), [({"error": "invalid_request"}, "invalid_request"), (HTML, "403")]
)
def test_refresh_that_was_not_made_says_why_and_when_it_is_tried_again(body, why):
    """By the issuer's own word where it is one, else by its status."""
    with pytest.raises(IssuerUnavailable) as caught:
        judge_refresh(reply(403, body, retry_after="7"))

    assert caught.value.message == (
        f"The issuer did not renew the sign-in ({why}); it will be tried again."
    )
    assert caught.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, {"access_token": "sk-1"}), Secret("sk-1")),
        (reply(200, {"access_token": "  "}), None),
        (reply(200, {"access_token": None}), None),
        (reply(200, {"access_token": 7}), None),
        (reply(200, []), None),
        (reply(200, HTML), None),
        (reply(400, {"access_token": "sk-1"}), None),
        (reply(500), None),
    ],
)
def test_api_key_exchange_gives_a_key_or_nothing(answer, expected):
    """The sign-in works without the key, so no answer is an error."""
    assert expected == judge_api_key_exchange(answer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        (" 30 ", 30),
        ("999999999", 3600),
        ("9" * 30, None),
        ("-1", None),
        ("1.5", None),
        ("Wed, 21 Oct 2026 07:28:00", None),
        ("Wed, 21 Oct 20262026 07:28:00 GMT", None),
        ("\u0663", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_within_an_hour(value, expected):
    """Nonsense is ignored (RFC 9110 section 10.2.3)."""
    assert retry_after_seconds(reply(429, retry_after=value)) == expected
    assert retry_after_seconds(reply(429)) is None


NOON = datetime(2026, 10, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Wed, 21 Oct 2026 12:00:30 GMT", 30),
        ("Wednesday, 21-Oct-26 12:00:30 GMT", 30),
        ("Wed, 21 Oct 2026 12:00:00 GMT", 0),
        ("Wed, 21 Oct 2026 11:00:00 GMT", 0),
        ("Thu, 22 Oct 2026 12:00:00 GMT", 3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ],
)
def test_retry_after_may_be_a_date(value, expected):
    """(P17) By the issuer's own clock where it tells it, else by when the answer came."""
    ours = NOON + timedelta(hours=3)
    by_theirs = Reply(
        503, {"retry-after": value, "date": "Wed, 21 Oct 2026 12:00:00 GMT"}, b"", ours
    )
    by_ours = Reply(503, {"retry-after": value}, b"", NOON)

    assert [retry_after_seconds(by_theirs), retry_after_seconds(by_ours)] == [expected] * 2
    assert retry_after_seconds(Reply(503, {"retry-after": value}, b"")) is None


@given(st.binary(max_size=300), st.integers(100, 599))
def test_no_answer_whatever_escapes_the_judges(raw, status):
    """Tokens, or one of our own errors."""
    for judge in (judge_code_exchange, judge_refresh, judge_api_key_exchange):
        try:
            outcome = judge(reply(status, raw))
        except AuthError as exc:
            outcome = exc
        assert isinstance(outcome, AuthError | NewTokens | RenewedTokens | Secret | None)


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists))
def test_error_code_is_a_short_word_or_nothing(value):
    """What is passed on to a client and a log never carries text of the issuer's choice."""
    code = error_code(value)

    assert code is None or (code == value and len(code) <= 64 and code.isascii())
    assert oauth_error(reply(400, {"error": value})) == code


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"date": ""}, None),
        ({"date": "soon"}, None),
        ({"date": "Wed, 21 Oct 2026 12:00:00 GMT"}, NOON),
        ({"date": "Wed, 21 Oct 2026 14:00:00 +0200"}, NOON),
        ({"date": "Wed, 21 Oct 2026 12:00:00 -0000"}, None),
        ({"date": "Wed, 21 Oct 2026 12:00:00"}, None),
    ],
    ids=str,
)
def test_time_of_an_answer_is_in_utc_or_unknown(monkeypatch, headers, expected):
    """Whatever the zone of this machine is; a time without a zone tells none."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        found = answered_at(Reply(200, headers, b""))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert found == expected
    assert found is None or found.utcoffset() == timedelta()
