"""The memory of a process, as Linux tells it."""

from __future__ import annotations

import re
from pathlib import Path


def resident_bytes(process_id: int) -> int:
    """Return what a process has in use."""
    return _kilobytes(process_id, "VmRSS") * 1024


def peak_bytes(process_id: int) -> int:
    """Return the most that a process has had in use."""
    return _kilobytes(process_id, "VmHWM") * 1024


def _kilobytes(process_id: int, name: str) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])
