"""The TypeScript of `protocol.md`: its declarations as values, read so that nothing is skipped."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_COMMENT = re.compile(r"/\*\*(.*?)\*/", re.DOTALL)
_INTERFACE = re.compile(
    r"(?:«\d+»\s*)?interface (\w+)(?: extends (\w+))? \{(?:\}|\n(.*?)\n\})", re.DOTALL
)
_ALIAS = re.compile(r"(?:«\d+»\s*)?type (\w+) =([^;]*);")
_FIELD = re.compile(r"(?:«(\d+)»\s*)?(\w+)(\??): ([^;]+);")
_MEMBER = re.compile(r"«\d+»\s*\| \"(\w+)\"")


@dataclass(frozen=True)
class Field:
    """A field of an interface; `comment` is empty where there is none."""

    type: str
    optional: bool
    comment: str


@dataclass(frozen=True)
class Interface:
    """An interface with the fields that it declares itself."""

    base: str | None
    fields: dict[str, Field]


@dataclass
class Declarations:
    """All declarations of some blocks, and what could not be read."""

    interfaces: dict[str, Interface] = field(default_factory=dict)
    enumerations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)


def read_declarations(blocks: list[str]) -> Declarations:
    """Return what the blocks declare; an enumeration counts only with a comment a value."""
    found = Declarations()
    for block in blocks:
        _read_block(block, found)
    return found


def _read_block(block: str, found: Declarations) -> None:
    # Comments go first, since they may hold anything; a field finds its own by number.
    comments: list[str] = []
    text = _COMMENT.sub(lambda match: _keep(match[1], comments), block)
    text = _INTERFACE.sub(lambda match: _interface(match, comments, found), text)
    text = _ALIAS.sub(lambda match: _alias(match, found), text)
    _expect_nothing(text, found)


def _keep(comment: str, comments: list[str]) -> str:
    comments.append(" ".join(re.sub(r"^\s*\*", "", comment, flags=re.MULTILINE).split()))
    return f"«{len(comments) - 1}»"


def _interface(match: re.Match[str], comments: list[str], found: Declarations) -> str:
    name, base, body = match[1], match[2], match[3] or ""
    fields = {
        entry[2]: Field(
            " ".join(entry[4].split()), entry[3] == "?", comments[int(entry[1])] if entry[1] else ""
        )
        for entry in _FIELD.finditer(body)
    }
    _expect_nothing(_FIELD.sub("", body), found)
    found.interfaces[name] = Interface(base, fields)
    return ""


def _alias(match: re.Match[str], found: Declarations) -> str:
    name, body = match[1], match[2].strip()
    values = tuple(_MEMBER.findall(body))
    if values:
        _expect_nothing(_MEMBER.sub("", body), found)
        found.enumerations[name] = values
    else:
        found.aliases[name] = body
    return ""


def _expect_nothing(rest: str, found: Declarations) -> None:
    if rest.strip():
        found.unreadable.append(" ".join(rest.split()))
