"""Waiting for what another process does, where no message tells of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")

LOOK_AGAIN = 0.02
"""Seconds between two looks."""


async def eventually(look: Callable[[], _Value], what: str, *, timeout: float = 5.0) -> _Value:
    """Return the first true value of `look`, or fail after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s, last seen {value!r}")
        await asyncio.sleep(LOOK_AGAIN)
    return value
