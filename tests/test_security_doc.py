"""`docs/security.md` says what is tried: every row once, every test there, and each names its row.

A row's id stands in the docstring of its tests, as `(P12)` or `(P12, L3)`, or in their names.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "security.md"

ROWS = (
    [f"P{number}" for number in range(1, 30)]
    + [f"L{number}" for number in range(1, 26)]
    + [f"S{number}" for number in range(1, 24)]
    + [f"W{number}" for number in range(1, 24)]
)

WITHOUT = {"P13", "P28"}
"""The rows that no test can hold; each says why."""

NO_ATTACKER = {"L25", "S10", "S15", "S17", "S20"}
"""The rows of mishaps, which nobody brings about."""

_ROW = re.compile(r"^\| ([PLSW]\d+) \| (.*) \| (.*) \| (.*)\|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_IN_DOCSTRING = re.compile(r"\(((?:[PLSW]\d+)(?:, [PLSW]\d+)*)\)")
_IN_NAME = re.compile(r"(?<=_)([plsw]\d+)(?=_)")


def rows() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Return each row of the document: its id, what must happen, and its tests."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return [(match[1], match[3], _TEST.findall(match[4])) for match in _ROW.finditer(text)]


@cache
def named_rows(path: Path) -> dict[str, set[str]]:
    """Return each test of a file with the rows that it names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.name: {
            row
            for found in _IN_DOCSTRING.findall(ast.get_docstring(node) or "")
            for row in found.split(", ")
        }
        | {row.upper() for row in _IN_NAME.findall(node.name)}
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def test_every_row_stands_there_once():
    """In order, and no other."""
    assert [row for row, _, _ in rows()] == ROWS


def test_a_row_without_a_test_says_why():
    """All others have one."""
    without = {row for row, _, tests in rows() if not tests}

    assert without == WITHOUT
    assert all("Does not apply" in text for row, text, _ in rows() if row in without)


@pytest.mark.parametrize("row", [row for row in ROWS if row not in WITHOUT])
def test_a_row_s_tests_exist_and_name_it(row):
    """Who changes a test sees what it is for."""
    tests = next(tests for name, _, tests in rows() if name == row)
    missing = [
        f"{path}::{test}"
        for path, test in tests
        if row not in named_rows(ROOT / path).get(test, set())
    ]

    assert missing == []


def test_what_names_a_row_stands_in_it():
    """The other way round: no test claims a row that the document does not give it."""
    claimed = {
        (row, path.relative_to(ROOT).as_posix(), test)
        for path in (ROOT / "tests").rglob("test_*.py")
        if "node_modules" not in path.parts
        for test, found in named_rows(path).items()
        for row in found
    }
    listed = {(row, path, test) for row, _, tests in rows() for path, test in tests}

    assert claimed - listed == set()


def test_every_attacker_has_rows_that_are_there():
    """Who looks for one finds what was tried, and every row but those of mishaps is somebody's."""
    text = DOCUMENT.read_text(encoding="utf-8")
    cells = re.findall(
        r"^\| [^|]+ \| [^|]+ \| [^|]+ \| ([^|]*[PLSW]\d[^|]*) \|$", text, re.MULTILINE
    )
    named = set()
    for first, _, last in re.findall(r"\b([PLSW]\d+)( to ([PLSW]\d+))?", " ".join(cells)):
        numbers = range(int(first[1:]), int((last or first)[1:]) + 1)
        named |= {f"{first[0]}{number}" for number in numbers}

    assert len(cells) >= 8
    assert named - set(ROWS) == set()
    assert set(ROWS) - named - WITHOUT == NO_ATTACKER


def test_files_that_are_named_exist():
    """Beside the tests, what the text points to."""
    text = DOCUMENT.read_text(encoding="utf-8")
    named = re.findall(r"`((?:server|tests|vscode-client)/[\w/.]+\.(?:py|mjs|ts))`", text)

    assert named != []
    assert [path for path in named if not (ROOT / path).is_file()] == []
