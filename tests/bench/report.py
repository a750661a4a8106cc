"""The figures of `docs/performance.md`, between two marks; the words around them are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.figures import Samples, digits, row
from bench.growth import slope
from bench.many_windows import WINDOWS
from bench.one_window import AT_ONCE, WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.figures import Goal
    from bench.flows import Flows
    from bench.growth import Growth
    from bench.many_windows import ManyWindows
    from bench.one_window import OneWindow

PICTURES = {
    "start": "Spawn to the first status",
    "latency": "Status round trip",
    "memory": "Memory of one window",
    "change": "How soon an outside change is heard",
    "growth-time": "All windows ready, by their number",
    "growth-memory": "Memory of all windows, by their number",
    "growth-configuration": "First status, by the size of config.toml",
}
"""What `plots` draws beside the page."""

BEGIN, END = "<!-- figures: make bench -->", "<!-- end of figures -->"


def put(path: Path, figures: str, begin: str = BEGIN, end: str = END) -> None:
    """Put figures in the place of the old ones, between two marks."""
    before, _, rest = path.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n{figures}\n{end}{after}", encoding="utf-8")


def servers_of(path: Path) -> set[str]:
    """Return the servers that the page has figures of; none where there is no page."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    head = re.search(r"^\| figure \| ((?!goal).*) \|$", text, re.MULTILINE)
    return set(head[1].split(" | ")) if head is not None else set()


def render(
    servers: Sequence[str],
    one: OneWindow,
    many: ManyWindows,
    grown: Growth,
    flows: Flows,
    about: Mapping[str, str],
) -> str:
    """Return the figures as Markdown."""
    return "\n".join(_lines(servers, one, many, grown, flows, about))


def _lines(
    servers: Sequence[str],
    one: OneWindow,
    many: ManyWindows,
    grown: Growth,
    flows: Flows,
    about: Mapping[str, str],
) -> Iterator[str]:
    goals = [*one.goals(), *many.goals(), *flows.goals()]
    yield from _table(("figure", "goal", "found", "reached"), [_goal(goal) for goal in goals])
    yield "Ratios are medians of the rounds' ratios; the servers took turns in each round."
    yield ""
    figures: list[tuple[str, Samples, tuple[int, ...]]] = [
        ("spawn to `initialize` answered, ms (p99)", one.initialize, (99,)),
        ("spawn to the first status, ms (p99)", one.first_status, (99,)),
        ("memory after it, PSS, MiB", one.memory, ()),
        ("round trip p50, µs", one.trip_p50, ()),
        ("round trip p99, µs", one.trip_p99, ()),
        (f"requests a second, {WINDOW} on their way", one.pipelined, ()),
        ("shutdown to exit, ms (p99)", one.end, (99,)),
        (f"{WINDOWS} windows ready, ms", many.ready, ()),
        (f"{WINDOWS} windows, PSS, MiB", many.memory, ()),
        (f"{WINDOWS} windows idle, CPU ms a minute", many.idle_cpu, ()),
        (f"{WINDOWS} windows idle, wake-ups a minute", many.wake_ups, ()),
        ("outside change to one window, ms (p99)", many.change_one, (99,)),
        (f"outside change to all {WINDOWS}, ms (p99)", many.change_all, (99,)),
        ("first browser login, own time, ms", flows.login, ()),
        (f"a refresh that {WINDOWS} windows ask for, own time, ms", flows.refresh, ()),
    ]
    yield from _table(
        ("figure", *servers), [[name, *row(samples, servers, p)] for name, samples, p in figures]
    )
    yield from _growth(many, grown)
    yield f"Of {AT_ONCE:,} status requests written at once, {one.refused_at_once} were refused."
    yield ""
    yield from (f"![{title}](performance/{name}.svg)\n" for name, title in PICTURES.items())
    yield from _table(("what", "version"), [list(item) for item in about.items()])


def _growth(many: ManyWindows, grown: Growth) -> Iterator[str]:
    rows = [
        [f"{count}", f"{ready:.0f}", f"{memory:.0f}", f"{memory / count:.1f}"]
        for count, (ready, memory) in many.growth.items()
    ]
    yield from _table(("windows", "all ready, ms", "PSS, MiB", "MiB each"), rows)
    if len(many.growth) > 1:
        slopes = [slope({n: found[i] for n, found in many.growth.items()}) for i in (0, 1)]
        yield f"Each further window adds {digits(slopes[0])} ms and {digits(slopes[1])} MiB."
        yield ""
    sizes = [
        [f"{size // 1000:,}", digits(found.first_status), digits(found.trip)]
        for size, found in grown.sizes.items()
    ]
    yield from _table(("`config.toml`, kB", "first status, ms", "round trip, \u00b5s"), sizes)
    if len(grown.sizes) > 1:
        first = 100_000 * slope({size: found.first_status for size, found in grown.sizes.items()})
        trip = 100_000 * slope({size: found.trip for size, found in grown.sizes.items()})
        yield (
            f"Each 100 kB of it add {digits(first)} ms to the first status and {digits(trip)} µs "
            "to a round trip."
        )
        yield ""


def _goal(goal: Goal) -> list[str]:
    reached = {True: "yes", False: "**no**", None: "not measured"}[goal.is_reached]
    return [goal.what, goal.goal, goal.found, reached]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for cells in rows:
        yield f"| {' | '.join(cells)} |"
    yield ""
