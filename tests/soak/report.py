"""What a soak has found: the minutes that ran, what was done, and how the windows drifted."""

from __future__ import annotations

import os
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from soak.kept import Kept, Measured, Sample
    from soak.plan import Plan

BEGIN, END = "<!-- soak: make soak -->", "<!-- end of soak -->"

WINDOWS = ("busy", "idle")
FIGURES = {"memory": "memory (PSS), MiB", "descriptors": "descriptors", "threads": "threads"}

POOL = min(32, (os.cpu_count() or 1) + 4)
"""How many threads asyncio keeps for blocking calls, which begin when several come together."""

_SHARE = 10  # of the samples: a tenth at each end is a level


@dataclass(frozen=True, slots=True)
class Drift:
    """One figure of one window in one stretch: at its beginning, at its end, at the most."""

    first: float
    last: float
    most: float
    an_hour: float


def drift(samples: Sequence[Sample], window: str, figure: str) -> Drift:
    """Return how a figure went from the first tenth of a stretch to its last."""
    values = [float(getattr(getattr(sample, window), figure)) for sample in samples]
    share = max(1, len(values) // _SHARE)
    first, last = statistics.median(values[:share]), statistics.median(values[-share:])
    seconds = samples[-1].at - samples[0].at
    return Drift(first, last, max(values), (last - first) * 3600 / seconds if seconds else 0.0)


def troubles(kept: Kept, plan: Plan) -> list[str]:
    """Return what a soak that ran to its end must not have: failures, leaks, work left undone."""
    found = list(kept.failures)
    for number, samples in enumerate(kept.stretches, 1):
        for window in WINDOWS:
            for figure, is_no_leak in (("descriptors", 0), ("threads", POOL)):
                seen = drift(samples, window, figure)
                if seen.last > seen.first + is_no_leak:
                    found.append(
                        f"stretch {number}: the {figure} of the {window} window went from "
                        f"{seen.first:g} to {seen.last:g}"
                    )
    if kept.is_over:
        undone = {name: total - kept.done.get(name, 0) for name, total in plan.totals.items()}
        found += [f"{count} {name} were not made" for name, count in undone.items() if count > 0]
    return found


def render(kept: Kept, plan: Plan) -> str:
    """Return the report as Markdown."""
    return "\n".join(_lines(kept, plan))


def _lines(kept: Kept, plan: Plan) -> Iterator[str]:
    stretches = [samples for samples in kept.stretches if samples]
    done = ", ".join(f"{kept.done.get(name, 0):,} {name}" for name in plan.totals)
    yield (
        f"{kept.seconds / 60:.0f} of {plan.minutes:g} minutes ran, in "
        f"{_count(len(stretches), 'stretch', 'stretches')}, on commit {kept.commit}: {done}, "
        f"{_count(len(kept.failures), 'failure', 'failures')}."
    )
    yield ""
    if not stretches:
        return
    longest = max(stretches, key=lambda samples: samples[-1].at)
    yield "| window | figure | at the beginning | at the end | at the most | an hour |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for window in WINDOWS:
        for figure, name in FIGURES.items():
            seen = drift(longest, window, figure)
            cells = (f"{value:.4g}" for value in (seen.first, seen.last, seen.most))
            yield f"| {window} | {name} | {' | '.join(cells)} | {seen.an_hour:+.3g} |"
    yield ""
    spent, seconds = _spent(longest[0].idle, longest[-1].idle), longest[-1].at - longest[0].at
    if seconds:
        yield (
            f"The idle window, which heard of every login and refresh of the other, took "
            f"{spent[0] * 1e3 * 60 / seconds:.3g} ms of processor time and woke "
            f"{spent[1] * 60 / seconds:.3g} times a minute. The longest stretch had "
            f"{seconds / 60:.0f} minutes."
        )


def _spent(first: Measured, last: Measured) -> tuple[float, int]:
    return last.cpu_seconds - first.cpu_seconds, last.wake_ups - first.wake_ups


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
