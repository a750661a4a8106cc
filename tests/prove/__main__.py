"""`make prove`: the reliability proofs with their full figures, and the report about them.

Each part that ends is kept below `.cache/prove`, so that a run can be stopped and taken up again
part by part (`--only`), and the report is written from what is there. Of less than the full sizes
nothing is kept. Ends with status 1 when a claim of a part that ran does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import tempfile
import time
import traceback
from pathlib import Path

import loopback_only
from prove.parts import PAGES, PARTS, Part, Sizes
from prove.report import render
from prove.results import Outcome
from prove.versions import ROOT, changed_since, commit, today, versions
from support import parts
from support.long_runs import LEFT_ALONE, to_its_end, whole_number

KEPT = ROOT / ".cache" / "prove"
REPORT = ROOT / "docs" / "reliability.md"


def main() -> int:
    """Run the parts that were asked for, write the report, and return the exit status."""
    arguments = _arguments()
    sizes = Sizes(**{field.name: getattr(arguments, field.name) for field in _SIZES})
    names = arguments.only or [part.name for part in PARTS]
    _say(f"network: {loopback_only.enforce()}")
    good = True
    is_full = all(
        getattr(sizes, field.name) >= field.default for field in _SIZES if field.name != "seed"
    )
    for part in PARTS:
        if part.name not in names:
            continue
        missing = [need for name in part.needs for need in parts.PARTS[name] if not need.find()]
        if missing:
            good = False
            for need in missing:
                _say(f"\n=== {part.title}: not run, {need.name} is missing; {need.remedy}")
            continue
        good &= _prove(part, sizes, is_full=is_full)
    if is_full:
        write_report()
    _say(f"The report is in {REPORT}" if is_full else LEFT_ALONE)
    return 0 if good else 1


def write_report() -> None:
    """Write the page from all that was kept; chapters of which nothing was stay as they are."""
    pages = [(page, Outcome.load(KEPT, page.name)) for page in PAGES]
    before = REPORT.read_text() if REPORT.is_file() else ""
    REPORT.write_text(render(pages, versions(), before, changed_since))


def keep(outcome: Outcome, *, is_full: bool) -> None:
    """Put what a run of another maker found into the report, where it was a full one."""
    if is_full:
        outcome.save(KEPT)
        write_report()
    else:
        _say(LEFT_ALONE)


def _prove(part: Part, sizes: Sizes, *, is_full: bool) -> bool:
    """Run a part, keep what it found, and say whether all of its claims hold."""
    try:
        outcome = asyncio.run(_run(part, sizes))
    except Exception:  # noqa: BLE001 - a part that breaks off must not cost the others' figures
        traceback.print_exc()
        _say(f"  FAILED {part.title}: it broke off")
        return False
    if is_full:
        outcome.save(KEPT)
    _tell(outcome)
    return outcome.holds


async def _run(part: Part, sizes: Sizes) -> Outcome:
    _say(f"\n=== {part.title} ({part.name})")
    begun, at = commit(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="codex-prove-") as folder:
        outcome = await part.run(sizes, Path(folder), lambda text: _say(f"    {text}"))
    outcome.seconds = time.monotonic() - at
    outcome.commit, outcome.date = begun, today()
    return outcome


def _tell(outcome: Outcome) -> None:
    for claim in outcome.claims:
        _say(f"  {'ok    ' if claim.holds else 'FAILED'} {claim.promise}: {claim.found}")
    for failure in outcome.failures:
        _say(f"  failed: {failure}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="prove", description="Prove that no login is ever lost.")
    parser.add_argument(
        "--only", action="append", choices=[part.name for part in PARTS], help="run this part"
    )
    for field in _SIZES:
        parser.add_argument(f"--{field.name}", type=whole_number, default=field.default)
    return parser.parse_args()


_SIZES = dataclasses.fields(Sizes)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    to_its_end(main, "the parts that have ended are kept")
