"""The layout of the tour: plain lines, 80 columns wide, one after the other.

Colours only where they are wanted; letters of ASCII alone where a terminal may not have others.
The words say everything, with or without either.
"""

from __future__ import annotations

import locale
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = 80

_INSIDE = 35  # columns inside a window's frame; two frames and three gaps are 80
_METHOD = 19  # columns of the longest name, auth/loginCompleted
_DETAIL = COLUMNS - len("  A > ") - _METHOD - 1

_BOLD, _DIM, _GREEN = "1", "2", "32"
_WINDOW_COLOURS = {"A": "36", "B": "35"}
_BAR_COLOURS = {False: "97;44", True: "30;42"}

_IN_ASCII = str.maketrans("→←●○─│┌┐└┘", "><*o-|++++")


@dataclass(frozen=True, slots=True)
class Style:
    """How text may look."""

    colours: bool = False
    ascii_only: bool = False

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str]) -> Style:
        """Return what suits a stream, the environment (https://no-color.org) and the locale.

        In a C locale Python writes UTF-8 whatever the terminal shows, so the locale counts too.
        """
        encodings = {stream.encoding or "ascii"}
        if os.name != "nt":
            encodings.add(locale.getencoding())
        return cls(
            colours=stream.isatty()
            and not environment.get("NO_COLOR")
            and environment.get("TERM") != "dumb"
            and (os.name != "nt" or "WT_SESSION" in environment),
            ascii_only={name.lower().replace("-", "") for name in encodings} != {"utf8"},
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """A window's status bar, as it is drawn."""

    window: str
    text: str
    signed_in: bool


class Screen:
    """Writes the tour, each line at once."""

    def __init__(self, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style

    def title(self, text: str, *lines: str) -> None:
        """Say what the tour is."""
        self._line(self._coloured(text, _BOLD))
        for line in lines:
            self._line(line)

    def step(self, number: int, text: str) -> None:
        """Begin a step."""
        self._line()
        self._line(self._coloured(_clipped(f"{number} {text}", COLUMNS - 1), _BOLD))

    def sent(self, window: str, method: str, detail: str) -> None:
        """Show a message from a window to its language server."""
        self._row(f"{self._window(window)} →", method, detail)

    def heard(self, window: str, method: str, detail: str, delay: float | None = None) -> None:
        """Show a message to a window; `delay` is in seconds since the change that it tells of."""
        self._row(f"{self._window(window)} ←", method, detail, _after(delay))

    def fact(self, name: str, detail: str) -> None:
        """Show what happened beside the messages."""
        self._row("   ", name, detail)

    def windows(self, *bars: Bar) -> None:
        """Draw windows side by side, each with its status bar."""
        names = [f"─ Window {bar.window} " for bar in bars]
        self._frames([f"┌{name}{'─' * (_INSIDE - len(name))}┐" for name in names])
        self._frames([f"│{self._bar(bar)}│" for bar in bars])
        self._frames([f"└{'─' * _INSIDE}┘" for _ in bars])

    def end(self, *lines: str) -> None:
        """Say the last words."""
        self._line()
        for line in lines:
            self._line(line)

    def _frames(self, parts: list[str]) -> None:
        self._line("  " + "  ".join(parts))

    def _bar(self, bar: Bar) -> str:
        text = _clipped(f"{'●' if bar.signed_in else '○'} {bar.text}", _INSIDE - 2)
        return self._coloured(f"{text:>{_INSIDE - 1}} ", _BAR_COLOURS[bar.signed_in])

    def _window(self, name: str) -> str:
        return self._coloured(name, _WINDOW_COLOURS.get(name, _BOLD))

    def _row(self, head: str, name: str, detail: str, after: str = "") -> None:
        room = _DETAIL - len(after)
        detail = _clipped(detail, room)
        gap = " " * (room - len(detail)) if after else ""
        shown = f"{self._coloured(detail, _DIM)}{gap}{self._coloured(after, _GREEN)}"
        self._line(f"  {head} {name:<{_METHOD}} {shown}")

    def _coloured(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._style.colours and text else text

    def _line(self, text: str = "") -> None:
        if self._style.ascii_only:
            text = text.translate(_IN_ASCII).encode("ascii", "replace").decode("ascii")
        self._stream.write(text.rstrip() + "\n")
        self._stream.flush()


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def _after(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f" after {seconds * 1000:.0f} ms" if seconds < 1 else f" after {seconds:.1f} s"
