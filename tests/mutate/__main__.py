"""`make mutate`: small changes to oauth and the pure parts of the stores, and who notices.

mutmut changes one thing at a time and runs the tests that reach it, inside one process; its
settings are in pyproject.toml. What is known is kept below `.cache/mutate`, so that a run goes on
where it was stopped. Writes its chapter of docs/reliability.md when all were tried; ends with
status 1 when too many changes go unnoticed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time

from mutate.outcome import is_whole, outcome, results
from mutate.workplace import FOLDER, MUTANTS, lay_out
from prove.__main__ import keep
from prove.versions import commit, today
from support.long_runs import number, to_its_end

_MINUTES = 60.0
_STOP_SECONDS = 10.0
_TIME = FOLDER / "seconds"


def main() -> int:
    """Run what is left, for as long as it may take, and return the exit status."""
    parser = argparse.ArgumentParser(prog="mutate", description="Find what no test notices.")
    parser.add_argument("--minutes", type=number, default=_MINUTES, help="how long to go on")
    minutes = parser.parse_args().minutes
    lay_out()
    started = time.monotonic()
    _mutmut(minutes * 60)
    took = time.monotonic() - started + (float(_TIME.read_text()) if _TIME.is_file() else 0.0)
    _TIME.write_text(str(took))
    found = results(MUTANTS)
    result = outcome(found, _diff)
    result.seconds, result.commit, result.date = took, commit(), today()
    keep(result, is_full=is_whole(found))
    for claim in result.claims:
        print(f"  {'ok    ' if claim.holds else 'FAILED'} {claim.promise}: {claim.found}")
    return 0 if result.holds else 1


def _mutmut(seconds: float) -> None:
    words = ["nice", "-n", "10", sys.executable, "-m", "mutmut", "run"]
    words += ["--max-children", f"{os.cpu_count() or 1}"]
    # The examples of hypothesis are the same each time, so that a result can be had again.
    environment = {**os.environ, "CI": "true"}
    with subprocess.Popen(words, cwd=FOLDER, env=environment, start_new_session=True) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            print("\nThe time is over; the next run goes on here.")
        finally:
            if process.poll() is None:  # afterwards its number may be somebody else's
                _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a run that has a session of its own, with all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)


def _diff(name: str) -> str:
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    with contextlib.chdir(FOLDER):  # mutmut's settings and files are found from there
        return get_diff_for_mutant(name)


if __name__ == "__main__":
    to_its_end(main, "what was tried is kept")
