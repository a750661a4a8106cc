"""What programs that run for minutes share: sizes that make sense, and how a run ends.

Without a library, since one of them installs those.
"""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

LEFT_ALONE = "This was less than a full run, so the report is left as it is."

_INTERRUPTED = 130


def whole_number(text: str) -> int:
    """Return a size of a run, for argparse.

    Raises:
        argparse.ArgumentTypeError: It is none, or nothing would run.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("it has to be a whole number above 0")
    return int(text)


def number(text: str) -> float:
    """Return the same with a fraction."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError("it has to be a number above 0")
    return value


def to_its_end(main: Callable[[], int], kept: str) -> NoReturn:
    """Run `main` and end with its status; when Ctrl-C stops it, say what is `kept`."""
    try:
        status = main()
    except KeyboardInterrupt:
        print(f"\nStopped; {kept}.", file=sys.stderr)
        status = _INTERRUPTED
    sys.exit(status)
