"""Claims are read from any token without trust, and shown without harm."""

from __future__ import annotations

import base64
import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.domain.claims import (
    clean_text,
    decode_claims,
    namespace,
    numeric_date,
    text_claim,
)
from codex_auth_lsp.secret import Secret


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(payload: bytes, *, header: str = "e30", signature: str = "c2ln") -> Secret:
    return Secret(f"{header}.{part(payload)}.{signature}")


@given(
    st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text())
)
def test_claims_of_a_token_are_those_that_were_put_in(claims):
    """Whatever JSON object a token carries comes out as it is."""
    assert claims == decode_claims(token(json.dumps(claims).encode()))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "opaque-token",
        "a.b",
        "e30.e30",
        "e30.e30.",
        ".e30.c2ln",
        "e30..c2ln",
        "e30.e30.c2ln.x",
        f"e30.{part(b'[1]')}.c2ln",
        f"e30.{part(b'null')}.c2ln",
        f"e30.{part(b'{')}.c2ln",
        f"e30.{part(b'[' * 100_000)}.c2ln",
        f"e30.{part(bytes([0xFF, 0xFE]))}.c2ln",
        f"e30.{part(json.dumps({'a': 1}).encode('utf-16'))}.c2ln",
        "e30.eyJhIjoxfQ==.c2ln",
        "e30.eyJhIjoi+/8ifQ.c2ln",
        "e30.e 30.c2ln",
        "e30.ä.c2ln",
        "e30.e.c2ln",
    ],
)
def test_what_is_no_jwt_has_no_claims(text):
    """An opaque token is a normal thing and a broken one no reason to fail."""
    assert decode_claims(Secret(text)) is None


def test_a_signature_is_not_looked_at():
    """Nothing is granted because of a claim, so any third part will do."""
    assert decode_claims(token(b'{"a":1}', header="x", signature="!")) == {"a": 1}


def test_namespace_is_empty_unless_it_is_an_object():
    """A claim of the wrong type reads as one that is not there."""
    claims = {"object": {"a": 1}, "text": "a", "list": [1], "null": None}

    assert namespace(claims, "object") == {"a": 1}
    assert [namespace(claims, name) for name in ("text", "list", "null", "missing")] == [{}] * 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  padded  ", "padded"),
        ("", None),
        (" \u2028 ", None),
        ("\x00\x1b", None),
        (1, None),
        (["a"], None),
        (None, None),
    ],
)
def test_text_claim_is_shown_text_or_nothing(value, expected):
    """An empty label never reaches a person."""
    assert text_claim({"name": value}, "name") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_800_000_000, datetime(2027, 1, 15, 8, tzinfo=UTC)),
        (1_800_000_000.5, datetime(2027, 1, 15, 8, 0, 0, 500_000, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (True, None),
        ("1800000000", None),
        (None, None),
        (1e400, None),
        (float("nan"), None),
        (10**18, None),
        (10**400, None),
        (-(10**400), None),
    ],
    ids=lambda value: f"{value!s:.24}",
)
def test_numeric_date_is_aware_or_nothing(value, expected):
    """A time that cannot be is no time, whatever its size."""
    assert numeric_date({"exp": value}, "exp") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("  edges  ", "edges"),
        ("two\nlines\r\nand\ttabs", "two lines  and tabs"),
        ("line\u2028paragraph\u2029next\u0085", "line paragraph next"),
        ("esc\x1b[31mred\x07", "esc[31mred"),
        ("right\u202eto\u2066left\u200f", "righttoleft"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("half\ud800pair", "halfpair"),
        ("nul\x00", "nul"),
        ("filled\u3164\u2800\uffa0", "filled"),
        ("[renew](command:some.command)", "[renew] (command:some.command)"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("Zoë 日本 😀", "Zoë 日本 😀"),
        ("x" * 500, "x" * 200),
        ("\u202e" * 10_000 + "x", ""),
    ],
)
def test_text_from_outside_becomes_one_harmless_line(value, expected):
    """Words stay apart; what could move a cursor or turn the reading direction goes."""
    assert clean_text(value) == expected


@given(st.text(), st.integers(1, 50))
def test_clean_text_keeps_its_promise_for_any_text(value, limit):
    """No control, format, surrogate or separator is left, and cleaning again changes nothing."""
    cleaned = clean_text(value, limit)
    categories = {unicodedata.category(character) for character in cleaned}

    assert {category for category in categories if category[0] == "C"} == set()
    assert categories & {"Zl", "Zp"} == set()
    assert len(cleaned) <= limit
    assert clean_text(cleaned, limit) == cleaned
