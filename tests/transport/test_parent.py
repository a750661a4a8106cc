"""The end of the process that a client names, where the kernel has no pidfds to tell of it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from codex_auth_lsp.transport import parent

CEILING = 20.0
"""Seconds that a test waits at most."""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has neither way")


@pytest.fixture
def without_pidfds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be on a system that has none, such as macOS, and look often."""
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    monkeypatch.setattr(parent, "LOOK_SECONDS", 0.01)


@pytest.mark.usefixtures("without_pidfds")
async def test_end_is_noticed_by_looking(monkeypatch):
    """Once, and not before it has come."""
    genuine, looks, looked = os.kill, [], asyncio.Event()

    def look(process_id: int, number: int) -> None:
        looks.append(process_id)
        if len(looks) == 4:
            looked.set()
        genuine(process_id, number)

    monkeypatch.setattr(os, "kill", look)
    process = subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE)
    ended, calls = asyncio.Event(), []

    def on_end() -> None:
        calls.append(process.returncode)
        ended.set()

    watch = parent.find_client(process.pid)
    assert watch is not None
    watch(on_end)
    await asyncio.wait_for(looked.wait(), CEILING)
    before = list(calls)
    process.kill()
    process.communicate()
    await asyncio.wait_for(ended.wait(), CEILING)

    assert (before, calls) == ([], [process.returncode])
    assert set(looks) == {process.pid}


@pytest.mark.usefixtures("without_pidfds")
@pytest.mark.parametrize("process_id", [2**22 + 1, 2**70])
def test_process_that_is_not_there_is_not_watched(process_id, caplog):
    """A client that names nobody is no reason to end; its pipe tells."""
    caplog.set_level("INFO")

    assert parent.find_client(process_id) is None
    assert "the client's process is not watched" in caplog.text


@pytest.mark.usefixtures("without_pidfds")
async def test_end_before_the_watch_begins_is_told_as_well():
    """The process was there when it was found, and is gone by the first look."""
    process = subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE)
    watch = parent.find_client(process.pid)
    process.kill()
    process.communicate()
    calls = []

    assert watch is not None
    watch(lambda: calls.append("ended"))

    assert calls == ["ended"]


@pytest.mark.usefixtures("without_pidfds")
async def test_process_of_another_user_is_looked_for_as_well(monkeypatch):
    """A signal to it is not allowed, which says that it is there."""
    answers = [PermissionError, PermissionError, PermissionError, ProcessLookupError]
    ended = asyncio.Event()

    def look(_process_id: int, _number: int) -> None:
        raise answers.pop(0)

    monkeypatch.setattr(os, "kill", look)
    watch = parent.find_client(4321)
    assert watch is not None
    watch(ended.set)
    await asyncio.wait_for(ended.wait(), CEILING)

    assert answers == []
