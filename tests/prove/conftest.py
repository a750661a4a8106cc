"""What the short runs of the proofs need of this machine."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from prove.tracer import TraceError, Tracer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
async def traceable(tmp_path: Path) -> None:
    """Skip the test where strace may not attach to a running process."""
    process = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        tracer = await Tracer.attach(process.pid, [process.pid], tmp_path / "may-trace")
        await tracer.detach()
    except TraceError as error:
        pytest.skip(f"this machine does not let a process be traced: {error}")
    finally:
        os.kill(process.pid, 9)
        await process.wait()
