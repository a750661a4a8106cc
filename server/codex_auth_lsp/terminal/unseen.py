"""Lines that are typed or pasted at a terminal and not shown there (POSIX termios).

While it listens the terminal shows nothing that is typed and cuts no line short. The keys that stop
a process work as ever, and however it stops or ends, short of SIGKILL, the terminal is put back
first. One that belongs to another job is left alone, and so is what is no terminal.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.secret import Secret

if sys.platform != "win32":
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

LONGEST_LINE = 16_384
"""Bytes; a longer line is handed on as an empty one, which is nothing that anybody asked for."""

_CHUNK = 4096
_LOCAL_MODES = 3  # the place of `c_lflag` in what tcgetattr returns, and of `c_cc`
_CHARACTERS = 6
_ENTER, _ERASE, _ERASE_ALL = b"\r\n", b"\x08\x7f", 0x15
_KEY = re.compile(r"\x1b(?:\[[0-9;]*[ -/]*[@-~])?")  # a key without a letter, a mark of a paste


class UnseenLines:
    """Reads such lines from one stream, for the time of a block."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._before: list[Any] | None = None
        self._on_line: Callable[[Secret], None] | None = None
        self._line = bytearray()

    @contextmanager
    def listening(self, on_line: Callable[[Secret], None]) -> Iterator[bool]:
        """Hand each line to `on_line`; yield whether anything can be typed here."""
        if sys.platform == "win32" or not self._stream.isatty() or not self._take():
            yield False
            return
        self._on_line = on_line
        loop = asyncio.get_running_loop()
        guarded = [
            number
            for number in (signal.SIGTSTP, signal.SIGQUIT, signal.SIGCONT)
            if signal.getsignal(number) is signal.SIG_DFL
        ]
        for number in guarded:
            self._guard(number)
        try:
            yield True
        finally:
            for number in guarded:
                loop.remove_signal_handler(number)
            if self._before is not None:
                with suppress(termios.error):
                    # The rest of a paste is not for the shell that comes next, nor its history.
                    termios.tcflush(self._descriptor, termios.TCIFLUSH)
            self.restore()

    def restore(self) -> None:
        """Put the terminal back at once, if it is not as it was."""
        if self._before is None:
            return
        before, self._before = self._before, None
        with suppress(RuntimeError):  # the loop has ended
            asyncio.get_running_loop().remove_reader(self._descriptor)
        with suppress(termios.error):  # the terminal has gone
            termios.tcsetattr(self._descriptor, termios.TCSANOW, before)

    @property
    def _descriptor(self) -> int:
        return self._stream.fileno()

    def _take(self) -> bool:
        """Hide what is typed from now on; return whether that can be done."""
        if self._before is not None or not self._is_ours():
            return False
        try:
            before = termios.tcgetattr(self._descriptor)
            unseen = termios.tcgetattr(self._descriptor)
            unseen[_LOCAL_MODES] &= ~(termios.ECHO | termios.ICANON)
            unseen[_CHARACTERS][termios.VMIN], unseen[_CHARACTERS][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSANOW, unseen)
        except termios.error:
            return False
        self._before = before
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        return True

    def _is_ours(self) -> bool:
        """Say whether this job has the terminal; another's that is touched stops the process."""
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return True  # it controls no job, and stops none

    def _guard(self, number: signal.Signals) -> None:
        loop = asyncio.get_running_loop()
        if number is signal.SIGCONT:
            loop.add_signal_handler(number, self._take)
        else:
            loop.add_signal_handler(number, self._give_way, number)

    def _give_way(self, number: signal.Signals) -> None:
        """Put the terminal back, and let the signal do what it does to any process."""
        self.restore()
        asyncio.get_running_loop().remove_signal_handler(number)
        signal.raise_signal(number)
        # Only a process that was stopped and goes on gets here.
        self._guard(number)
        self._take()

    def _read(self) -> None:
        try:
            chunk = os.read(self._descriptor, _CHUNK)
        except OSError:
            chunk = b""
        if not chunk:  # nobody is there any more
            asyncio.get_running_loop().remove_reader(self._descriptor)
        for byte in chunk:
            if byte in _ENTER:
                self._hand_on()
            elif byte in _ERASE:
                del self._line[-1:]
            elif byte == _ERASE_ALL:
                self._line.clear()
            elif len(self._line) <= LONGEST_LINE:
                self._line.append(byte)

    def _hand_on(self) -> None:
        is_too_long = len(self._line) > LONGEST_LINE
        typed = _KEY.sub("", self._line.decode("utf-8", "replace")).strip()
        self._line.clear()
        if typed and self._on_line is not None:
            self._on_line(Secret("" if is_too_long else typed))
