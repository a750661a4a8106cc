"""`make audit`: a vulnerability is told, and what nobody has judged is never taken for safe."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit import npm_lock, python_lock
from audit.__main__ import NPM_LOCKS, PYTHON_LOCKS
from audit.asking import NoAnswer, ask
from audit.services import ADVISORY, service
from audit.verdict import Verdict, status
from prove.versions import ROOT
from support.proxies import NO_PROXIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIN = "{name}=={version}{marker} \\\n    --hash=sha256:" + "0" * 64 + "\n"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return a lock file of Python packages; one of them is for another system."""
    path = tmp_path / "requirements.lock"
    windows = " ; sys_platform == 'win32'"
    path.write_text(
        PIN.format(name="one", version="1.0", marker="")
        + PIN.format(name="two", version="2.0", marker=windows)
    )
    return path


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a lock file of npm packages, and keep npm's own files in the test's folder."""
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    root = {"name": "example", "version": "1.0.0", "dependencies": {"one": "1.0.0"}}
    one = {"version": "1.0.0", "integrity": "sha512-" + "A" * 86 + "=="}
    (tmp_path / "package.json").write_text(json.dumps(root))
    path = tmp_path / "package-lock.json"
    lock = {"lockfileVersion": 3, "requires": True, "packages": {"": root, "node_modules/one": one}}
    path.write_text(json.dumps({"name": "example", "version": "1.0.0", **lock}))
    return path


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the address of a service that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """Return an address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the services of the test themselves."""
    for name, value in NO_PROXIES.items():
        monkeypatch.setenv(name, value)


def test_packages_that_a_service_has_judged_pass(python: Path):
    """Those for other systems as well."""
    with service({}) as address:
        verdict = python_lock.audit(python, f"{address}/v1/query")

    assert verdict == Verdict("requirements.lock", checked=2)
    assert status([verdict]) == 0


@pytest.mark.parametrize("known", [{"one": "1.0"}, {"two": "2.0"}], ids=str)
def test_vulnerable_package_is_named(python: Path, known):
    """With its advisory, whatever system it is for."""
    with service(known) as address:
        verdict = python_lock.audit(python, f"{address}/v1/query")

    ((name, version),) = known.items()
    assert verdict.vulnerable == (f"{name} {version}: {ADVISORY}",)
    assert verdict.lines() == [f"VULNERABLE requirements.lock: {name} {version}: {ADVISORY}"]
    assert status([verdict, Verdict("another", unchecked="no answer")]) == 1


def test_service_where_nothing_listens_leaves_python_s_packages_unchecked(python: Path, closed):
    """As on a machine without a network."""
    verdict = python_lock.audit(python, f"{closed}/v1/query")

    assert verdict.checked == 0
    assert [line.partition(":")[0] for line in verdict.lines()] == ["UNCHECKED requirements.lock"]
    assert status([verdict]) == 2


def test_service_that_is_silent_leaves_python_s_packages_unchecked(python: Path, silent):
    """It is not waited for without end."""
    verdict = python_lock.audit(python, f"{silent}/v1/query", seconds=2.0)

    assert verdict == Verdict("requirements.lock", unchecked="no answer within 2 seconds")


def test_service_with_an_error_leaves_python_s_packages_unchecked(python: Path):
    """Its error is no word about any package."""
    with service({}, status=500) as address:
        verdict = python_lock.audit(python, f"{address}/v1/query")

    assert verdict.unchecked is not None
    assert status([verdict]) == 2


def test_package_that_the_service_has_never_heard_of_is_unchecked():
    """pip-audit itself ends with status 0 there, and says that nothing was found."""
    answer = {
        "dependencies": [
            {"name": "one", "version": "1.0", "vulns": []},
            {"name": "two", "skip_reason": "not found"},
        ]
    }

    verdict = python_lock._judge("a.lock", {"one": "1.0", "two": "2.0"}, answer)

    assert verdict == Verdict("a.lock", 1, unchecked="the service does not know two")
    assert status([Verdict("b.lock", 1), verdict]) == 2


def test_lock_file_of_nothing_is_no_pass(tmp_path: Path):
    """A format that is not understood must not look like one without packages."""
    (tmp_path / "odd.lock").write_text("[[package]]\n")
    with service({}) as address:
        verdict = python_lock.audit(tmp_path / "odd.lock", f"{address}/v1/query")

    assert verdict.unchecked is not None


@pytest.mark.part("npm")
def test_npm_s_packages_that_a_registry_has_judged_pass(npm: Path):
    """All are asked about at once."""
    with service({}) as address:
        verdict = npm_lock.audit(npm, "package-lock.json", address)

    assert verdict == Verdict("package-lock.json", checked=1)


@pytest.mark.part("npm")
def test_vulnerable_package_of_npm_is_named(npm: Path):
    """With its advisory."""
    with service({"one": "<2.0.0"}) as address:
        verdict = npm_lock.audit(npm, "package-lock.json", address)

    assert verdict.vulnerable == (f"one: {ADVISORY}, https://advisories.example/{ADVISORY}",)
    assert status([verdict]) == 1


@pytest.mark.part("npm")
@pytest.mark.parametrize("where", ["closed", "silent"])
def test_registry_that_does_not_answer_leaves_npm_s_packages_unchecked(npm: Path, request, where):
    """Whether nothing listens there or nobody speaks."""
    address = request.getfixturevalue(where)

    verdict = npm_lock.audit(npm, "package-lock.json", address, seconds=4.0)

    assert verdict.checked == 0
    assert verdict.unchecked is not None
    assert status([verdict]) == 2


@pytest.mark.part("npm")
def test_registry_without_the_service_leaves_npm_s_packages_unchecked(npm: Path):
    """As a mirror that serves packages alone."""
    with service({}, status=405) as address:
        verdict = npm_lock.audit(npm, "package-lock.json", address)

    assert verdict.unchecked is not None
    assert "405" in verdict.unchecked


def test_program_that_is_missing_gives_no_answer(tmp_path: Path):
    """A machine without npm has checked nothing."""
    with pytest.raises(NoAnswer, match="cannot be started"):
        ask([str(tmp_path / "npm")], 5.0, folder=tmp_path, environment={})


def test_nothing_at_all_is_no_pass():
    """A run that found no lock file has checked nothing."""
    assert status([]) == 2


def test_every_lock_file_of_the_project_is_asked_about():
    """A new one is not forgotten."""
    import test_packaging

    assert {lock.name for lock in PYTHON_LOCKS} == set(test_packaging.LOCKS)
    assert [lock for lock in NPM_LOCKS if not lock.is_file()] == []
    assert sorted(NPM_LOCKS) == sorted(test_packaging.NPM_LOCKS)


def audited(folder: Path, address: str) -> tuple[int, list[str]]:
    """Run what `make audit` runs, with services of the test; return its status and lines."""
    ran = subprocess.run(
        [sys.executable, "-m", "audit", "--osv", f"{address}/v1/query"],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "tests"),
            "npm_config_registry": address,
            "npm_config_cache": str(folder / "npm"),
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return ran.returncode, ran.stdout.splitlines()


@pytest.mark.part("npm")
def test_make_audit_without_services_says_unchecked_of_every_lock_file(tmp_path: Path, closed):
    """And ends with a status that is no pass."""
    status, lines = audited(tmp_path, closed)

    assert status == 2
    assert [line.split(" ")[0] for line in lines] == ["UNCHECKED"] * 9


@pytest.mark.part("npm")
def test_make_audit_tells_a_vulnerability_in_either_kind_of_lock_file(tmp_path: Path):
    """By the version that is pinned, among the others that are not vulnerable."""
    h11 = next(
        line.split("==")[1].split()[0]
        for line in (ROOT / "requirements.lock").read_text().splitlines()
        if line.startswith("h11==")
    )
    with service({"h11": h11, "esbuild": "*"}) as address:
        status, lines = audited(tmp_path, address)

    assert status == 1
    assert f"VULNERABLE requirements.lock: h11 {h11}: {ADVISORY}" in lines
    assert {line.rpartition(": ")[0] for line in lines if line.startswith("ok")} >= {
        "ok requirements-build.lock"
    }
    assert [line for line in lines if line.startswith("VULNERABLE vscode-client/")] != []
    assert [line for line in lines if line.startswith("UNCHECKED")] == []
