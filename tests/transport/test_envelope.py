"""JSON-RPC messages, judged before anybody acts on them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.transport.envelope import (
    INVALID_REQUEST,
    MAXIMUM_CONTAINERS,
    MAXIMUM_DEPTH,
    MAXIMUM_ID,
    PARSE_ERROR,
    Malformed,
    Notification,
    Reply,
    Request,
    read_message,
)

VALID = [
    ({"id": 1, "method": "m"}, Request(1, "m")),
    ({"id": "a", "method": "m", "params": None}, Request("a", "m")),
    ({"id": 0, "method": "m", "params": {"a": 1}}, Request(0, "m", {"a": 1})),
    ({"id": -5, "method": "m", "params": []}, Request(-5, "m", [])),
    ({"id": 1, "method": "m", "params": "text"}, Request(1, "m", "text")),
    ({"method": "m"}, Notification("m")),
    ({"method": "m", "params": {"jsonrpc": "x"}}, Notification("m", {"jsonrpc": "x"})),
    ({"id": 1, "result": None}, Reply(1)),
    ({"id": 1, "result": 5}, Reply(1, 5)),
    ({"id": 1, "error": {"code": 1}}, Reply(1, error={"code": 1})),
    ({"id": 1, "error": "words"}, Reply(1, error={})),
    ({"id": None, "error": {"code": 1}}, Reply(None, error={"code": 1})),
    ({"id": 1, "result": 5, "error": None}, Reply(1, 5)),
    ({"id": 1, "result": None, "error": {"code": 1}}, Reply(1, error={"code": 1})),
    ({"id": 1, "method": None, "result": 5}, Reply(1, 5)),
]

SPOILT = [
    ({"jsonrpc": "2.0", "id": 1, "result": 5, "error": "words"}, 1),
    ({"jsonrpc": "1.0", "id": 1, "result": 5}, 1),
    ({"id": 1, "result": 5}, 1),
    ({"jsonrpc": "2.0", "id": True, "result": 5}, None),
    ({"jsonrpc": "2.0", "id": None, "result": 5}, None),
    ({"jsonrpc": "2.0", "result": 5}, None),
    ({"jsonrpc": "2.0", "error": {}}, None),
]


@pytest.mark.parametrize(("body", "message_id"), SPOILT)
def test_response_that_is_not_as_it_should_be_is_an_error_that_nobody_answers(body, message_id):
    """(W23) The other side may have a request of that id; two that answer one another never end."""
    assert read_message(json.dumps(body).encode()) == Reply(message_id, error={})


@pytest.mark.parametrize(("body", "expected"), VALID)
def test_message_is_read(body, expected):
    """Requests, notifications and replies, with params as they came."""
    assert read_message(json.dumps({"jsonrpc": "2.0", **body}).encode()) == expected


MALFORMED = [
    (b"", PARSE_ERROR, None),
    (b"{", PARSE_ERROR, None),
    (b"words", PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","method":"\xff"}', PARSE_ERROR, None),
    (b"\xef\xbb\xbf{}", PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":7,"method":"m","params":NaN}', PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":7,"method":"m","params":-Infinity}', PARSE_ERROR, None),
    (b"[" * 100_000, PARSE_ERROR, None),
    (b'{"jsonrpc":"2.0","id":7,"method":"m","params":' + b"9" * 100_000 + b"}", PARSE_ERROR, None),
    (b"[]", INVALID_REQUEST, None),
    (b'"m"', INVALID_REQUEST, None),
    (b"null", INVALID_REQUEST, None),
    (b"7", INVALID_REQUEST, None),
    (b"{}", INVALID_REQUEST, None),
    (b'{"id":7,"method":"m"}', INVALID_REQUEST, 7),
    (b'{"jsonrpc":"1.0","id":7,"method":"m"}', INVALID_REQUEST, 7),
    (b'{"jsonrpc":2.0,"id":"a","method":"m"}', INVALID_REQUEST, "a"),
    (b'{"jsonrpc":"2.0","id":null,"method":"m"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"m"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":true,"method":"m"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":{},"method":"m"}', INVALID_REQUEST, None),
    (b'{"jsonrpc":"2.0","id":7,"method":5}', INVALID_REQUEST, 7),
    (b'{"jsonrpc":"2.0","id":7,"method":null}', INVALID_REQUEST, 7),
    (b'{"jsonrpc":"2.0","id":7}', INVALID_REQUEST, 7),
    (b'{"jsonrpc":"2.0","method":null}', INVALID_REQUEST, None),
    (
        b'{"jsonrpc":"2.0","id":"%s","method":"m"}' % (b"a" * (MAXIMUM_ID + 1)),
        INVALID_REQUEST,
        None,
    ),
]


@pytest.mark.parametrize(("content", "code", "message_id"), MALFORMED)
def test_what_is_no_message_names_its_code_and_id(content, code, message_id):
    """(W6) The error can be sent to whoever waits for this id."""
    message = read_message(content)

    assert isinstance(message, Malformed)
    assert (message.code, message.id) == (code, message_id)


def nested(depth: int) -> bytes:
    """Return a request that is nested this deeply, itself included."""
    inner = b"[" * (depth - 1) + b"]" * (depth - 1)
    return b'{"jsonrpc":"2.0","id":7,"method":"m","params":' + inner + b"}"


def test_nesting_is_taken_up_to_the_limit():
    """64 levels pass, one more does not; brackets in strings do not count."""
    assert isinstance(read_message(nested(MAXIMUM_DEPTH)), Request)
    too_deep = read_message(nested(MAXIMUM_DEPTH + 1))
    assert isinstance(too_deep, Malformed)
    assert (too_deep.code, too_deep.id) == (PARSE_ERROR, 7)
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"a": "[" * 500}})
    assert isinstance(read_message(text.encode()), Request)
    wide = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "m", "params": [[]] * 500})
    assert isinstance(read_message(wide.encode()), Request)


def test_a_response_that_is_nested_too_deeply_is_an_error():
    """(W23) It is one all the same, and not answered."""
    content = nested(MAXIMUM_DEPTH + 1).replace(b'"method":"m","params"', b'"result"')

    assert read_message(content) == Reply(7, error={})


def test_number_of_objects_and_arrays_is_bounded():
    """(W21) Before any is made: eight megabytes of them would take hundreds."""

    def message(count: int) -> bytes:
        return b'{"jsonrpc":"2.0","id":7,"method":"m","params":[' + b"[]," * (count - 3) + b"[]]}"

    assert isinstance(read_message(message(MAXIMUM_CONTAINERS)), Request)
    too_many = read_message(message(MAXIMUM_CONTAINERS + 1))
    assert isinstance(too_many, Malformed)
    assert (too_many.code, too_many.id) == (PARSE_ERROR, None)


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(content):
    """No input makes the reader fail."""
    assert isinstance(read_message(content), Request | Notification | Reply | Malformed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
)
MESSAGES = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | JSON},
    optional={"id": JSON, "method": JSON, "params": JSON, "result": JSON, "error": JSON},
)


@given(MESSAGES)
def test_any_object_gets_an_answer(body):
    """Nor does any object that looks like a message."""
    message = read_message(json.dumps(body).encode())

    assert isinstance(message, Request | Notification | Reply | Malformed)
    if isinstance(message, Request):
        assert (message.id, message.method) == (body["id"], body["method"])
