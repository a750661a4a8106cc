"""What is sent is JSON for every parser, and says what was meant."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.transport.json_text import message_json, to_json

ANY_TEXT = st.text(st.characters(), max_size=20) | st.text(
    st.sampled_from("\\u\ud800\udbff\udc00\udfff\U0001f511d8a"), max_size=12
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/home/\udcff/codex", r'"/home/\ufffd/codex"'),
        ("\ud800\ud800\udc00", r'"\ufffd\ud800\udc00"'),
        ("\udc00\ud800", r'"\ufffd\ufffd"'),
        ("\U0001f511", r'"\ud83d\udd11"'),
        (r"\ud800", r'"\\ud800"'),
        ("\\\ud800", r'"\\\ufffd"'),
        ({"\udfff": [1, None, "a"]}, r'{"\ufffd":[1,null,"a"]}'),
    ],
    ids=ascii,
)
def test_half_of_a_pair_is_replaced_and_nothing_else(value, expected):
    """A file name may have any bytes; a strict parser would drop the whole message."""
    assert to_json(value) == expected


@given(ANY_TEXT)
def test_every_text_becomes_one_that_can_be_encoded(text):
    """What can be already stays as it is."""
    found = json.loads(to_json(text))

    found.encode("utf-8")
    assert found == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@pytest.mark.parametrize("message_id", [7, "a", "\ud800", None])
def test_id_goes_back_as_it_came(message_id):
    """It is compared by whoever has sent it."""
    message = {"jsonrpc": "2.0", "id": message_id, "result": {"path": "\udcff", "id": 1}}

    assert json.loads(message_json(message)) == message | {"result": {"path": "\ufffd", "id": 1}}
    assert message_json(message).startswith('{"jsonrpc":"2.0","id":')
    assert message_json({"jsonrpc": "2.0", "method": "m"}) == '{"jsonrpc":"2.0","method":"m"}'
