"""How our figures grow with the number of windows, and with the size of `config.toml`."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Samples
from bench.peers import store_login
from bench.piped import Piped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.peers import Peer

SIZES = (0, 10_000, 100_000, 1_000_000)
"""Bytes of `config.toml`, of which 0 are none; above a mebibyte it is refused."""

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class AtSize:
    """Medians with a `config.toml` of one size."""

    first_status: float
    """ms from the spawn."""
    trip: float
    """µs."""


@dataclass(slots=True)
class Growth:
    """By the size of `config.toml`."""

    sizes: dict[int, AtSize] = field(default_factory=dict)


def measure(ours: Peer, trips: int) -> Growth:
    """Measure each size in turns."""
    first, trip = Samples("ms"), Samples("\u00b5s")
    for _ in range(_ROUNDS):
        for size in SIZES:
            with tempfile.TemporaryDirectory(prefix="codex-bench-") as name:
                folder = Path(name)
                store_login(folder / "codex")
                if size:  # an empty file that was written just now may be half of one
                    (folder / "codex" / "config.toml").write_text(configuration(size))
                with Piped(ours, folder) as server:
                    server.begin()
                    server.ask()
                    first.add(str(size), (time.perf_counter() - server.started_at) * 1e3)
                    at = time.perf_counter()
                    for _ in range(trips):
                        server.ask()
                    trip.add(str(size), (time.perf_counter() - at) * 1e6 / trips)
    return Growth({n: AtSize(first.median(str(n)), trip.median(str(n))) for n in SIZES})


def configuration(size: int) -> str:
    """Return a `config.toml` of about that many bytes, as it grows: a table for each project."""
    tables, length = [], 0
    while length < size:
        table = f'[projects."/home/ada/work/{len(tables)}"]\ntrust_level = "trusted"\n\n'
        tables.append(table)
        length += len(table)
    return "".join(tables)


def slope(points: Mapping[float, float]) -> float:
    """Return by how much a figure grows with each one more: the line of least squares."""
    return statistics.linear_regression(list(points), list(points.values())).slope
