"""Notices of changes to the keyring, where no Secret Service is needed for them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.stores import keyring_entry
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from codex_auth_lsp.stores.keyring_watch import KEYRING_POLL_SECONDS, KeyringWatch
from stores.fake_vaults import FakeVault

PATIENCE = 10.0
"""Seconds that nothing here may take."""


class SteppedClock:
    """A clock whose sleepers sleep until they are woken, and say how long they meant to."""

    def __init__(self) -> None:
        self.sleepers: asyncio.Queue[tuple[float, asyncio.Event]] = asyncio.Queue()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.sleepers.put_nowait((seconds, woken))
        await woken.wait()

    async def wake_next(self) -> float:
        """Wake the next sleeper; return how long it meant to sleep."""
        seconds, woken = await asyncio.wait_for(self.sleepers.get(), PATIENCE)
        woken.set()
        return seconds


@pytest.fixture
def vault():
    return FakeVault()


@pytest.fixture
def entry(tmp_path, vault):
    return KeyringEntry(CodexHome(tmp_path, "option"), vault)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
async def test_keyring_without_signals_is_looked_at_every_half_minute(entry, platform):
    """And not before: what changed is seen at once by whoever asks for the status."""
    clock, notices = SteppedClock(), asyncio.Semaphore(0)
    watch = KeyringWatch(entry, notices.release, clock=clock, platform=platform)
    watch.start()
    for _ in range(2):
        assert await clock.wake_next() == KEYRING_POLL_SECONDS == 30.0
        await asyncio.wait_for(notices.acquire(), PATIENCE)
    assert notices.locked()
    await watch.stop()


async def test_nothing_is_waited_for_where_there_is_no_session(entry, monkeypatch, tmp_path):
    """An idle window on a machine without a desktop wakes up for nothing."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    clock, notices = SteppedClock(), []
    watch = KeyringWatch(entry, lambda: notices.append(1), clock=clock, platform="linux")
    before = asyncio.all_tasks()
    watch.start()
    (watching,) = asyncio.all_tasks() - before
    await asyncio.wait_for(watching, PATIENCE)

    assert (notices, clock.sleepers.empty()) == ([], True)
    await watch.stop()


@pytest.mark.parametrize(
    "address", ["unix:path=/nowhere/bus", "nonsense", "tcp:host=127.0.0.1,port=1", "unix:x"]
)
async def test_bus_that_cannot_be_reached_is_tried_again(entry, monkeypatch, address):
    """It is looked anyway, as where nothing tells of changes."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    clock, notices = SteppedClock(), asyncio.Semaphore(0)
    watch = KeyringWatch(entry, notices.release, clock=clock, platform="linux")
    watch.start()
    for _ in range(2):
        assert await clock.wake_next() == KEYRING_POLL_SECONDS
        await asyncio.wait_for(notices.acquire(), PATIENCE)
    await watch.stop()


async def test_keyring_that_speaks_again_after_silence_is_looked_at(entry, vault, monkeypatch):
    """No signal tells of that."""
    monkeypatch.setattr(keyring_entry, "READ_SECONDS", 0.05)
    notices = asyncio.Semaphore(0)
    watch = KeyringWatch(entry, notices.release, clock=SteppedClock(), platform="win32")
    watch.start()
    vault.hang("get")
    await entry.sync()
    assert notices.locked()
    vault.let_go()
    await asyncio.wait_for(notices.acquire(), PATIENCE)
    await watch.stop()


async def test_watch_that_ends_leaves_the_one_after_it(entry, vault, monkeypatch):
    """Both are of the one entry, and the old one ends when the new one has begun."""
    monkeypatch.setattr(keyring_entry, "READ_SECONDS", 0.05)
    notices = asyncio.Semaphore(0)
    old, new = (
        KeyringWatch(entry, heard, clock=SteppedClock(), platform="win32")
        for heard in (lambda: None, notices.release)
    )
    old.start()
    new.start()
    await old.stop()
    vault.hang("get")
    await entry.sync()
    vault.let_go()
    await asyncio.wait_for(notices.acquire(), PATIENCE)
    await new.stop()


async def test_stopped_watch_tells_nothing(entry, vault, monkeypatch):
    """Whoever listened is gone."""
    monkeypatch.setattr(keyring_entry, "READ_SECONDS", 0.05)
    notices = []
    watch = KeyringWatch(entry, lambda: notices.append(1), clock=SteppedClock(), platform="win32")
    watch.start()
    vault.hang("get")
    await entry.sync()
    await watch.stop()
    vault.let_go()
    await entry.sync()

    assert notices == []


async def test_watch_that_was_never_started_can_be_stopped(entry):
    """A window may end before it begins."""
    await KeyringWatch(entry, lambda: None).stop()
