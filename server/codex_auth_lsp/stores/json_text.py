"""JSON text that survives a round trip (RFC 8259), laid out as the Codex CLI writes it.

Key order and the text of every number are kept; what has two readings (a repeated key, a lone
surrogate, `NaN`) is refused rather than guessed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

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
        _check(value)
    except json.JSONDecodeError as exc:
        raise ValueError(f"line {exc.lineno}, column {exc.colno} is not JSON") from exc
    except UnicodeEncodeError as exc:
        raise ValueError("it holds half of a surrogate pair") from exc
    except RecursionError as exc:
        raise ValueError("it is nested too deeply") from exc
    return value


def render_json(value: Any) -> bytes:
    """Return UTF-8 JSON with two spaces of indent and no newline at the end."""
    text: list[str] = []
    _write(value, text.append)
    return "".join(text).encode("utf-8")


def render_compact_json(value: Any) -> bytes:
    """Return UTF-8 JSON without any space, as the Codex CLI keeps it in a keyring."""
    text: list[str] = []
    _write_compact(value, text.append)
    return "".join(text).encode("utf-8")


def _write_compact(value: Any, write: Callable[[str], None]) -> None:
    if isinstance(value, dict):
        for place, (key, member) in enumerate(value.items()):
            write(f"{',' if place else '{'}{_scalar(key)}:")
            _write_compact(member, write)
        write("}" if value else "{}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            write("," if place else "[")
            _write_compact(item, write)
        write("]" if value else "[]")
    else:
        write(_scalar(value))


def _write(value: Any, write: Callable[[str], None], newline: str = "\n") -> None:
    inner = newline + "  "
    if isinstance(value, dict):
        for place, (key, member) in enumerate(value.items()):
            write(f"{',' if place else '{'}{inner}{_scalar(key)}: ")
            _write(member, write, inner)
        write(f"{newline}}}" if value else "{}")
    elif isinstance(value, list):
        for place, item in enumerate(value):
            write(f"{',' if place else '['}{inner}")
            _write(item, write, inner)
        write(f"{newline}]" if value else "[]")
    else:
        write(_scalar(value))


def _scalar(value: Any) -> str:
    return value.text if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _check(value: Any, left: int = MAXIMUM_DEPTH) -> None:
    """Refuse what could not be written again as it is."""
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, dict | list):
        if not left:
            raise ValueError("it is nested too deeply")
        if isinstance(value, dict):
            "".join(value).encode("utf-8")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, left - 1)


def _refuse_constant(_name: str) -> Any:
    raise ValueError("it holds a number that JSON does not have")


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return members
