"""`.env` beside `config.toml`: which lines count, and as what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.config.dotenv import parse_dotenv


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("export A=1\nB = two words # a remark", {"A": "1", "B": "two words"}),
        ("A=\"quo ted\" # c\nB='x#y'", {"A": "quo ted", "B": "x#y"}),
        ("A=x#y", {"A": "x#y"}),
        ("A=\nB=''", {"A": "", "B": ""}),
        ("A=1\r\nA=2\r\n", {"A": "2"}),
        ("# A=1\n\nno line\n1A=1\nA-B=1", {}),
        ("CODEX_API_KEY=1\ncodex_home=2\nCODEXA=3", {"CODEXA": "3"}),
        ("A=$HOME", {"A": "$HOME"}),
    ],
)
def test_line_is_a_name_and_a_value(text, expected):
    """Nothing is expanded, and Codex's own variables are not for a file to set."""
    assert dict(parse_dotenv(text.encode())) == expected


@given(st.binary(max_size=200))
def test_any_bytes_give_variables(raw):
    """No file brings anything else."""
    assert all(name.isidentifier() for name in parse_dotenv(raw))
