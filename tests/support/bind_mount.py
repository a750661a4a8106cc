"""A file that is mounted by itself, as containers share one with their host."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def mounted(source: Path, path: Path, *, read_only: bool = False) -> Iterator[None]:
    """Mount the file `source` at `path`; skip where that may not be done."""
    path.touch()
    try:
        _run("mount", "--bind", str(source), str(path))
    except (OSError, subprocess.CalledProcessError):
        leave_out = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        leave_out("only who may mount can mount a file by itself")
    try:
        if read_only:
            _run("mount", "-o", "remount,ro,bind", str(path))
        yield
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True)
