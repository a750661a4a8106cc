"""libfaketime: a real process with another clock, without a change to the machine's own.

Only the wall clock is another: durations stay true, so nothing waits longer or shorter for it.
It cannot show what a suspended machine does to a monotonic clock, a second process sees the true
time unless it is started so too, and kernel timers and the times of files are the machine's.
"""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


def another_clock(offset: str) -> dict[str, str]:
    """Return the environment of a process whose clock is ahead or behind, as `+2h` or `-1d`."""
    return {**_preloaded(), "FAKETIME": offset}


class MovableClock:
    """A clock that a running process goes by, and that the test may set anew."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set("+0")

    def set(self, offset: str) -> None:
        """Let the process that runs have another time from now on."""
        self._file.write_text(offset + "\n")

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process that goes by it."""
        file = str(self._file)
        return {**_preloaded(), "FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1"}


def _preloaded() -> dict[str, str]:
    _remove_leftovers()
    asked = subprocess.run(
        ["faketime", "2020-01-01", "printenv", "LD_PRELOAD"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        "LD_PRELOAD": asked.stdout.strip(),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def _remove_leftovers() -> None:
    """Remove what killed processes have left: one that got the number of such a process would end.

    libfaketime names its semaphore and its shared memory by the process alone.
    """
    for entry in SHARED_MEMORY.glob("*faketime_*"):
        if not Path("/proc", entry.name.rpartition("_")[2]).exists():
            with contextlib.suppress(PermissionError):
                entry.unlink(missing_ok=True)
