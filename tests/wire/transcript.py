"""The transcripts of `protocol.md`: read, and held against what a server says.

A line is a step of somebody (`*`) or a message of one window (`→` to its server, `←` from it). JSON
may hold `$name`, which stands for any value the first time and for the same from then on, and `…`,
which stands for any value, or for any more members of an object.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

MARKED = re.compile(r"<!-- transcript: ([^>]+) -->\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MESSAGE = re.compile(r"(\w) ([→←]) (?:(\w+) )?(result|error|[\w$/]+)(?:\s+(.*))?", re.DOTALL)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\$\w+|…|[{}\[\]:,]|[^\s"$…{}\[\]:,]+')
_NAMED, _REST = "$", "…"


class Unreadable(ValueError):
    """A line of a transcript is in no known notation."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens beside the protocol."""

    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A message: a request has a label, a response a label and no method."""

    window: str
    from_server: bool
    label: str | None
    method: str
    """A method, or `result` or `error` of a response."""
    body: Any
    """Params, result or error as a pattern; None where there is nothing."""

    @property
    def is_response(self) -> bool:
        return self.method in {"result", "error"}


@dataclass(frozen=True, slots=True)
class Named:
    """Any value at first, and the same from then on."""

    name: str


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value."""


def transcripts_of(text: str) -> dict[str, str]:
    """Return the transcripts of a specification by their names."""
    return dict(MARKED.findall(text))


def interleaving(text: str) -> frozenset[str]:
    """Return the notifications that a specification lets come between any two lines."""
    sentence = re.search(r"^Not shown, .*$", text, re.MULTILINE)
    return frozenset(re.findall(r"`(auth/\w+)`", sentence[0])) if sentence else frozenset()


def read_transcript(text: str) -> list[Step | Line]:
    """Return the lines of a transcript; one that begins with a blank goes on from the last.

    Raises:
        Unreadable: A line is neither a step nor a message.
    """
    return [_read(entry) for entry in re.split(r"\n(?!\s)", text.strip("\n"))]


def _read(entry: str) -> Step | Line:
    if entry.startswith("* "):
        return Step(" ".join(entry[2:].split()))
    found = _MESSAGE.fullmatch(entry.rstrip())
    if found is None:
        raise Unreadable(entry)
    window, arrow, label, method, body = found.groups()
    return Line(window, arrow == "←", label, method, read_pattern(body) if body else None)


def read_pattern(text: str) -> Any:
    """Return JSON with placeholders as a pattern.

    Raises:
        Unreadable: It is none.
    """
    parts: list[str] = []
    for token in _TOKEN.findall(text):
        if token.startswith("$"):
            parts.append(json.dumps({_NAMED: token[1:]}))
        elif token == "…" and _is_member(parts):
            parts.append(f'"{_REST}": true')
        else:
            parts.append(json.dumps({_REST: None}) if token == "…" else token)
    try:
        return json.loads(" ".join(parts), object_hook=_placeholder)
    except ValueError as exc:
        raise Unreadable(f"{exc}: {text}") from exc


def _is_member(parts: list[str]) -> bool:
    """Say whether the next token stands where an object has a name."""
    depth = 0
    for part in reversed(parts):
        depth += (part in "}]") - (part in "{[")
        if depth < 0:
            return part == "{" and parts[-1] in "{,"
    return False


def _placeholder(value: dict[str, Any]) -> Any:
    if set(value) == {_NAMED}:
        return Named(value[_NAMED])
    return Anything() if value == {_REST: None} else value


def filled_in(pattern: Any, known: dict[str, Any]) -> Any:
    """Return what a client sends: a pattern with the values of its names.

    Raises:
        Unreadable: A value is not known.
    """
    if isinstance(pattern, dict):
        return {name: filled_in(value, known) for name, value in pattern.items()}
    if isinstance(pattern, list):
        return [filled_in(value, known) for value in pattern]
    if isinstance(pattern, Named) and pattern.name in known:
        return known[pattern.name]
    if isinstance(pattern, Named | Anything) or pattern == _REST:
        raise Unreadable(f"{pattern} is sent, and nobody knows its value")
    return pattern


def differences(pattern: Any, value: Any, known: dict[str, Any], where: str = "") -> list[str]:
    """Return where a value does not fit a pattern; names that it gives are added to `known`."""
    if isinstance(pattern, Anything):
        return []
    if isinstance(pattern, Named):
        return _differences_of_named(pattern, value, known, where)
    if isinstance(pattern, dict) and isinstance(value, dict):
        expected = {name: part for name, part in pattern.items() if name != _REST}
        more = [] if _REST in pattern else [name for name in value if name not in expected]
        return [
            *(f"{where}.{name}: is not expected" for name in more),
            *(f"{where}.{name}: is missing" for name in expected if name not in value),
            *(
                line
                for name, part in expected.items()
                if name in value
                for line in differences(part, value[name], known, f"{where}.{name}")
            ),
        ]
    if isinstance(pattern, list) and isinstance(value, list) and len(pattern) == len(value):
        return [
            line
            for index, (part, item) in enumerate(zip(pattern, value, strict=True))
            for line in differences(part, item, known, f"{where}[{index}]")
        ]
    is_same = type(pattern) is type(value) and pattern == value
    return [] if is_same else [f"{where}: is {value!r}, not {pattern!r}"]


def _differences_of_named(
    pattern: Named, value: Any, known: dict[str, Any], where: str
) -> list[str]:
    if known.setdefault(pattern.name, value) == value:
        return []
    return [f"{where}: is {value!r}, and ${pattern.name} is {known[pattern.name]!r}"]
