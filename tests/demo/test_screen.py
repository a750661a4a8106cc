"""The tour's layout: 80 columns, colours that can be left out, letters that every terminal has."""

from __future__ import annotations

import io
import locale
import os

import pytest

from codex_auth_lsp.demo.screen import Bar, Screen, Style

LONG = "x" * 100


class Terminal(io.StringIO):
    """A stream that says it is a terminal with this encoding."""

    def __init__(self, encoding: str = "utf-8", *, is_terminal: bool = True) -> None:
        super().__init__()
        self._encoding = encoding
        self._is_terminal = is_terminal

    @property
    def encoding(self) -> str:
        return self._encoding

    def isatty(self) -> bool:
        return self._is_terminal


def draw(style: Style, text: str) -> list[str]:
    """Return the lines of a screen that shows this text everywhere."""
    stream = io.StringIO()
    screen = Screen(stream, style)
    screen.title(text[:80])
    screen.step(1, text)
    screen.sent("A", "auth/login", text)
    screen.heard("B", "auth/statusChanged", text, 0.1234)
    screen.heard("B", "auth/statusChanged", text, 2.3)
    screen.fact("auth.json", text)
    screen.windows(Bar("A", text, signed_in=True), Bar("B", text, signed_in=False))
    screen.end(text[:80])
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_screen(ascii_only):
    """However long a label or a detail is, the layout holds."""
    lines = draw(Style(ascii_only=ascii_only), LONG)

    assert [line for line in lines if len(line) > 80] == []
    assert [line for line in lines if line != line.rstrip()] == []


def test_delay_stands_at_the_right_and_takes_nothing_from_the_words():
    """Milliseconds up to a second, then seconds."""
    _, _, _, _, soon, late, *_ = draw(Style(), "cause externalChange, origin otherProcess")

    assert (
        soon == "  B ← auth/statusChanged  cause externalChange, origin otherProcess after 123 ms"
    )
    assert (
        late == "  B ← auth/statusChanged  cause externalChange, origin otherProcess  after 2.3 s"
    )


def test_ascii_screen_has_a_letter_for_every_sign_and_for_foreign_letters():
    """A terminal without UTF-8 gets something for everything."""
    lines = draw(Style(ascii_only=True), "zoë")

    assert [line for line in lines if not line.isascii()] == []
    assert lines[3] == "  A > auth/login          zo?"
    assert "  |                             * zo? |  |                             o zo? |" in lines


@pytest.mark.skipif(os.name == "nt", reason="the colours of Windows depend on its terminal")
@pytest.mark.parametrize(
    ("terminal", "environment", "expected"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(is_terminal=False), {"TERM": "xterm"}, False),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
    ],
    ids=["terminal", "pipe", "NO_COLOR", "empty NO_COLOR", "dumb terminal"],
)
def test_colours_are_for_terminals_whose_owner_wants_them(terminal, environment, expected):
    """https://no-color.org, and no escape codes in files."""
    assert Style.of(terminal, environment).colours is expected


@pytest.mark.skipif(os.name == "nt", reason="the locale does not count on Windows")
@pytest.mark.parametrize(
    ("stream_encoding", "locale_encoding", "expected"),
    [
        ("utf-8", "UTF-8", False),
        ("utf-8", "ANSI_X3.4-1968", True),
        ("iso8859-1", "UTF-8", True),
    ],
)
def test_signs_beyond_ascii_need_a_stream_and_a_locale_with_utf8(
    monkeypatch, stream_encoding, locale_encoding, expected
):
    """In the C locale Python itself writes UTF-8, which the terminal may not show."""
    monkeypatch.setattr(locale, "getencoding", lambda: locale_encoding)

    assert Style.of(Terminal(stream_encoding), {}).ascii_only is expected
