"""What is written for a person at a terminal: nothing in it acts on the terminal."""

from __future__ import annotations

import sys

from codex_auth_lsp.domain.printable import printable


def tell(text: str) -> None:
    """Write what the person asked for."""
    sys.stdout.write(printable(text))


def remark(text: str) -> None:
    """Write the way there, or what went wrong, so that it is seen at once."""
    sys.stderr.write(printable(text))
    sys.stderr.flush()
