"""Editors that are killed, beside language servers whose pipes stay open."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING

from fuzz.found import Found
from fuzz.server_run import Server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


async def run(seeds: Sequence[str], folder: Path) -> Found:
    """Kill an editor for each seed, and see its language server go."""
    found, begun = Found(), time.monotonic()
    for seed in seeds:
        editor = await asyncio.create_subprocess_exec(
            sys.executable, "-c", "import sys; sys.stdin.read()", stdin=asyncio.subprocess.PIPE
        )
        server = await Server.start(folder, parent=editor.pid)
        editor.kill()
        at = time.perf_counter()
        status = await server.wait()
        found.timed(time.perf_counter() - at, seed)
        await editor.wait()
        if status != 0:
            found.findings.append(f"{seed}: ended with {status}")
        found.cases += 1
    found.seconds = time.monotonic() - begun
    return found
