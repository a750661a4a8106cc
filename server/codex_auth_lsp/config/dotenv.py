"""`.env` in the folder of the login cache: variables for programs that have no shell behind them.

As in the Codex CLI 0.169.0 it wins over the environment, and no `CODEX_*` name in it counts.
Lines are `NAME=value` or `export NAME=value`; quotes around a value and what follows ` #` are
cut off. Nothing is expanded. A line that is none of this is skipped.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DOTENV_NAME = ".env"

_LINE = re.compile(
    r"""\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*
    (?:"([^"]*)"|'([^']*)'|([^#\s](?:[^#]|(?<!\s)\#)*)?)\s*(?:\#.*)?""",
    re.VERBOSE,
)


def parse_dotenv(raw: bytes) -> Mapping[str, str]:
    """Return the variables in the content of the file; none where it is no UTF-8 text."""
    variables = {}
    try:
        lines = raw.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        lines = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is not None and not match[1].upper().startswith("CODEX_"):
            variables[match[1]] = next((text for text in match.groups()[1:] if text), "").strip()
    return MappingProxyType(variables)
