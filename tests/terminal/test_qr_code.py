"""A page's address as a QR code: readable, whole, and only where somebody can see it."""

from __future__ import annotations

import io

import pytest
import segno

from codex_auth_lsp.terminal.qr_code import can_show_qr_codes, qr_code

ADDRESS = "https://auth.openai.com/codex/device"


class Screen(io.StringIO):
    """A stream of a terminal, or of none."""

    def __init__(self, encoding: str | None = "utf-8", *, terminal: bool = True) -> None:
        super().__init__()
        self._encoding = encoding
        self._terminal = terminal

    @property
    def encoding(self) -> str | None:
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


@pytest.mark.parametrize(
    ("screen", "term", "expected"),
    [
        (Screen(), "xterm-256color", True),
        (Screen("UTF8"), "xterm", True),
        (Screen(), "dumb", False),
        (Screen("ascii"), "xterm", False),
        (Screen(None), "xterm", False),
        (Screen(terminal=False), "xterm", False),
    ],
)
def test_a_code_is_drawn_only_where_block_characters_are_seen(screen, term, expected):
    """A log file, an old terminal and an editor's shell get plain text."""
    assert can_show_qr_codes(screen, {"TERM": term}) is expected


def test_the_drawing_is_the_code_of_the_address():
    """Two rows of modules a line, light modules drawn, with the quiet zone of four modules."""
    drawn = qr_code(ADDRESS, 200).rstrip().splitlines()

    rows = [list(row) for row in segno.make(ADDRESS, micro=False, error="l").matrix_iter(border=4)]
    dots = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
    read: list[list[int]] = []
    for line in drawn:
        pairs = [dots[character] for character in line.ljust(len(rows))]
        read += [[upper for upper, _ in pairs], [lower for _, lower in pairs]]
    assert read[: len(rows)] == rows


def test_no_line_holds_a_control_character():
    """It is text: no colours, nothing that a terminal would act on."""
    assert qr_code(ADDRESS, 200).replace("\n", "").isprintable()


def test_a_code_that_is_wider_than_the_terminal_is_left_out():
    """Half a code is none."""
    width = len(qr_code(ADDRESS, 200).splitlines()[0])

    assert qr_code(ADDRESS, width) != ""
    assert qr_code(ADDRESS, width - 1) == ""
