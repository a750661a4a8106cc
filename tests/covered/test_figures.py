"""The figures of a coverage run: per package, lines and branches apart, and what is too little."""

from __future__ import annotations

import subprocess

import coverage
import pytest

from covered.figures import PACKAGES, Figures, by_package, outcome
from covered.measured_venv import make

FOLDER = "server/codex_auth_lsp"


def file(lines: int, lines_run: int, branches: int, branches_run: int) -> dict:
    return {
        "summary": {
            "num_statements": lines,
            "covered_lines": lines_run,
            "num_branches": branches,
            "covered_branches": branches_run,
        },
        "missing_lines": [*range(lines - lines_run)],
        "missing_branches": [[100, -1]] * (branches - branches_run),
    }


def test_modules_of_a_package_are_counted_together():
    """Those below it as well; a module of no package is by itself."""
    report = {
        "files": {
            f"{FOLDER}/oauth/http.py": file(90, 80, 10, 9),
            f"{FOLDER}/oauth/deep/token.py": file(10, 10, 0, 0),
            f"{FOLDER}/cli.py": file(5, 5, 0, 0),
        }
    }

    found = by_package(report)

    assert {
        name: (figures.line_share, figures.branch_share) for name, figures in found.items()
    } == {
        "(none)": (100.0, 100.0),
        "oauth": (90.0, 90.0),
    }
    assert list(found["oauth"].not_run) == [f"{FOLDER}/oauth/http.py"]
    assert found["oauth"].not_run[f"{FOLDER}/oauth/http.py"].endswith("9, 100->end")


@pytest.mark.parametrize(
    ("lines_run", "branches_run", "holds"),
    [(96, 96, True), (95, 96, False), (96, 95, False), (100, 100, True)],
)
def test_both_shares_of_every_package_have_to_be_over_the_one_that_is_wanted(
    lines_run, branches_run, holds
):
    """Many lines do not make up for few branches."""
    found = {package: Figures(100, 100, 100, 100) for package in PACKAGES}
    found["stores"] = Figures(100, lines_run, 100, branches_run)
    found["demo"] = Figures(100, 0, 100, 0)

    assert outcome(found, "some tests").holds is holds


def test_package_that_was_not_measured_does_not_hold():
    """A run that found nothing is no pass."""
    found = {package: Figures(100, 100, 100, 100) for package in PACKAGES[1:]}

    assert not outcome(found, "some tests").holds
    assert not outcome({}, "no tests").holds


def test_isolated_process_in_an_empty_environment_is_measured(tmp_path):
    """As the tests start servers, which also end by `os._exit`."""
    python = make(tmp_path / "venv", tmp_path / "data")
    script = (
        "import os; from codex_auth_lsp.domain import timestamps\n"
        "assert [name for name in os.environ if 'COV' in name] == []\n"
        "os._exit(0)\n"
    )

    subprocess.run([python, "-I", "-c", script], env={}, cwd=tmp_path, check=True)

    (path,) = tmp_path.glob("data.*")
    data = coverage.CoverageData(str(path))
    data.read()
    assert [name for name in data.measured_files() if name.endswith("domain/timestamps.py")] != []
    assert data.has_arcs()


def test_console_script_is_measured(tmp_path):
    """Some people start a server by it, and so does a test."""
    python = make(tmp_path / "venv", tmp_path / "data")

    program = python.with_name("codex-auth-lsp")
    subprocess.run([program], stdin=subprocess.DEVNULL, env={}, cwd=tmp_path, check=True)

    (path,) = tmp_path.glob("data.*")
    data = coverage.CoverageData(str(path))
    data.read()
    assert [name for name in data.measured_files() if name.endswith("transport/serve.py")] != []
