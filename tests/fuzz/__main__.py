"""`make fuzz`: a million odd messages and what else may come from outside, and the report of it.

Every portion that ends is kept below `.cache/fuzz`: a run that was stopped is taken up where it
was, and starts anew with another seed or another code. The report is written when all parts have
run to their full sizes. Ends with status 1 when anything was found.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import loopback_only
from fuzz.found import Found
from fuzz.outcome import outcome, tells_all
from fuzz.parts import PARTS, Part
from prove.__main__ import keep
from prove.versions import ROOT, commit, digest_of, today
from support.long_runs import number, to_its_end, whole_number

KEPT = ROOT / ".cache" / "fuzz" / digest_of(ROOT / "server", ROOT / "tests" / "fuzz")


def main() -> int:
    """Run what is left of the parts that were asked for, and return the exit status."""
    arguments = _arguments()
    _say(f"network: {loopback_only.enforce()}")
    all_found = {}
    for part in PARTS:
        path = KEPT / f"{part.name}-{arguments.seed}.json"
        if not arguments.only or part.name in arguments.only:
            asyncio.run(_run(part, path, arguments))
        all_found[part] = Found.load(path)
    result = outcome(all_found, arguments.seed, arguments.scale)
    result.commit, result.date = commit(), today()
    keep(result, is_full=arguments.scale >= 1 and tells_all(all_found))
    for failure in [*result.failures, *result.broken]:
        _say(f"  FAILED {failure}")
    has_failed = result.failures or (result.broken and not arguments.only)
    return 1 if has_failed else 0


async def _run(part: Part, path: Path, arguments: argparse.Namespace) -> None:
    found, wanted = Found.load(path), int(part.full * arguments.scale)
    _say(f"\n=== {part.title} ({part.name}): {found.cases:,} of {wanted:,} done")
    while found.cases < wanted and not found.findings:
        count = min(part.portion, wanted - found.cases)
        seeds = [f"{arguments.seed}-{part.name}-{found.cases + number}" for number in range(count)]
        with tempfile.TemporaryDirectory(prefix="codex-fuzz-") as folder:
            found.add(await part.run(seeds, Path(folder)))
        found.save(path)
        _say(
            f"    {found.cases:,} cases, {len(found.findings)} findings, slowest "
            f"{found.slowest:.3f} s, memory +{found.growth / 1e6:.1f} MB, {found.seconds:.0f} s"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fuzz", description="Send what nobody should send.")
    parser.add_argument(
        "--only", action="append", choices=[part.name for part in PARTS], help="run this part"
    )
    parser.add_argument("--seed", type=whole_number, default=20261126)
    parser.add_argument("--scale", type=number, default=1.0, help="share of the full figures")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    to_its_end(main, "the portions that have ended are kept")
