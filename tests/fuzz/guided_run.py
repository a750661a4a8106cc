"""Cases against one parser, led by coverage, in a process of their own."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from fuzz.found import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.judges import Target

_TESTS = Path(__file__).parents[1]

_GROUNDS = re.compile(r"^(?:fuzz\.judges\.Finding|[\w.]*(?:Error|Exception)): .*", re.MULTILINE)


async def run(target: Target, seeds: Sequence[str]) -> Found:
    """Let libFuzzer try as many cases as there are seeds, from the first of them."""
    begun = time.monotonic()
    arguments = ("--runs", str(len(seeds)), "--seed", str(crc32(seeds[0].encode()) or 1))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "fuzz.guided",
        target.name,
        *arguments,
        cwd=_TESTS.parent,
        env={**os.environ, "PYTHONPATH": str(_TESTS)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    found = Found(cases=len(seeds), seconds=time.monotonic() - begun)
    if process.returncode != 0:
        grounds = _GROUNDS.search(stderr.decode("utf-8", "replace"))
        said = grounds[0] if grounds else f"ended with {process.returncode}"
        found.findings.append(f"{seeds[0]}, led by coverage: {said}")
    return found
