"""`make mutate`: small changes to oauth and the pure parts of the stores, and who notices.

mutmut changes one thing at a time and runs the tests that reach it, inside one process; its
settings are in pyproject.toml. What is known is kept below `.cache/mutate`, so that a run goes on
where it was stopped. Writes its chapter of docs/reliability.md; ends with status 1 when too many
changes go unnoticed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time

from mutate.outcome import outcome, results
from mutate.workplace import FOLDER, MUTANTS, lay_out
from prove.__main__ import KEPT as PROVED
from prove.__main__ import write_report
from prove.versions import commit, today

_MINUTES = 60.0
_STOP_SECONDS = 10.0
_TIME = FOLDER / "seconds"


def main() -> int:
    """Run what is left, for as long as it may take, and return the exit status."""
    parser = argparse.ArgumentParser(prog="mutate", description="Find what no test notices.")
    parser.add_argument("--minutes", type=float, default=_MINUTES, help="how long to go on")
    minutes = parser.parse_args().minutes
    lay_out()
    started = time.monotonic()
    if minutes:
        _mutmut(minutes * 60)
    took = time.monotonic() - started + (float(_TIME.read_text()) if _TIME.is_file() else 0.0)
    _TIME.write_text(str(took))
    result = outcome(results(MUTANTS), _diff)
    result.seconds, result.commit, result.date = took, commit(), today()
    result.save(PROVED)
    write_report()
    for claim in result.claims:
        print(f"  {'ok    ' if claim.holds else 'FAILED'} {claim.promise}: {claim.found}")
    return 0 if result.holds else 1


def _mutmut(seconds: float) -> None:
    words = [
        "nice",
        "-n",
        "10",
        sys.executable,
        "-m",
        "mutmut",
        "run",
        "--max-children",
        str(os.cpu_count() or 1),
    ]
    # The examples of hypothesis are the same each time, so that a result can be had again.
    environment = {**os.environ, "CI": "true"}
    with subprocess.Popen(words, cwd=FOLDER, env=environment, start_new_session=True) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            print("\nThe time is over; the next run goes on here.")
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _diff(name: str) -> str:
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    with contextlib.chdir(FOLDER):  # mutmut's settings and files are found from there
        return get_diff_for_mutant(name)


if __name__ == "__main__":
    sys.exit(main())
