"""What ends the tour early."""

from __future__ import annotations


class DemoFailed(Exception):
    """The tour cannot go on. The message is one sentence for the person who watches it."""
