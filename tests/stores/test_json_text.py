"""JSON text comes out as it went in, laid out as the Codex CLI writes it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.stores.json_text import (
    MAXIMUM_DEPTH,
    parse_json,
    render_compact_json,
    render_json,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
LEAVES = st.none() | st.booleans() | TEXT
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_value_is_written_as_codex_writes_it(value):
    """Two spaces of indent, no newline at the end, text as it is: what `indent=2` gives."""
    expected = json.dumps(value, indent=2, ensure_ascii=False).encode()

    compact = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()

    assert expected == render_json(value)
    assert compact == render_compact_json(value)
    assert value == parse_json(expected) == parse_json(compact)


@given(NUMBERS)
def test_number_keeps_its_text(number):
    """No digit is lost and no form changed, whatever its size."""
    text = f'{{\n  "n": {number}\n}}'.encode()

    assert text == render_json(parse_json(text))


@pytest.mark.parametrize("number", ["-0", "0.10", "1E5", "1e400", "9" * 30, "9" * 10_000, "1.0e-7"])
def test_odd_number_keeps_its_text(number):
    """Also one that no machine could compute with."""
    assert render_json(parse_json(number.encode())) == number.encode()


def test_order_of_keys_is_kept():
    """Another program's layout is not rearranged."""
    assert list(parse_json(b'{"z": 1, "a": 2, "m": 3}')) == ["z", "a", "m"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "line 1, column 1 is not JSON"),
        (b"{", "line 1, column 2 is not JSON"),
        (b'{\n  "a": secret\n}', "line 2, column 8 is not JSON"),
        (b'{"a": 1,}', "line 1, column 9 is not JSON"),
        (b"{'a': 1}", "line 1, column 2 is not JSON"),
        (b'{"a": 1} {}', "line 1, column 10 is not JSON"),
        (b'"tab\t"', "line 1, column 5 is not JSON"),
        (b"01", "line 1, column 2 is not JSON"),
        (b"\xef\xbb\xbf{}", "line 1, column 1 is not JSON"),
        (b'{"a": "\xff"}', "byte 7 is not UTF-8"),
        ("{}".encode("utf-16"), "byte 0 is not UTF-8"),
        (b'{"secret": 1, "secret": 2}', "a key stands twice in one object"),
        (b'[{"a": {"b": 1, "b": 1}}]', "a key stands twice in one object"),
        (b'{"a": 1, "\\u0061": 2}', "a key stands twice in one object"),
        (b"[NaN]", "it holds a number that JSON does not have"),
        (b"[-Infinity]", "it holds a number that JSON does not have"),
        (b'"\\ud800"', "it holds half of a surrogate pair"),
        (b'{"\\udc00": 1}', "it holds half of a surrogate pair"),
        (b"[" * (MAXIMUM_DEPTH + 1) + b"]" * (MAXIMUM_DEPTH + 1), "it is nested too deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "it is nested too deeply"),
        (b'{"a":' * 100_000, "it is nested too deeply"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_has_no_single_reading_is_refused(raw, expected):
    """(S7) The message says where and repeats nothing of what stands there."""
    with pytest.raises(ValueError) as caught:
        parse_json(raw)

    assert str(caught.value) == expected


def test_deepest_value_is_read_and_written():
    """What the Codex CLI takes is taken here, wherever the call comes from."""
    raw = b"[" * MAXIMUM_DEPTH + b"]" * MAXIMUM_DEPTH

    assert parse_json(render_json(parse_json(raw))) == parse_json(raw)


def test_wide_list_that_lies_deep_is_read_and_written_in_time():
    """(S22) Text that is put together at every level is copied at each, gigabytes in all."""
    raw = b"[" * 120 + b"1," * 100_000 + b"1" + b"]" * 120

    value = parse_json(raw)

    assert render_compact_json(value) == raw
    assert len(render_json(value)) > 24_000_000


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_that_can_be_written_or_a_value_error(raw):
    """(S8) Nothing else escapes."""
    try:
        value = parse_json(raw)
    except ValueError:
        return
    assert parse_json(render_json(value)) == value


@pytest.mark.parametrize("value", [[], [[]], [1.5, [True, None], {}], {"a": [], "b": ["c", "d"]}])
def test_lists_are_written_in_one_line_for_a_keyring(value):
    """As the Codex CLI keeps them there."""
    text = json.dumps(value, separators=(",", ":")).encode()

    assert render_compact_json(parse_json(text)) == text
