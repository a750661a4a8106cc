"""Cases against one parser, in this process."""

from __future__ import annotations

import gc
import time
from random import Random
from typing import TYPE_CHECKING

from fuzz.found import Found, resident_bytes
from fuzz.judges import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fuzz.judges import Target

_WARM_UP = 1_000
"""Cases after which caches are filled, and growth counts."""


def run(target: Target, seeds: Iterable[str]) -> Found:
    """Try a case for each seed."""
    found = Found()
    begun, before = time.monotonic(), 0
    for seed in seeds:
        if found.cases == _WARM_UP:
            before = _settled()
        case = target.make(Random(seed))
        at = time.perf_counter()
        try:
            target.check(case)
        except Finding as exc:
            found.findings.append(f"{seed}: {exc}")
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is a finding
            found.findings.append(f"{seed}: {type(exc).__name__} escaped")
        found.timed(time.perf_counter() - at, seed)
        found.cases += 1
    found.growth = max(0, _settled() - before) if before else 0
    found.seconds = time.monotonic() - begun
    return found


def _settled() -> int:
    gc.collect()
    return resident_bytes()
