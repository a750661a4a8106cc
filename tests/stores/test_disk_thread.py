"""Looks at a disk that may hang: each ends in time, and its return is told."""

from __future__ import annotations

import asyncio
import threading

import pytest

from codex_auth_lsp.stores.disk_thread import DiskThread
from codex_auth_lsp.stores.hanging import Hanging

SECONDS = 10.0
"""A ceiling against hangs."""


def test_result_and_error_are_those_of_the_work():
    """The thread is no difference, but for its name."""
    disk = DiskThread()

    assert disk.call(lambda: threading.current_thread().name) == "disk"
    with pytest.raises(TimeoutError, match="its own"):
        disk.call(lambda: raising(TimeoutError("its own")))


def raising(error: Exception) -> None:
    raise error


def test_while_one_hangs_no_other_is_waited_for_and_its_return_is_told():
    """The second call does not even begin; after the return the next one works."""
    disk, goes_on, returned = DiskThread(), threading.Event(), threading.Event()
    disk.on_return = returned.set
    begun: list[str] = []

    with pytest.raises(Hanging):
        disk.call(goes_on.wait, 0.01)
    with pytest.raises(Hanging):
        disk.call(lambda: begun.append("second"), SECONDS)
    assert not returned.is_set()

    goes_on.set()
    assert returned.wait(SECONDS)
    assert disk.call(lambda: "again", SECONDS) == "again"
    assert begun == []


async def test_call_of_the_loop_that_hangs_can_be_cancelled():
    """The loop goes on meanwhile, and a look behind it does not wait for ever."""
    disk, goes_on = DiskThread(), threading.Event()
    waiting = asyncio.ensure_future(disk.call_async(goes_on.wait))
    await asyncio.sleep(0)
    with pytest.raises(Hanging):
        disk.call(lambda: None, 0.01)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    goes_on.set()
