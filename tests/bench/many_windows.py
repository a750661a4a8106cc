"""Many windows on one login cache: start, memory, idling, and how they hear of a change."""

from __future__ import annotations

import json
import os
import selectors
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bench.figures import Goal, Samples, at_most
from bench.one_window import SETTLE_SECONDS
from bench.peers import API_KEY, CODEX, OURS, store_login
from bench.piped import Piped, woken_since

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.peers import Peer

WINDOWS = 50
GROWTH = (1, 2, 4, 8, 16, 32, 64)

_CHANGE = b'"externalChange"'
_BETWEEN_CHANGES = 0.1  # seconds
_TELL_SECONDS = 30.0


@dataclass(slots=True)
class ManyWindows:
    """What was measured."""

    ready: Samples = field(default_factory=lambda: Samples("ms"))
    memory: Samples = field(default_factory=lambda: Samples("MiB"))
    idle_cpu: Samples = field(default_factory=lambda: Samples("ms a minute"))
    wake_ups: Samples = field(default_factory=lambda: Samples("a minute"))
    change_one: Samples = field(default_factory=lambda: Samples("ms"))
    change_all: Samples = field(default_factory=lambda: Samples("ms"))
    growth: dict[int, tuple[float, float]] = field(default_factory=dict)
    """Of ours, by windows: ms until all are ready, MiB of all."""

    def goals(self) -> list[Goal]:
        """Return what was to be reached."""
        one, everybody = self.change_one, self.change_all
        return [
            at_most(f"memory of {WINDOWS}, beside codex", self.memory.ratio(OURS, CODEX), 1.0),
            at_most(f"{WINDOWS} ready, beside codex", self.ready.ratio(OURS, CODEX), 1.0),
            at_most(f"idle CPU of {WINDOWS}", self.idle_cpu.median(OURS), 100, "ms a minute"),
            at_most(f"wake-ups of {WINDOWS}", self.wake_ups.median(OURS), 0, "a minute"),
            at_most("outside change to one window, p50", one.median(OURS), 3, "ms"),
            at_most("outside change to one window, p99", one.percentile(OURS, 99), 10, "ms"),
            at_most(f"outside change to all {WINDOWS}, p50", everybody.median(OURS), 25, "ms"),
        ]


def measure(peers: Sequence[Peer], rounds: int, changes: int, idle_seconds: float) -> ManyWindows:
    """Measure ours and, where they are here, as many app-servers."""
    found = ManyWindows()
    measured = [peer for peer in peers if peer.name in (OURS, CODEX)]
    for _ in range(rounds):
        for peer in measured:
            _together(peer, found, idle_seconds, changes)
    ours = next(peer for peer in peers if peer.name == OURS)
    _changes(ours, 1, changes, found.change_one)
    for count in GROWTH:
        found.growth[count] = _ready(ours, count)
    return found


def _together(peer: Peer, found: ManyWindows, idle_seconds: float, changes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as name, ExitStack() as stack:
        at = time.perf_counter()
        servers = _start(peer, WINDOWS, Path(name), stack)
        found.ready.add(peer.name, (time.perf_counter() - at) * 1e3)
        found.memory.add(peer.name, sum(server.pss() for server in servers))
        time.sleep(SETTLE_SECONDS)
        cpu, wakes = _cpu_seconds(servers), [server.wake_ups() for server in servers]
        time.sleep(idle_seconds)
        more = _cpu_seconds(servers) - cpu
        woken = sum(woken_since(wakes[n], server.wake_ups()) for n, server in enumerate(servers))
        found.idle_cpu.add(peer.name, more * 1e3 * 60 / idle_seconds)
        found.wake_ups.add(peer.name, woken * 60 / idle_seconds)
        if peer.name == OURS:
            _tell(servers, Path(name), changes, found.change_all)


def _cpu_seconds(servers: Sequence[Piped]) -> float:
    return sum(server.cpu_seconds() for server in servers)


def _start(peer: Peer, count: int, folder: Path, stack: ExitStack) -> list[Piped]:
    """Start servers at once, and return them when each has told its state."""
    store_login(folder / "codex")
    servers = [stack.enter_context(Piped(peer, folder)) for _ in range(count)]
    for server in servers:
        server.begin()
    for server in servers:
        server.ask()
    return servers


def _ready(peer: Peer, count: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as name, ExitStack() as stack:
        at = time.perf_counter()
        servers = _start(peer, count, Path(name), stack)
        ready = (time.perf_counter() - at) * 1e3
        return ready, sum(server.pss() for server in servers)


def _changes(peer: Peer, count: int, changes: int, samples: Samples) -> None:
    with tempfile.TemporaryDirectory(prefix="codex-bench-") as name, ExitStack() as stack:
        _tell(_start(peer, count, Path(name), stack), Path(name), changes, samples)


def _tell(servers: Sequence[Piped], folder: Path, changes: int, samples: Samples) -> None:
    """Change the stored key as another program does; note when the last window has said so."""
    with selectors.DefaultSelector() as selector:
        for server in servers:
            selector.register(server.output, selectors.EVENT_READ, server)
        for number in range(changes):
            time.sleep(_BETWEEN_CHANGES)  # or what one leaves to do would be timed with the next
            at = _replace(folder / "codex" / "auth.json", number)
            samples.add(OURS, (_last_to_tell(selector, set(servers)) - at) * 1e3)


def _last_to_tell(selector: selectors.BaseSelector, silent: set[Piped]) -> float:
    """Return the moment in which the last one has told of the change; nothing waits in turn."""
    at = 0.0
    while silent:
        for key, _ in selector.select(_TELL_SECONDS) or _nobody():
            at = time.perf_counter()
            if key.data.hears(_CHANGE):
                silent.discard(key.data)
    return at


def _nobody() -> NoReturn:
    raise TimeoutError("a window has not told of a change")


def _replace(path: Path, number: int) -> float:
    """Sign somebody in or out, by a rename; return the moment of it."""
    login = {"auth_mode": "apikey", "OPENAI_API_KEY": API_KEY} if number % 2 else {}
    fresh = path.with_name("auth.json.bench")
    fresh.write_text(json.dumps(login))
    fresh.chmod(0o600)
    at = time.perf_counter()
    os.replace(fresh, path)  # noqa: PTH105 - the one system call that is timed
    return at
