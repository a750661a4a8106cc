"""A machine on which more wants to run than can."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def busy_machine() -> Iterator[None]:
    """Keep every processor busy, and two programs waiting, until the block ends."""
    command = [sys.executable, "-I", "-S", "-c", "while True: pass"]
    programs = [subprocess.Popen(command) for _ in range((os.cpu_count() or 1) + 2)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()
