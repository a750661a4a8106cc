"""One window: start, memory, round trips, many requests at once, and the end."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Goal, Samples, at_least, at_most
from bench.peers import CODEX, COPILOT, OURS, PYGLS, store_login
from bench.piped import Piped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.peers import Peer

WINDOW = 64
AT_ONCE = 10_000

SETTLE_SECONDS = 1.0
"""What a server loads after its first status is no round trip, and no renewal."""


@dataclass(slots=True)
class OneWindow:
    """What was measured."""

    initialize: Samples = field(default_factory=lambda: Samples("ms"))
    first_status: Samples = field(default_factory=lambda: Samples("ms"))
    memory: Samples = field(default_factory=lambda: Samples("MiB"))
    end: Samples = field(default_factory=lambda: Samples("ms"))
    trip_p50: Samples = field(default_factory=lambda: Samples("µs"))
    trip_p99: Samples = field(default_factory=lambda: Samples("µs"))
    pipelined: Samples = field(default_factory=lambda: Samples("requests/s"))
    refused_at_once: int = 0
    """Of ours, of `AT_ONCE` requests that were written together."""

    def goals(self) -> list[Goal]:
        """Return what was to be reached."""
        status, pss = self.first_status, self.memory
        return [
            at_most("first status, beside pygls", status.ratio(OURS, PYGLS), 0.30),
            at_most("first status, beside codex", status.ratio(OURS, CODEX), 1.5),
            at_least("first status, copilot behind by", status.ratio(COPILOT, OURS), 8),
            at_most("round trip p50, beside codex", self.trip_p50.ratio(OURS, CODEX), 0.20),
            at_most("round trip p99, beside codex", self.trip_p99.ratio(OURS, CODEX), 0.20),
            at_most("round trip p50, beside pygls", self.trip_p50.ratio(OURS, PYGLS), 0.35),
            at_most("round trip p99, beside pygls", self.trip_p99.ratio(OURS, PYGLS), 0.35),
            at_least(f"window of {WINDOW}, beside codex", self.pipelined.ratio(OURS, CODEX), 5),
            at_most(f"refused of {AT_ONCE:,} at once", float(self.refused_at_once), 0, "requests"),
            at_most("memory, beside codex", pss.ratio(OURS, CODEX), 0.35),
            at_most("shutdown to exit", self.end.median(OURS), 15, "ms"),
        ]


def measure(peers: Sequence[Peer], rounds: int, trips: int) -> OneWindow:
    """Measure all servers in turns, `rounds` times, with `trips` round trips in each."""
    found = OneWindow()
    for _ in range(rounds):
        for peer in peers:
            with running(peer) as server:
                found.initialize.add(peer.name, _since(server.started_at))
                server.ask()
                found.first_status.add(peer.name, _since(server.started_at))
                found.memory.add(peer.name, server.pss())
                time.sleep(SETTLE_SECONDS)
                _round_trips(server, trips, found)
                seconds, _ = server.ask_many(trips, WINDOW)
                found.pipelined.add(peer.name, trips / seconds)
                if peer.name == OURS:
                    found.refused_at_once += server.ask_many(AT_ONCE, AT_ONCE)[1]
                found.end.add(peer.name, server.end() * 1e3)
    return found


@contextmanager
def running(peer: Peer) -> Iterator[Piped]:
    """Run a server on a stored login until the block ends; it has answered `initialize`."""
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as name:
        folder = Path(name)
        store_login(folder / "codex")
        with Piped(peer, folder) as server:
            server.begin()
            yield server


def _round_trips(server: Piped, count: int, found: OneWindow) -> None:
    trips = Samples("µs")
    for _ in range(count):
        at = time.perf_counter()
        server.ask()
        trips.add(server.peer.name, (time.perf_counter() - at) * 1e6)
    found.trip_p50.add(server.peer.name, trips.median(server.peer.name))
    found.trip_p99.add(server.peer.name, trips.percentile(server.peer.name, 99))


def _since(moment: float) -> float:
    return (time.perf_counter() - moment) * 1e3
