"""What is sent, as JSON in ASCII that every parser takes.

A file name that is no UTF-8 is text with halves of surrogate pairs in Python, which strict parsers
refuse (RFC 8259 section 8.2): each becomes U+FFFD. An id is the client's own, and goes back as it
came.
"""

from __future__ import annotations

import json
import re
from typing import Any

_ESCAPES = re.compile(
    r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|(?P<half>\\ud[89a-f][0-9a-f]{2})"
)


def to_json(value: Any) -> str:
    """Return a value as JSON without blanks."""
    text = exact_json(value)
    return _ESCAPES.sub(_whole, text) if "\\ud" in text else text


def message_json(message: dict[str, Any]) -> str:
    """Return a message as JSON without blanks."""
    if "id" not in message:
        return to_json(message)
    head = {"jsonrpc": message["jsonrpc"], "id": message["id"]}
    rest = {name: value for name, value in message.items() if name not in head}
    return f"{exact_json(head)[:-1]},{to_json(rest)[1:]}"


def exact_json(value: Any) -> str:
    """Return a value as JSON, whatever it holds."""
    return json.dumps(value, separators=(",", ":"))


def _whole(escape: re.Match[str]) -> str:
    return r"\ufffd" if escape["half"] else escape[0]
