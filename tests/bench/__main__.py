"""`make bench`: our figures beside those of other servers on the same machine, and their goals.

Writes `.cache/bench/figures.json`; and the figures of `docs/performance.md` with its pictures where
the run had the full sizes and no server less than the page. Ends with status 1 where a goal that
could be measured was not reached.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict

import loopback_only
from bench import flows, growth, many_windows, one_window, plots, report
from bench.peers import all_peers
from prove.versions import ROOT, commit, today, versions
from support.long_runs import LEFT_ALONE, to_its_end, whole_number

PAGE = ROOT / "docs" / "performance.md"
PICTURES = ROOT / "docs" / "performance"
KEPT = ROOT / ".cache" / "bench" / "figures.json"


def main() -> int:
    """Measure everything, write it down, and return the exit status."""
    arguments = _arguments()
    _say(f"network: {loopback_only.enforce()}")
    peers = all_peers()
    servers = [peer.name for peer in peers]
    _say(f"servers: {', '.join(servers)}")
    one = one_window.measure(peers, arguments.rounds, arguments.trips)
    _say("one window: done")
    many = many_windows.measure(
        peers, arguments.window_rounds, arguments.changes, arguments.idle_seconds
    )
    _say("many windows: done")
    grown = growth.measure(peers[0], arguments.trips)
    _say("growth: done")
    flow = asyncio.run(flows.measure(arguments.flow_rounds))
    sizes = {name: getattr(arguments, name) for name in _SIZES}
    rounds = {name.replace("_", " "): f"{size:g}" for name, size in sizes.items()}
    about = {**versions(), **rounds, "commit": commit(), "date": today()}
    is_full = all(sizes[name] >= size for name, size in _SIZES.items())
    missing = report.servers_of(PAGE) - set(servers)
    if is_full and not missing:
        report.put(PAGE, report.render(servers, one, many, grown, flow, about))
        plots.draw(PICTURES, one, many, grown)
    else:
        why = f"The page has figures of {', '.join(sorted(missing))} and is left as it is."
        _say(f"{why if is_full else LEFT_ALONE} Figures: {KEPT.relative_to(ROOT)}")
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    parts = {"one": one, "many": many, "growth": grown, "flows": flow}
    found = {**{name: asdict(part) for name, part in parts.items()}, "about": about}
    KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    goals = [*one.goals(), *many.goals(), *flow.goals()]
    for goal in goals:
        _say(f"  {_WORDS[goal.is_reached]} {goal.what}: {goal.found} ({goal.goal})")
    return 1 if any(goal.is_reached is False for goal in goals) else 0


_SIZES = {
    "rounds": 20,
    "trips": 500,
    "window_rounds": 3,
    "changes": 100,
    "idle_seconds": 20,
    "flow_rounds": 5,
}
_WORDS = {True: "ok    ", False: "MISSED", None: "-     "}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure, beside other servers.")
    for name, size in _SIZES.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=whole_number, default=size)
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    to_its_end(main, "nothing is kept of a bench that has not ended")
