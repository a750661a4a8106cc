"""What is shipped, what it depends on, and that the files which say so agree."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import codex_auth_lsp
import test_layers

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
LOCKS = {
    "requirements.lock": PROJECT["project"]["dependencies"],
    "requirements-build.lock": GROUPS["build"],
    "requirements-dev.lock": GROUPS["dev"],
    "requirements-bench.lock": GROUPS["bench"],
    "requirements-fuzz.lock": GROUPS["fuzz"],
    "requirements-mutate.lock": GROUPS["mutate"],
}

NPM_LOCKS = [
    ROOT / folder / "package-lock.json"
    for folder in ("vscode-client", "vscode-client/test", "tests/parts")
]

COMES_WITH = {
    "cattrs": "pygls",
    "pydantic_core": "pydantic",
    "cryptography": "jwt",
    "socksio": "httpx",
}
"""Libraries that are part of what a declared one offers: its values, its errors."""

IMPORTED_AS = {"PyJWT": "jwt"}
"""Distributions whose library has another name."""

ADDRESS = re.compile(r"https?://|--(?:index|extra-index|find-links)|@ file:", re.IGNORECASE)


def names(requirements: list[str]) -> set[str]:
    return {Requirement(text).name for text in requirements}


def pins(lock: str) -> dict[str, Requirement]:
    """Return the requirements of a lock file, each with what stands in its block."""
    found = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            requirement = Requirement(line.removesuffix("\\"))
            found[canonicalize_name(requirement.name)] = requirement
    return found


def test_version_is_that_of_the_installed_distribution():
    """One number, in one place."""
    assert codex_auth_lsp.__version__ == importlib.metadata.version("codex-auth-lsp")


def test_console_script_is_the_command_line():
    """What people call is what `python -m` runs."""
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="codex-auth-lsp")

    assert script.value == "codex_auth_lsp.__main__:main"
    assert callable(script.load())


def test_declared_dependencies_are_those_that_are_used():
    """Each library of the layers' table is declared or part of a declared one, and no other is."""
    used = set(test_layers.OWNERS) - set(COMES_WITH)

    declared = names(PROJECT["project"]["dependencies"])
    assert used == {IMPORTED_AS.get(name, name) for name in declared}
    assert set(COMES_WITH.values()) <= used


@pytest.mark.parametrize(("lock", "requirements"), LOCKS.items())
def test_lock_pins_every_dependency_with_its_hashes(lock, requirements):
    """The versions are ones that `pyproject.toml` allows."""
    pinned = pins(lock)
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / lock).read_text().strip())

    assert {len(blocks)} == {len(pinned)}
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    for text in requirements:
        wanted = Requirement(text)
        (specifier,) = pinned[canonicalize_name(wanted.name)].specifier
        assert specifier.operator == "=="
        assert wanted.specifier.contains(specifier.version), wanted


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_no_address(lock):
    """Where packages come from is for the machine to say."""
    assert ADDRESS.findall((ROOT / lock).read_text()) == []


@pytest.mark.parametrize("lock", [path.relative_to(ROOT) for path in NPM_LOCKS], ids=str)
def test_npm_lock_pins_with_hashes_and_holds_no_address(lock):
    """The same for the packages of npm."""
    packages = json.loads((ROOT / lock).read_text())["packages"]
    installed = {name: entry for name, entry in packages.items() if name}

    assert [name for name, entry in installed.items() if "integrity" not in entry] == []
    assert [name for name, entry in installed.items() if "resolved" in entry] == []


def test_wheel_holds_the_package_and_nothing_else(tmp_path):
    """Its type marker and its licence, but no test."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
        metadata = archive.read(next(name for name in held if name.endswith("/METADATA"))).decode()
    sources = {
        path.relative_to(ROOT / "server").as_posix()
        for path in (ROOT / "server").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    others = {name.partition("/")[2] for name in held - sources}
    assert sources <= held
    assert "codex_auth_lsp/py.typed" in held
    assert others == {"METADATA", "WHEEL", "entry_points.txt", "licenses/LICENSE", "RECORD"}
    assert "Requires-Python: >=3.11" in metadata


def test_contributing_gives_a_reason_for_each_dependency():
    """One line each, for runtime, build, development and npm."""
    text = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Dependencies\n")[2]
    packages = [
        json.loads(path.read_text())
        for path in (
            ROOT / "vscode-client/package.json",
            ROOT / "vscode-client/test/package.json",
            ROOT / "tests/parts/package.json",
        )
    ]
    wanted = set().union(
        *(names(requirements) for requirements in LOCKS.values()),
        *(package.get("dependencies", {}) for package in packages),
        *(package.get("devDependencies", {}) for package in packages),
        (ROOT / "tests/parts/debian.txt").read_text().split(),
    )
    given = re.findall(r"^\| (`[^|]+`) \| +(\S[^|]{10,}) \|$", text, re.MULTILINE)
    reasons = {name: reason for cell, reason in given for name in re.findall(r"`([^`]+)`", cell)}

    assert wanted == set(reasons)


def test_contributing_names_the_targets_of_make():
    """What it says to run can be run."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r"`make ([a-z]+)[^`]*`", text)) == set(phony.split())


def test_ci_calls_make_test():
    """One command for people and for machines; git keeps its executable bit."""
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & 0o111 == 0o111
    assert "make test" in script.read_text()
