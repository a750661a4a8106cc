"""Names of environment variables, told apart from keys that were pasted in their place.

What is set is a variable. What is not, and looks like a key, is never repeated to anybody.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NUMBER_AT_THE_END = re.compile(r"[0-9]{1,2}\Z")
_LONGEST_WORD = 32
_LONGEST_WORD_WITH_DIGITS = 15
_LONGEST_MIXED_WORD = 7


def variable_name(text: str | None, environment: Mapping[str, str]) -> str | None:
    """Return a text that is the name of a variable, None for any other."""
    if text is None or _NAME.fullmatch(text) is None:
        return None
    return text if is_set(text, environment) or not _is_like_a_key(text) else None


def is_set(name: str | None, environment: Mapping[str, str]) -> bool:
    """Say whether a variable holds more than blanks."""
    return name is not None and bool(environment.get(name, "").strip())


def _is_like_a_key(name: str) -> bool:
    """Say whether a word in a name is one that no person would think of."""
    return any(_is_random(_NUMBER_AT_THE_END.sub("", word)) for word in name.split("_"))


def _is_random(word: str) -> bool:
    if not any(character.isdigit() for character in word):
        return len(word) > _LONGEST_WORD
    is_mixed = word.upper() != word and word.lower() != word
    return len(word) > (_LONGEST_MIXED_WORD if is_mixed else _LONGEST_WORD_WITH_DIGITS)
