"""Waiting for what another process does, with a ceiling against hangs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CEILING = 30.0
"""Seconds after which something counts as not happening."""

_LOOK_AGAIN = 0.005


async def until(happened: Callable[[], bool], what: str, seconds: float = CEILING) -> None:
    """Wait until it has happened.

    Raises:
        TimeoutError: It has not.
    """
    if not await happens(happened, seconds):
        raise TimeoutError(f"waited {seconds:g} s for {what}")


async def happens(happened: Callable[[], bool], seconds: float) -> bool:
    """Return whether it happens in this time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK_AGAIN)
    return True
