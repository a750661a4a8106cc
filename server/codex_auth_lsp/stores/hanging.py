"""The error of a call that nobody waits for any more."""

from __future__ import annotations


class Hanging(Exception):
    """The call did not return in time, or was not begun since earlier ones still hang."""
