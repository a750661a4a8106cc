"""`make soak`: hours of use in the background, and how memory, descriptors and threads drift.

Called again it tells how far the running one is, takes up one that was stopped, or tells what one
that is over has found: what is kept below `.cache/soak` counts for the same minutes of the same
code. One of 120 minutes or more writes the soak of `docs/performance.md`. The exit status is 1
where something went wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import loopback_only
from bench.report import put
from prove.versions import ROOT, commit
from soak import report, stretch
from soak.kept import Kept
from soak.plan import Plan
from support.long_runs import LEFT_ALONE, number, to_its_end

if TYPE_CHECKING:
    from collections.abc import Coroutine

FULL_MINUTES = 120.0

FOLDER = ROOT / ".cache" / "soak"
PAGE = ROOT / "docs" / "performance.md"


def main() -> int:
    """Begin, go on, or tell; return the exit status."""
    arguments = _arguments()
    plan = Plan(arguments.minutes)
    path = FOLDER / f"{arguments.minutes:g}-minutes.json"
    kept = Kept.load(path, plan.minutes, commit())
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            running = (FOLDER / "running").read_text()
            print(report.render(kept, plan))
            print(f"One of {running} runs in the background.")
            return 0
        (FOLDER / "running").write_text(f"{arguments.minutes:g} minutes (process {os.getpid()})")
        if arguments.here:
            return _run(kept, plan, path)
    if kept.is_over:
        return _tell(kept, plan)
    _begin_in_background(arguments.minutes)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description="Use a window for hours.")
    parser.add_argument("--minutes", type=number, default=FULL_MINUTES)
    parser.add_argument("--here", action="store_true", help="in the foreground")
    return parser.parse_args()


def _begin_in_background(minutes: float) -> None:
    log = FOLDER / "log"
    with log.open("a") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "soak", "--minutes", f"{minutes:g}", "--here"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    print(f"Runs in the background for {minutes:g} minutes; its log is {log.relative_to(ROOT)}.")
    print(f"`kill {process.pid}` stops it; the same command again then goes on with it.")


def _run(kept: Kept, plan: Plan, path: Path) -> int:
    print(f"network: {loopback_only.enforce()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="codex-soak-") as folder:
        asyncio.run(_until_told(stretch.run(kept, plan, Path(folder), lambda: kept.save(path))))
    kept.save(path)
    if plan.minutes >= FULL_MINUTES:
        put(PAGE, report.render(kept, plan), report.BEGIN, report.END)
    else:
        print(LEFT_ALONE)
    return _tell(kept, plan)


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """Work until SIGTERM comes, and then end what was started."""
    task = asyncio.ensure_future(work)
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _tell(kept: Kept, plan: Plan) -> int:
    found = report.troubles(kept, plan)
    drifts = {
        window: [
            {figure: asdict(report.drift(one, window, figure)) for figure in report.FIGURES}
            for one in kept.stretches
        ]
        for window in report.WINDOWS
    }
    told = {"minutes": kept.seconds / 60, "done": kept.done, "troubles": found, "drifts": drifts}
    (FOLDER / "report.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(report.render(kept, plan))
    for trouble in found:
        print(f"  FAILED {trouble}")
    return 1 if found else 0


if __name__ == "__main__":
    to_its_end(main, "what was measured is kept")
