"""TOML 1.0 text to values, within limits that keep a hostile file from taking seconds.

tomllib's time grows with the parts of dotted keys, of which a short file can hold very many.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from pathlib import Path

MOST_PARTS_OF_A_KEY = 16
"""`a.b.c` has three; no key that Codex knows has more than six."""

MOST_DOTS = 10_000
"""Outside of strings and comments: far more tables and dotted keys than anybody writes."""

_POSITION = re.compile(r"\(at line (\d+), column (\d+)\)")
_TWICE = re.compile("overwrite|twice|Duplicate")  # a key or a table, in tomllib's words
_AT_THE_END = "(at end of document)"

# Comments and strings, whose dots separate nothing. A string that does not end counts as far as it
# goes: the parser goes no further either, and to look for an end that is not there takes long.
_TEXTS = re.compile(
    r"""\#[^\n]* | \"{3}(?:[^"\\]|\\.|"(?!""))*(?:\"{3,5})? | '{3}(?:[^']|'(?!''))*(?:'{3,5})?
    | "(?:[^"\\\n]|\\.)*"? | '[^'\n]*'?""",
    re.VERBOSE | re.DOTALL,
)
_ENDLESS_KEY = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{MOST_PARTS_OF_A_KEY}}}")


def parse_toml(raw: bytes, path: Path) -> dict[str, Any]:
    """Return the values in the content of `path`.

    Raises:
        ConfigurationInvalid: It is not TOML, or too intricate; the line is named, and the column
            where that is known. No message repeats a value.
    """
    import tomllib  # not needed where there is no config.toml

    try:
        text = raw.decode("utf-8-sig")  # Notepad's mark; the Codex CLI 0.169.0 reads past it
    except UnicodeDecodeError as exc:
        line = raw[: exc.start].count(b"\n") + 1
        raise ConfigurationInvalid(f"{path}, line {line}: this is not UTF-8 text.") from exc
    _check_keys(text, path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as exc:  # tomllib's own error, too long integers
        where = _position(str(exc), text)
        what = "key or table is there already" if _TWICE.search(str(exc)) else "is not valid TOML"
        raise ConfigurationInvalid(f"{path}{where}: this {what}.") from exc


def _check_keys(text: str, path: Path) -> None:
    if text.count(".") < MOST_PARTS_OF_A_KEY:
        return
    keys = _TEXTS.sub(lambda found: "s" + "\n" * found[0].count("\n"), text)
    if endless := _ENDLESS_KEY.search(keys):
        line = keys.count("\n", 0, endless.start()) + 1
        raise ConfigurationInvalid(
            f"{path}, line {line}: a key has more than {MOST_PARTS_OF_A_KEY} parts."
        )
    if keys.count(".") > MOST_DOTS:
        raise ConfigurationInvalid(f"{path} has more than {MOST_DOTS} dots outside its strings.")


def _position(problem: str, text: str) -> str:
    """Return where tomllib met a problem; of the end of a file it does not say where that is."""
    if position := _POSITION.search(problem):
        return f", line {position[1]}, column {position[2]}"
    if _AT_THE_END in problem:
        lines = text.split("\n")
        return f", line {len(lines)}, column {len(lines[-1]) + 1}"
    return ""
