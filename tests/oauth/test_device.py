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
    judge_device_authorization,
    judge_device_token,
    judge_poll,
    judge_user_code,
    poll_endpoint,
    poll_payload,
    user_code_endpoint,
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


def test_the_end_of_the_code_is_a_guess_where_nobody_tells_the_time():
    """Neither the answer nor when it came: the code is taken for one of the usual length."""
    body = CODE | {"expires_at": "2026-01-02T03:14:05Z"}

    assert judge_user_code(reply(200, body), OPENAI).expires_in == 900.0


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
    assert request.issuer == OPENAI
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
        ("https://go..login.example.com/", False),
        ("https://ada@login.example.com/device", False),
        ("https://login.example.com/" + "a" * 2022, True),
        ("https://login.example.com/" + "a" * 2023, False),
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


def test_an_issuer_without_a_host_has_no_addresses():
    """Nor do addresses without one belong to anybody."""
    assert not is_own_address("https:///device", IssuerSettings("https://"))
    assert not is_own_address("https:///device", EXAMPLE)


def test_an_address_of_ipv6_has_no_names_below_it():
    """An issuer on one is reached there alone."""
    assert not is_own_address("https://evil.::1/device", IssuerSettings("https://[::1]"))


# What is told


def test_openai_s_routes_are_below_its_issuer():
    """As the Codex CLI 0.169.0 has them."""
    assert user_code_endpoint(OPENAI) == f"{OPENAI_ISSUER}/api/accounts/deviceauth/usercode"
    assert poll_endpoint(OPENAI) == f"{OPENAI_ISSUER}/api/accounts/deviceauth/token"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "The issuer's answer is not a JSON object; try again later."),
        (
            {"user_code": "AB"},
            "The issuer's answer holds no usable device_auth_id; try again later.",
        ),
        (
            CODE | {"user_code": "AB " * 9},
            "The issuer's answer holds no code that a person could enter; sign in another way.",
        ),
    ],
    ids=str,
)
def test_answer_that_cannot_be_used_is_told_by_what_is_wrong(body, message):
    """Without what it holds."""
    with pytest.raises(IssuerResponseInvalid) as caught:
        judge_user_code(reply(200, body), OPENAI)

    assert caught.value.message == message


@pytest.mark.parametrize("length", [1, 4096])
def test_device_code_may_be_of_any_length_within_bounds(length):
    """What is in it is the issuer's own affair."""
    body = CODE | {"device_auth_id": "x" * length}

    assert judge_user_code(reply(200, body), OPENAI).device_code.reveal() == "x" * length


def test_user_code_of_the_greatest_length_can_be_entered():
    """Twenty-four characters."""
    code = "ABCDE-FGHIJ-KLMNO-PQRSTU"

    assert judge_user_code(reply(200, CODE | {"user_code": code}), OPENAI).user_code == Secret(code)
    with pytest.raises(IssuerResponseInvalid):
        judge_user_code(reply(200, CODE | {"user_code": code + "V"}), OPENAI)


# RFC 8628

RFC_CODE = {
    "device_code": "device-code",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://login.example.com/device",
    "verification_uri_complete": "https://login.example.com/device?user_code=WDJB-MJHT",
    "interval": 2,
    "expires_in": 60,
}


def test_code_of_the_rfc_is_read_with_its_pages():
    """Both of them, the interval and the time that it is good for."""
    code = judge_device_authorization(reply(200, RFC_CODE), EXAMPLE)

    assert code.verification_uri == RFC_CODE["verification_uri"]
    assert code.verification_uri_complete == Secret(RFC_CODE["verification_uri_complete"])
    assert (code.device_code, code.user_code) == (Secret("device-code"), Secret("WDJB-MJHT"))
    assert (code.interval, code.expires_in) == (2.0, 60.0)


def test_page_for_the_code_has_another_name_in_older_answers():
    """`verification_url`; and the complete one may be missing."""
    body = {
        "device_code": "device-code",
        "user_code": "WDJB-MJHT",
        "verification_url": "https://login.example.com/old",
    }

    code = judge_device_authorization(reply(200, body), EXAMPLE)

    assert code.verification_uri == "https://login.example.com/old"
    assert code.verification_uri_complete is None
    assert (code.interval, code.expires_in) == (5.0, 900.0)


@pytest.mark.parametrize("name", ["verification_uri", "verification_uri_complete"])
def test_page_for_the_code_on_another_site_is_refused(name):
    """Nobody is sent there, nor told where it would have been."""
    with pytest.raises(IssuerResponseInvalid) as caught:
        judge_device_authorization(
            reply(200, RFC_CODE | {name: "https://evil.example/device"}), EXAMPLE
        )

    assert caught.value.message == (
        "The issuer names a page for the code that is not on its own site; sign in another way."
    )


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(404, {}), None),
        (reply(404, {"error": "not_found"}), "not_found"),
        (reply(400, {"error": "unauthorized_client"}), "unauthorized_client"),
        (reply(400, {"error": "unsupported_grant_type"}), "unsupported_grant_type"),
        (reply(401, {"error": "unauthorized_client"}), "unauthorized_client"),
    ],
    ids=str,
)
def test_client_that_may_not_sign_in_so_is_told_with_the_issuer_s_word(answer, error):
    """And may sign in otherwise."""
    with pytest.raises(DeviceCodeDisabled) as caught:
        judge_device_authorization(answer, EXAMPLE)

    assert caught.value.oauth_error == error


def test_other_refusals_of_a_code_are_no_word_on_the_method():
    """A wrong client is one, a broken issuer another."""
    with pytest.raises(TokenExchangeFailed):
        judge_device_authorization(reply(405, {"error": "invalid_client"}), EXAMPLE)


@pytest.mark.parametrize("judge", [judge_poll, judge_device_token])
@pytest.mark.parametrize(
    ("error", "kind"), [("access_denied", LoginDenied), ("expired_token", DeviceCodeExpired)]
)
def test_end_of_a_code_is_told_with_the_issuer_s_word(judge, error, kind):
    """For a log and for a report."""
    with pytest.raises(kind) as caught:
        judge(reply(400, {"error": error}))

    assert caught.value.oauth_error == error
