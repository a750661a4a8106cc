"""A folder that is a small file system of its own, and one that is nearly full."""

from __future__ import annotations

import errno
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = 4096


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a file system of 256 KiB over `folder`; skip where that may not be done."""
    options = ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs"]
    try:
        subprocess.run(["mount", *options, str(folder)], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only who may mount can make a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)


def fill(folder: Path, *, leave_pages: int) -> None:
    """Leave only a few pages of a small disk."""
    with (folder / "filler").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(PAGE))
        except OSError as exc:
            if exc.errno != errno.ENOSPC:
                raise
        file.truncate((file.tell() // PAGE - leave_pages) * PAGE)
