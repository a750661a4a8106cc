"""JSON text that survives a round trip (RFC 8259), laid out as the Codex CLI writes it.

Key order and the text of every number are kept; what has two readings (a repeated key, a lone
surrogate, `NaN`) is refused rather than guessed.
"""

from __future__ import annotations

import json
from typing import Any, Self

MAXIMUM_DEPTH = 127
"""How deep values may be nested: what the Codex CLI's own parser takes."""


class Number(float):
    """A JSON number that remembers how it was written."""

    __slots__ = ("text",)

    def __new__(cls, text: str) -> Self:
        """Return the number, infinite where it is too large; its `text` is written again."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str


def parse_json(raw: bytes) -> Any:
    """Return the value in UTF-8 JSON text.

    Raises:
        ValueError: It is not JSON; the message says where, and repeats nothing of the text.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise ValueError(f"byte {exc.start} is not UTF-8") from exc
    try:
        value = json.loads(
            text,
            parse_float=Number,
            parse_int=Number,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_without_repeats,
        )
        _check_depth(value)
        render_json(value)
    except json.JSONDecodeError as exc:
        raise ValueError(f"line {exc.lineno}, column {exc.colno} is not JSON") from exc
    except UnicodeEncodeError as exc:
        raise ValueError("it holds half of a surrogate pair") from exc
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc
    return value


def render_json(value: Any) -> bytes:
    """Return UTF-8 JSON with two spaces of indent and no newline at the end."""
    return _render(value, "\n").encode("utf-8")


def render_compact_json(value: Any) -> bytes:
    """Return UTF-8 JSON without any space, as the Codex CLI keeps it in a keyring."""
    return _render_compact(value).encode("utf-8")


def _render_compact(value: Any) -> str:
    if isinstance(value, dict):
        members = (f"{_scalar(key)}:{_render_compact(member)}" for key, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_render_compact, value)) + "]"
    return _scalar(value)


def _render(value: Any, newline: str) -> str:
    inner = newline + "  "
    if isinstance(value, dict):
        members = [f"{_scalar(key)}: {_render(member, inner)}" for key, member in value.items()]
        return "{" + inner + ("," + inner).join(members) + newline + "}" if members else "{}"
    if isinstance(value, list):
        items = [_render(item, inner) for item in value]
        return "[" + inner + ("," + inner).join(items) + newline + "]" if items else "[]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _check_depth(value: Any, left: int = MAXIMUM_DEPTH) -> None:
    if isinstance(value, dict | list):
        if not left:
            raise ValueError("it is nested too deeply")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, left - 1)


def _refuse_constant(_name: str) -> Any:
    raise ValueError("it holds a number that JSON does not have")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members
