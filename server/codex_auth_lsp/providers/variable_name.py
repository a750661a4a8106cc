"""Names of environment variables, told apart from keys that were pasted in their place.

What is set is a variable. What is not, and looks like a key, is never repeated to anybody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.key_likeness import is_like_a_key

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def variable_name(text: str | None, environment: Mapping[str, str]) -> str | None:
    """Return a text that is the name of a variable, None for any other."""
    if text is None or _NAME.fullmatch(text) is None:
        return None
    return text if is_set(text, environment) or not is_like_a_key(text) else None


def is_set(name: str | None, environment: Mapping[str, str]) -> bool:
    """Say whether a variable holds more than blanks."""
    return name is not None and bool(environment.get(name, "").strip())
