"""`make audit`: whether anything known is wrong with what the lock files pin.

Asks pip-audit's service about each Python lock file and npm's about each of npm's. Ends with status
1 where a vulnerability is known, and with status 2 and the word UNCHECKED where a service does not
answer or does not know a package: what nobody has judged never passes.
"""

from __future__ import annotations

import argparse
import sys

from audit import npm_lock, python_lock
from audit.verdict import Verdict, status
from prove.versions import ROOT

PYTHON_LOCKS = sorted(ROOT.glob("requirements*.lock"))

NPM_LOCKS = [
    ROOT / folder / "package-lock.json"
    for folder in ("vscode-client", "vscode-client/test", "tests/parts")
]


def main() -> int:
    """Ask about all, say what is known, and return the exit status."""
    parser = argparse.ArgumentParser(prog="audit", description="Ask for known vulnerabilities.")
    parser.add_argument("--osv", help="a service that speaks OSV's protocol, for Python's packages")
    osv = parser.parse_args().osv
    verdicts = [_told(python_lock.audit(lock, osv)) for lock in PYTHON_LOCKS]
    verdicts += [
        _told(npm_lock.audit(lock, lock.relative_to(ROOT).as_posix())) for lock in NPM_LOCKS
    ]
    return status(verdicts)


def _told(verdict: Verdict) -> Verdict:
    for line in verdict.lines():
        print(line, flush=True)
    return verdict


if __name__ == "__main__":
    sys.exit(main())
