"""Where a process can be killed: before each system call that it makes for one request.

A point is a kind of call and how many of that kind came before it in the same thread, which is how
strace counts. Calls are made a little differently each time, so a point that is not reached is no
kill, and another one takes its turn.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from prove.tracer import Call

FIRST, OTHERS, ANY = "first", "others", "any"
"""The thread of the event loop, those that it has for files, and whichever comes first."""


@dataclass(frozen=True, slots=True, order=True)
class KillPoint:
    """Before the `ordinal`th call of this name, the first being 1."""

    threads: str
    call: str
    ordinal: int

    @property
    def inject(self) -> str:
        """What strace's `inject=` takes."""
        return f"{self.call}:signal=SIGKILL:when={self.ordinal}"


def points_of(calls: Sequence[Call], threads: str) -> dict[KillPoint, float]:
    """Return the point before each of these calls with its moment, in their order, each once."""
    counts: Counter[tuple[str, str]] = Counter()
    points: dict[KillPoint, float] = {}
    for call in calls:
        counts[call.thread, call.name] += 1
        point = KillPoint(threads, call.name, counts[call.thread, call.name])
        points.setdefault(point, call.at)
    return points


def spread(points: Sequence[KillPoint], count: int, chance: random.Random) -> Iterator[KillPoint]:
    """Yield points without end; the first `count` are spread evenly and leave no kind out.

    Args:
        points: In the order of their calls.
        count: How many kills are wanted; with fewer than there are kinds of calls, some are out.
        chance: Where the raster of the even ones begins, and which points come after them.
    """
    chosen = set(_evenly([point for point in points if point.ordinal == 1], count, chance))
    rest = [point for point in points if point not in chosen]
    chosen.update(_evenly(rest, count - len(chosen), chance))
    yield from (point for point in points if point in chosen)
    while True:
        yield chance.choice(points)


def _evenly(points: Sequence[KillPoint], count: int, chance: random.Random) -> list[KillPoint]:
    if count >= len(points):
        return list(points)
    start = chance.random()
    return [points[int((step + start) * len(points) / count)] for step in range(count)]
