"""What a running process takes, as Linux tells it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from soak.kept import Measured


def measure(pid: int) -> Measured:
    """Return what a process takes now."""
    process = Path(f"/proc/{pid}")
    tasks = list((process / "task").iterdir())
    rollup = (process / "smaps_rollup").read_text()
    times = (process / "stat").read_text().rpartition(") ")[2].split()[11:13]
    return Measured(
        memory=_number(r"^Pss: +(\d+) kB", rollup) / 1024,
        descriptors=len(os.listdir(process / "fd")),  # noqa: PTH208 - they come and go meanwhile
        threads=len(tasks),
        cpu_seconds=sum(map(int, times)) / os.sysconf("SC_CLK_TCK"),
        wake_ups=sum(
            _number(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text())
            for task in tasks
        ),
    )


def _number(pattern: str, text: str) -> int:
    match = re.search(pattern, text, re.MULTILINE)
    assert match is not None
    return int(match[1])
