"""The copy of the project in which mutmut works, below `.cache/mutate`.

mutmut looks for the package in `src/`, and copies all tests that it finds, which here would take
the installed parts along. So it gets what it needs, laid out as it likes. What it has found out is
kept there: of a function that has not changed, its killed mutants stay killed; what survived is
tried again when the tests have changed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

from prove.versions import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FOLDER = ROOT / ".cache" / "mutate"
MUTANTS = FOLDER / "mutants"

_TESTS = ("oauth", "stores", "flows", "service", "domain", "support", "e2e", "sandbox")
_FILES = ("conftest.py", "loopback_only.py")
_AGAIN = frozenset({0, 5, 33, 36, -24, 24, 152, 255, -11, -9, 35, 2})  # mutmut.stats: none killed
_IGNORED = shutil.ignore_patterns("__pycache__", "node_modules")


def lay_out() -> None:
    """Bring the copy up to date; what has not changed keeps its time, by which mutmut goes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in _TESTS:
        _copy(ROOT / "tests" / name, FOLDER / "tests" / name)
    for name in _FILES:
        shutil.copy2(ROOT / "tests" / name, FOLDER / "tests" / name)
    _copy(ROOT / "server" / "codex_auth_lsp", FOLDER / "src" / "codex_auth_lsp")
    shutil.copy2(ROOT / "pyproject.toml", FOLDER)
    known = FOLDER / "tests.sha256"
    now = _digest((FOLDER / "tests").rglob("*.py"))
    if known.is_file() and known.read_text() != now:
        _try_survivors_again()
    known.write_text(now)


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)  # what is gone from the source goes
    shutil.copytree(source, target, ignore=_IGNORED)


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _try_survivors_again() -> None:
    shutil.rmtree(MUTANTS / "tests", ignore_errors=True)
    (MUTANTS / "mutmut-stats.json").unlink(missing_ok=True)
    for path in MUTANTS.rglob("*.meta"):
        found = json.loads(path.read_text())
        codes = found["exit_code_by_key"]
        found["exit_code_by_key"] = {
            name: None if code in _AGAIN else code for name, code in codes.items()
        }
        path.write_text(json.dumps(found, indent=4))
