"""Texts on their way to a terminal: a path or a name of somebody's choice acts on none."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return lines in which every control, format or half character is a question mark."""
    return "".join(
        character if character.isprintable() or character == "\n" else "?" for character in text
    )
