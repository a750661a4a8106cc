"""The judges of the device grant: OpenAI's dialect, and which addresses are an issuer's own."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.errors import (
    AuthError,
    DeviceCodeDisabled,
    DeviceCodeExpired,
    IssuerResponseInvalid,
    IssuerUnavailable,
    LoginDenied,
    RateLimited,
    TokenExchangeFailed,
)
from codex_auth_lsp.oauth.device import (
    IssuedCode,
    NotYet,
    code_request,
    is_own_address,
    judge_poll,
    judge_user_code,
    poll_payload,
)
from codex_auth_lsp.oauth.http import Reply
from codex_auth_lsp.secret import Secret

OPENAI = IssuerSettings()
EXAMPLE = IssuerSettings("https://login.example.com")

CODE = {"device_auth_id": "id-of-the-tests", "user_code": "WDJB-MJHT", "interval": "7"}
ISSUED = {
    "authorization_code": "code-of-the-tests",
    "code_challenge": "challenge",
    "code_verifier": "verifier-of-the-tests",
}


def reply(status: int, body: Any = None, **headers: str) -> Reply:
    return Reply(status, headers, json.dumps(body).encode())


# The code


def test_the_code_of_openai_s_issuer_is_read_as_the_codex_cli_reads_it():
    """The interval is a string, the page is fixed, the code is good for 15 minutes."""
    code = judge_user_code(reply(200, CODE), OPENAI)

    assert code.verification_uri == f"{OPENAI_ISSUER}/codex/device"
    assert code.verification_uri_complete is None
    assert (code.interval, code.expires_in) == (7.0, 900.0)
    assert poll_payload(code) == {"device_auth_id": "id-of-the-tests", "user_code": "WDJB-MJHT"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"expires_at": "2026-01-02T03:14:05.500000+00:00"}, 600.5),
        ({"expires_at": "2026-01-02T03:14:05Z", "expires_in": 60}, 60.0),
        ({"expires_at": "2026-01-03T03:04:05Z"}, 1800.0),
        ({"expires_at": "2026-01-02T03:04:05Z"}, 900.0),
        ({"expires_at": "in ten minutes"}, 900.0),
        ({"expires_at": None}, 900.0),
    ],
)
def test_the_end_of_the_code_may_be_told_as_a_moment(body, expected):
    """By the issuer's own clock, whatever ours says; what makes no sense is left aside."""
    answer = reply(200, CODE | body, date="Fri, 02 Jan 2026 03:04:05 GMT")

    assert judge_user_code(answer, OPENAI).expires_in == expected


def test_the_other_name_of_the_code_is_known():
    """`usercode` stands in some answers."""
    body = {"device_auth_id": "id", "usercode": "ABCD-EFGHI"}

    assert judge_user_code(reply(200, body), OPENAI).user_code.reveal() == "ABCD-EFGHI"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(404, {}), DeviceCodeDisabled),
        (reply(404, "<html>"), DeviceCodeDisabled),
        (reply(401, {"error": "invalid_client"}), TokenExchangeFailed),
        (reply(403, {}), TokenExchangeFailed),
        (reply(429, {}), RateLimited),
        (reply(503, {}), IssuerUnavailable),
        (reply(302, {}), IssuerResponseInvalid),
        (reply(200, []), IssuerResponseInvalid),
        (reply(200, {}), IssuerResponseInvalid),
        (reply(200, CODE | {"device_auth_id": ""}), IssuerResponseInvalid),
        (reply(200, CODE | {"device_auth_id": "a\nb"}), IssuerResponseInvalid),
        (reply(200, CODE | {"device_auth_id": "é"}), IssuerResponseInvalid),
        (reply(200, CODE | {"device_auth_id": "a" * 4097}), IssuerResponseInvalid),
        (reply(200, CODE | {"user_code": "A\x1b[2J"}), IssuerResponseInvalid),
    ],
)
def test_an_answer_without_a_code_is_an_error_of_its_kind(answer, expected):
    """Only "there is no such route" means that it is switched off."""
    with pytest.raises(AuthError) as raised:
        judge_user_code(answer, OPENAI)

    assert type(raised.value) is expected


# The questions


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(403, {}), NotYet.PENDING),
        (reply(404, {}), NotYet.PENDING),
        (reply(403, {"error": {"code": "deviceauth_authorization_unknown"}}), NotYet.PENDING),
        (reply(403, "<html>"), NotYet.PENDING),
        (reply(400, {"error": "authorization_pending"}), NotYet.PENDING),
        (reply(400, {"error": "slow_down"}), NotYet.SLOW_DOWN),
        (reply(403, {"error": "slow_down"}), NotYet.SLOW_DOWN),
    ],
)
def test_a_person_who_is_not_done_is_waited_for(answer, expected):
    """403 and 404 stand for "not yet" there, whatever the body says."""
    assert judge_poll(answer) is expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(400, {"error": "access_denied"}), LoginDenied),
        (reply(400, {"error": "expired_token"}), DeviceCodeExpired),
        (reply(400, {"error": "invalid_grant"}), TokenExchangeFailed),
        (reply(429, {}), RateLimited),
        (reply(500, {}), IssuerUnavailable),
        (reply(200, {}), IssuerResponseInvalid),
        (reply(200, ISSUED | {"code_verifier": None}), IssuerResponseInvalid),
        (reply(200, ISSUED | {"authorization_code": "a b\r\n"}), IssuerResponseInvalid),
    ],
)
def test_what_is_no_answer_of_the_person_is_an_error_of_its_kind(answer, expected):
    """A denial, an end, trouble, nonsense."""
    with pytest.raises(AuthError) as raised:
        judge_poll(answer)

    assert type(raised.value) is expected


def test_the_code_is_exchanged_with_the_issuer_s_own_verifier():
    """And with the redirect URI to which it is bound, which nobody ever opens."""
    issued = judge_poll(reply(200, ISSUED))

    assert issued == IssuedCode(Secret("code-of-the-tests"), Secret("verifier-of-the-tests"))
    request = code_request(OPENAI, issued)
    assert request.redirect_uri == f"{OPENAI_ISSUER}/deviceauth/callback"
    assert request.code_verifier.reveal() == "verifier-of-the-tests"


# Whose an address is


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://login.example.com/device", True),
        ("https://login.example.com/device?user_code=WDJB-MJHT", True),
        ("https://LOGIN.example.com/device", True),
        ("https://go.login.example.com/device", True),
        ("https://example.com/device", False),
        ("https://evil-login.example.com/device", False),
        ("https://login.example.com.evil.example/", False),
        ("https://login.example.com@evil.example/", False),
        ("https://login.example.com:8443/device", False),
        ("https://login.example.com:99999/device", False),
        ("https://[::1/device", False),
        ("http://login.example.com/device", False),
        ("http://127.0.0.1/device", False),
        ("//login.example.com/device", False),
        ("javascript:alert(1)//login.example.com", False),
        ("https://login.example.com\\@evil.example/", False),
        ("https://login.example.com/\u202edevice", False),
        ("https://login.example.com/a b", False),
        ("https://login.example.com/[Sign-in](command:some.command)", False),
        ("https://login.example.com/(here)", False),
        ("https://evil.example%2f.login.example.com/", False),
        ("https://$(id).login.example.com/", False),
        ("https://*.login.example.com/", False),
        ("https://..login.example.com/", False),
        ("https://.login.example.com/", False),
        ("", False),
    ],
)
def test_p20_an_address_is_the_issuer_s_own_only_on_its_host_or_below(address, expected):
    """Over https, on the same port, without anything that a browser might read otherwise."""
    assert is_own_address(address, EXAMPLE) is expected


def test_p20_a_number_has_no_names_below_it():
    """`x.192.0.2.1` is no host of 192.0.2.1."""
    issuer = IssuerSettings("https://192.0.2.1")

    assert is_own_address("https://192.0.2.1/device", issuer)
    assert not is_own_address("https://evil.192.0.2.1/device", issuer)


@given(st.text())
def test_p20_no_text_at_all_leads_out_of_the_issuer_s_site(text):
    """What is put before or behind the host never makes another host the issuer's."""
    for address in (text, f"https://{text}", f"https://{text}@evil.example/"):
        if is_own_address(address, EXAMPLE):
            host = address.removeprefix("https://").partition("/")[0].partition("?")[0]
            assert host.partition("#")[0].lower().endswith("login.example.com")
