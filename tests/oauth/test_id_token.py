"""What the claims of an id token have to say, and how each that does not fit is told.

`tests/e2e/test_bad_id_tokens.py` sends the same kinds through a whole sign-in; here are all edges.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.domain.claims import AUTH_NAMESPACE
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import IssuerResponseInvalid
from codex_auth_lsp.oauth.id_token import (
    MAXIMUM_CHARACTERS,
    Expectation,
    clock_difference,
    clock_finding,
    judge_claims,
    read_header,
)
from codex_auth_lsp.secret import Secret

ISSUER = IssuerSettings("https://auth.example.com", "app_example")
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
SKEW = 300
GOOD = {"iss": ISSUER.issuer, "sub": "user-1", "aud": ISSUER.client_id, "exp": AT + 3600}


def part(value: object) -> str:
    raw = json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(body: object = GOOD, header: object = None) -> Secret:
    return Secret(f"{part(header or {'alg': 'ES256'})}.{part(body)}.c2ln")


def judged(body: object, *, complete: bool = True, issuer_now: datetime | None = None) -> object:
    return judge_claims(token(body), Expectation(ISSUER, NOW, issuer_now), complete=complete)


def refusal(what: str) -> str:
    return f"The id token of this sign-in {what}, so nothing was stored; try again later."


def told(action) -> str:
    with pytest.raises(IssuerResponseInvalid) as caught:
        action()
    return caught.value.message


@pytest.mark.parametrize(
    "header",
    [{"alg": "ES256"}, {"alg": "RS256", "kid": "key-1"}, {"alg": "ES256", "typ": "JWT", "a": "bc"}],
    ids=str,
)
def test_header_is_read_whatever_its_length_is_padded_to(header):
    """Base64url comes without its padding."""
    assert read_header(token(header=header)) == header


@pytest.mark.parametrize(
    "text",
    [
        "", "one", "one.two", "one.two.three.four", ".two.three", "one.two.", "e30.e30.e30\n",
        "e3*0.e30.c2ln", "e30=.e30.c2ln", f"{part([])}.e30.c2ln", f"{part('a')}.e30.c2ln",
        "bm90IGpzb24.e30.c2ln", "A.e30.c2ln", "_w.e30.c2ln", f"{'W' * 43000}.e30.c2ln",
    ],
)  # fmt: skip
def test_what_is_no_compact_jws_is_refused(text):
    """RFC 7515 section 7.1: three parts of base64url, and the first a JSON object."""
    assert told(lambda: read_header(Secret(text))) == refusal("cannot be read")


def test_nesting_without_end_is_no_header():
    """It is refused as any other that cannot be read."""
    deep = base64.urlsafe_b64encode(b"[" * 40_000).rstrip(b"=").decode()

    assert told(lambda: read_header(Secret(f"{deep}.e30.c2ln"))) == refusal("cannot be read")


def test_size_of_an_id_token_is_bounded():
    """To the character."""
    start = f"{part({'alg': 'ES256'})}.e30."
    largest = start + "a" * (MAXIMUM_CHARACTERS - len(start))

    assert read_header(Secret(largest)) == {"alg": "ES256"}
    assert told(lambda: read_header(Secret(largest + "a"))) == refusal("is far too large")


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c", "crit"])
def test_token_that_brings_its_key_along_is_refused(name):
    """Whatever stands there: keys come from the issuer alone."""
    header = {"alg": "ES256", name: None}

    assert told(lambda: read_header(token(header=header))) == refusal("brings keys of its own")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"iss": "https://auth.example.com/"},
        {"aud": [ISSUER.client_id]},
        {"azp": None},
        {"azp": ISSUER.client_id},
        {"aud": ["another", ISSUER.client_id], "azp": ISSUER.client_id},
        {"exp": AT - SKEW + 1},
        {"iat": AT + SKEW, "nbf": AT + SKEW},
        {"iat": AT - 10**6, "nbf": AT - 10**6},
        {"exp": AT + 0.5},
        {AUTH_NAMESPACE: {"chatgpt_account_id": "account-1"}},
        {AUTH_NAMESPACE: {"chatgpt_account_id": None}},
        {AUTH_NAMESPACE: "nothing"},
    ],
    ids=str,
)
def test_token_that_fits_is_taken_as_it_is(changes):
    """With every claim that it holds."""
    body = {**GOOD, **changes}

    assert judged(body) == body


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"iss": "https://issuer.example"}, "comes from another issuer"),
        ({"iss": "https://auth.example.com.evil.example"}, "comes from another issuer"),
        ({"iss": "https://auth.example.com/tenant"}, "comes from another issuer"),
        ({"iss": None}, "comes from another issuer"),
        ({"iss": [ISSUER.issuer]}, "comes from another issuer"),
        ({"sub": ""}, "names nobody"),
        ({"sub": 7}, "names nobody"),
        ({"sub": None}, "names nobody"),
        ({"aud": "another"}, "is for another client"),
        ({"aud": []}, "is for another client"),
        ({"aud": None}, "is for another client"),
        ({"aud": {ISSUER.client_id: 1}}, "is for another client"),
        ({"aud": ISSUER.client_id + "2"}, "is for another client"),
        ({"azp": "another"}, "was issued to another client"),
        ({"azp": 7}, "was issued to another client"),
        ({"azp": [ISSUER.client_id]}, "was issued to another client"),
        (
            {"aud": [ISSUER.client_id, "another"]},
            "is for several clients and does not say for which",
        ),
        ({"exp": "soon"}, "holds a bad `exp`"),
        ({"exp": True}, "holds a bad `exp`"),
        ({"exp": 1e300}, "holds a bad `exp`"),
        ({"iat": "now"}, "holds a bad `iat`"),
        ({"nbf": None}, "holds a bad `nbf`"),
        ({"exp": AT - SKEW}, "has expired already"),
        ({"exp": AT - 10**6}, "has expired already"),
        ({"iat": AT + SKEW + 1}, "is from the future"),
        ({"nbf": AT + SKEW + 1}, "is from the future"),
        ({AUTH_NAMESPACE: {"chatgpt_account_id": 7}}, "names no account"),
        ({AUTH_NAMESPACE: {"chatgpt_account_id": ""}}, "names no account"),
        ({AUTH_NAMESPACE: {"chatgpt_account_id": "  "}}, "names no account"),
    ],
    ids=str,
)
@pytest.mark.parametrize("complete", [True, False])
def test_token_that_does_not_fit_is_refused_in_words(changes, what, complete):
    """Whether or not all claims have to be there: what is there has to be right."""
    assert told(lambda: judged({**GOOD, **changes}, complete=complete)) == refusal(what)


@pytest.mark.parametrize("name", ["iss", "sub", "aud", "exp"])
def test_issuer_with_keys_has_to_send_what_the_standard_requires(name):
    """OpenID Connect Core section 2."""
    body = {key: value for key, value in GOOD.items() if key != name}

    assert told(lambda: judged(body)) == refusal(f"lacks `{name}`")


@pytest.mark.parametrize("name", ["sub", "aud", "exp"])
def test_who_names_the_issuer_names_the_rest_as_well(name):
    """Also where no keys are published."""
    body = {key: value for key, value in GOOD.items() if key != name}

    assert told(lambda: judged(body, complete=False)) == refusal(f"lacks `{name}`")


def test_issuer_without_keys_may_leave_out_what_the_codex_cli_does_not_ask_for():
    """`iss`, and with it all else."""
    assert judged({"email": "ada@example.com"}, complete=False) == {"email": "ada@example.com"}


def test_claims_that_are_no_object_are_refused():
    """As are those of a token that is none."""
    assert told(lambda: judged([])) == refusal("cannot be read")


@pytest.mark.parametrize(
    ("changes", "issuer_now", "finding"),
    [
        ({"iat": AT + 7200}, 7200, "This computer's clock is 2 hours behind the issuer's"),
        ({"exp": AT - 900}, -900, "This computer's clock is 15 minutes ahead of the issuer's"),
    ],
)
def test_token_that_is_refused_for_the_clock_says_so(changes, issuer_now, finding):
    """The remedy is the clock, where the issuer's own tells another time."""
    now = NOW + timedelta(seconds=issuer_now)

    message = told(lambda: judged({**GOOD, **changes}, issuer_now=now))

    assert message == (
        f"{finding}, so the sign-in cannot be checked; set the clock and sign in again."
    )


def test_token_that_has_expired_by_both_clocks_is_just_that():
    """Nobody is told to set a clock that is right."""
    message = told(lambda: judged({**GOOD, "exp": AT - 900}, issuer_now=NOW))

    assert message == refusal("has expired already")


@pytest.mark.parametrize("seconds", [-SKEW, 0, SKEW])
def test_clocks_may_differ_by_five_minutes(seconds):
    """In both directions, the bound included."""
    assert clock_difference(NOW, NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize("seconds", [-SKEW - 1, SKEW + 1])
def test_larger_difference_of_the_clocks_is_how_far_this_one_is_ahead(seconds):
    """Negative where it is behind."""
    found = clock_difference(NOW, NOW + timedelta(seconds=seconds))

    assert found == timedelta(seconds=-seconds)


def test_without_the_issuer_s_time_no_difference_is_known():
    """Not every answer has a `Date`."""
    assert clock_difference(NOW, None) is None


@pytest.mark.parametrize(
    ("minutes", "amount"),
    [
        (6, "6 minutes"), (119, "119 minutes"), (120, "2 hours"), (179, "2 hours"),
        (2879, "47 hours"), (2880, "2 days"), (4319, "2 days"), (5.6, "6 minutes"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("sign", "side"), [(1, "ahead of"), (-1, "behind")])
def test_difference_is_told_in_a_unit_of_its_size(minutes, amount, sign, side):
    """From two of a unit on."""
    finding = clock_finding(timedelta(minutes=sign * minutes))

    assert finding == f"This computer's clock is {amount} {side} the issuer's"
