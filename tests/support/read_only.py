"""A folder that cannot be written, also not by root."""

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
def read_only(folder: Path) -> Iterator[None]:
    """Keep everybody from writing to `folder`: by its mode, or for root by a mount."""
    if os.geteuid() != 0:
        folder.chmod(0o500)
        try:
            yield
        finally:
            folder.chmod(0o700)
        return
    try:
        _run("mount", "--bind", str(folder), str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root writes everywhere and may not mount here: no read-only folder")
    try:
        _run("mount", "-o", "remount,ro,bind", str(folder))
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, check=True)
