"""Words of `config.toml` on their way into a sentence: one line, and not endless."""

from __future__ import annotations

from codex_auth_lsp.domain.printable import printable

_LONGEST = 300


def plain(text: str) -> str:
    """Return a text without what would break a line or hide in it."""
    line = printable(" ".join(text[: 2 * _LONGEST].split()))
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
