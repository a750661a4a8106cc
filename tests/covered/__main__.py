"""`make coverage`: what of the server runs in its tests, processes that they start included.

Each part of the tests is measured by itself and kept below `.cache/coverage`, for the server's code
as it is; `--only` runs one of them anew, and a part that was never run on this code is run. Writes
its chapter of docs/reliability.md. Ends with status 1 when a package is below the share that is
wanted, or a test fails.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from coverage import Coverage

from covered.figures import PACKAGES, by_package, outcome
from covered.measured_venv import PACKAGE, make
from prove.__main__ import keep
from prove.versions import ROOT, commit, digest_of, today
from support.long_runs import to_its_end

if TYPE_CHECKING:
    from pathlib import Path


KEPT = ROOT / ".cache" / "coverage" / digest_of(PACKAGE)
"""The folder of this code: measurements of another do not fit its lines."""

PARTS = {
    "logic": [
        *("tests/domain", "tests/oauth", "tests/flows", "tests/config", "tests/providers"),
        *("tests/wire", "tests/test_http1.py", "tests/test_errors.py", "tests/test_secret.py"),
        *("tests/sandbox", "tests/conformance", "tests/demo"),
    ],
    "stores": ["tests/stores", "tests/service", "tests/transport", "tests/test_process.py"],
    "e2e": ["tests/e2e", "tests/terminal", "tests/doctor"],
    "parts": [
        *("tests/parts/test_keyring.py", "tests/parts/test_keyring_questions.py"),
        *("tests/parts/test_keyring_services.py", "tests/parts/test_keyring_windows.py"),
        "tests/parts/test_oidc_provider.py",
    ],
}
"""Which tests a part runs."""


def main() -> int:
    """Run what was asked for and what is missing, and return the exit status."""
    parser = argparse.ArgumentParser(prog="covered", description="Measure what the tests run.")
    parser.add_argument("--only", action="append", choices=[*PARTS], help="run this part anew")
    only = parser.parse_args().only or [*PARTS]
    started = time.monotonic()
    passed = [
        _measure(name, words)
        for name, words in PARTS.items()
        if name in only or not (KEPT / f"{name}.data").exists()
    ]
    found = by_package(_report())
    result = outcome(found, f"the tests of {len(PARTS)} parts: {', '.join(PARTS)}")
    result.seconds, result.commit, result.date = time.monotonic() - started, commit(), today()
    keep(result, is_full=all(passed))
    for package in PACKAGES:
        for file, missed in found[package].not_run.items():
            _say(f"not run: {file}: {missed}")
    for claim in result.claims:
        _say(f"  {'ok    ' if claim.holds else 'FAILED'} {claim.promise}: {claim.found}")
    return 0 if result.holds and all(passed) else 1


def _measure(name: str, words: list[str]) -> bool:
    """Run a part of the tests, keep its measurement, and say whether all passed."""
    _say(f"\n=== {name}")
    folder = KEPT / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    python = make(folder / "venv", folder / "data")
    # Tests live in files and folders of their own; the cache is that of everyday work.
    tests = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    status = subprocess.run(tests, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    _combine(KEPT / f"{name}.data", list(folder.glob("data.*")))
    shutil.rmtree(folder)
    return status == 0


def _combine(into: Path, measured: list[Path]) -> Coverage:
    whole = Coverage(data_file=str(into), config_file=False, branch=True)
    whole.set_option("report:exclude_also", ["if TYPE_CHECKING:"])
    whole.combine([str(path) for path in measured], strict=True, keep=True)
    whole.save()
    return whole


def _report() -> dict[str, Any]:
    """Return coverage's report on all parts together."""
    path = KEPT / "report.json"
    whole = _combine(KEPT / "whole.data", [KEPT / f"{name}.data" for name in PARTS])
    with redirect_stdout(io.StringIO()):
        whole.json_report(outfile=str(path))
    return json.loads(path.read_text())


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    to_its_end(main, "the parts that have ended are kept")
