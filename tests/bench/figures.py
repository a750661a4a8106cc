"""Figures of one run: samples by server, medians, percentiles and ratios of the same round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


TIMES = "\u00d7"


@dataclass(slots=True)
class Samples:
    """What was measured of each server, in the order of the rounds."""

    unit: str
    by_server: dict[str, list[float]] = field(default_factory=dict)

    def add(self, server: str, value: float) -> None:
        """Take one in."""
        self.by_server.setdefault(server, []).append(value)

    def median(self, server: str) -> float:
        """Return the middle one."""
        return statistics.median(self.by_server[server])

    def percentile(self, server: str, percent: int) -> float:
        """Return the smallest that this share of them does not exceed."""
        ordered = sorted(self.by_server[server])
        return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]

    def ratio(self, server: str, other: str) -> float | None:
        """Return the median of the rounds' ratios; None where one of them was not measured."""
        pairs = zip(self.by_server.get(server, ()), self.by_server.get(other, ()), strict=False)
        ratios = [mine / theirs for mine, theirs in pairs if theirs]
        return statistics.median(ratios) if ratios else None


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that is to be reached, and what it came to."""

    what: str
    goal: str
    found: str
    is_reached: bool | None
    """None where what it is compared with is not on this machine."""


def at_most(what: str, found: float | None, limit: float, unit: str = TIMES) -> Goal:
    """Return the goal of a figure that is no larger than `limit`."""
    is_reached = found is not None and found <= limit
    return _goal(what, f"≤ {limit:g} {unit}", found, unit, is_reached)


def at_least(what: str, found: float | None, limit: float, unit: str = TIMES) -> Goal:
    """Return the goal of a figure that is no smaller than `limit`."""
    is_reached = found is not None and found >= limit
    return _goal(what, f"≥ {limit:g} {unit}", found, unit, is_reached)


def _goal(what: str, goal: str, found: float | None, unit: str, is_reached: bool) -> Goal:
    if found is None:
        return Goal(what, goal, "not measured", None)
    return Goal(what, goal, f"{digits(found, 3)} {unit}", is_reached)


def digits(value: float, count: int = 4) -> str:
    """Return a number with so many digits that count, and the thousands set apart."""
    return f"{float(f'{value:.{count}g}'):,.10g}"


def row(samples: Samples, servers: Sequence[str], percents: Sequence[int] = ()) -> list[str]:
    """Return a table's cells, one a server: the median, and percentiles in brackets."""
    cells = []
    for server in servers:
        if server not in samples.by_server:
            cells.append("")
            continue
        tail = ", ".join(digits(samples.percentile(server, p)) for p in percents)
        cells.append(digits(samples.median(server)) + (f" ({tail})" if tail else ""))
    return cells
