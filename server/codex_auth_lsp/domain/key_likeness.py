"""Names, told apart from keys that were pasted in their place and are to be repeated nowhere."""

from __future__ import annotations

import re

_WORD = re.compile(r"[A-Za-z0-9]+")
_NUMBER_AT_THE_END = re.compile(r"[0-9]{1,2}\Z")
_LONGEST_WORD = 32
_LONGEST_WORD_WITH_DIGITS = 15
_LONGEST_MIXED_WORD = 7


def is_like_a_key(name: str) -> bool:
    """Say whether a word in a name is one that no person would think of."""
    return any(_is_random(_NUMBER_AT_THE_END.sub("", word)) for word in _WORD.findall(name))


def _is_random(word: str) -> bool:
    if not any(character.isdigit() for character in word):
        return len(word) > _LONGEST_WORD
    is_mixed = word.upper() != word and word.lower() != word
    return len(word) > (_LONGEST_MIXED_WORD if is_mixed else _LONGEST_WORD_WITH_DIGITS)
