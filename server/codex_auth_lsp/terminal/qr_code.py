"""An address as a QR code of block characters, for a phone's camera in front of a terminal.

Dark on light with its quiet zone, in plain characters and without colours, so that it can be read
on a dark and on a light screen. Nothing is better than half a code: what does not fit is left out.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping


def can_show_qr_codes(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Say whether a person sees block characters on this stream."""
    encoding = (stream.encoding or "").lower().replace("-", "")
    return stream.isatty() and encoding == "utf8" and environment.get("TERM", "") != "dumb"


def qr_code(address: str, columns: int) -> str:
    """Return the lines of the code, nothing where it is wider than the terminal."""
    import segno

    drawn = io.StringIO()
    segno.make(address, micro=False, error="l").terminal(drawn, compact=True)
    code = drawn.getvalue()
    width = max(len(line) for line in code.splitlines())
    return f"{code.rstrip()}\n\n" if width <= columns else ""
