"""A signal that comes while the program is still being loaded: it has begun nothing, and just ends.

With the status that it would have later: 0 for a language server, 130 for a command. What Python
does of its own before this module runs, a hundredth of a second, cannot be reached.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from codex_auth_lsp.option_names import TAKE_A_VALUE

if TYPE_CHECKING:
    from types import FrameType

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP")  # the last is not known to Windows
_STOPPED = b"codex-auth-lsp: stopped.\n"


def end_at_once_on_signals() -> None:
    """Take the signals that end a process, those apart that somebody wants ignored."""
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def let_interrupts_be_raised() -> None:
    """Give Ctrl-C back to Python: from now on a command ends by it in an order of its own."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    if _names_no_command(sys.argv[1:]):
        os._exit(0)
    with suppress(OSError):
        os.write(2, _STOPPED)
    os._exit(130)


def _names_no_command(words: list[str]) -> bool:
    rest = iter(words)
    for word in rest:
        if word in TAKE_A_VALUE:
            next(rest, None)
        elif not word.startswith("-"):
            return False
    return True
