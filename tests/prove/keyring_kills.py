"""Killed in the middle of the keyring: the language server by strace, and the keyring itself.

The server dies before a system call, and at moments drawn over the whole of an operation, since the
threads that talk to the keyring begin anew for each call, where strace's counts begin anew as well
and so name only their first ones. A new one starts on the same keyring. The keyring daemon dies at
some moment after a request; the server that asked it lives on, and works when the daemon is back.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prove.crash_operations import (
    BrowserLogin,
    KeyLogin,
    Logout,
    Refresh,
    Scene,
    trouble_with,
)
from prove.crash_rig import Campaign, Kill, Rig
from prove.issuer import ProvingIssuer
from prove.keyring_item import LoginItem, session, variables
from prove.kill_points import spread
from prove.waiting import CEILING
from stores.desktop_session import START_SECONDS
from support.lsp_client import LanguageClient, RpcError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prove.crash_operations import Operation

GRACE_SECONDS = 10.0

CAMPAIGNS = (
    Campaign(Refresh, 0.25, follow=True),
    Campaign(Refresh, 0.25, grace=True, follow=True),
    Campaign(KeyLogin, 0.20, follow=True),
    Campaign(BrowserLogin, 0.15, follow=True),
    Campaign(Logout, 0.15, follow=True),
)

_TRIES = 4

_LOOK_AGAIN = 0.05

_STORE_ERRORS = ("storeUnavailable", "storeLocked", "storeWriteFailed")

OPERATIONS: tuple[Callable[[], Operation], ...] = (Refresh, KeyLogin, Logout)
"""What the daemon dies of."""


@dataclass(slots=True)
class DaemonKill:
    """One end of the keyring daemon, and what came of it."""

    operation: str
    answered: str
    """What the request was answered, `done` or the kind of error."""
    seconds: float
    is_whole: bool
    trouble: str | None = None

    def __str__(self) -> str:
        what = self.trouble or ("fine" if self.is_whole else "neither the old login nor the new")
        return f"the keyring was killed during {self.operation} ({self.answered}): {what}"


@dataclass(slots=True)
class Killed:
    """What came of all kills."""

    server: list[Kill] = field(default_factory=list)
    daemon: list[DaemonKill] = field(default_factory=list)


async def kill_servers(
    kills: int, seed: int, folder: Path, say: Callable[[str], None]
) -> list[Kill]:
    """Kill a language server at `kills` points of its work on a keyring."""
    done: list[Kill] = []
    for number, campaign in enumerate(CAMPAIGNS):
        count = max(round(campaign.share * kills), 1)
        own_folder = folder / f"kills-{number}"
        own_folder.mkdir()
        done += await _campaign(campaign, count, random.Random(seed + number), own_folder)
        say(f"{len(done)} of {kills} kills of the server")
    return done


async def _campaign(
    campaign: Campaign, count: int, chance: random.Random, folder: Path
) -> list[Kill]:
    kills: list[Kill] = []
    with session() as running:
        async with ProvingIssuer.start() as issuer:
            issuer.policy(grace_seconds=GRACE_SECONDS if campaign.grace else 0.0)
            scene = Scene(issuer, LoginItem.make(running), variables(running))
            rig = Rig(campaign, scene, folder)
            try:
                usual = await rig.seconds()
                at_calls = count // 2
                kills += [
                    await rig.strike_after(usual * chance.random()) for _ in range(count - at_calls)
                ]
                points = spread(await rig.profile(), at_calls, chance) if at_calls else iter(())
                for _ in range(_TRIES * count):
                    if len(kills) == count:
                        return kills
                    kill = await rig.strike(next(points))
                    if kill is not None:
                        kills.append(kill)
            finally:
                await rig.stop()
    raise RuntimeError(f"{campaign.name}: only {len(kills)} of {count} points were reached")


async def kill_daemons(
    kills: int, seed: int, folder: Path, say: Callable[[str], None]
) -> list[DaemonKill]:
    """Kill the keyring daemon `kills` times while a server works with it."""
    chance = random.Random(seed)
    done: list[DaemonKill] = []
    for operation in OPERATIONS:
        count = max(kills // len(OPERATIONS), 1)
        done += await _kill_daemon_during(operation(), count, chance, folder)
        say(f"{len(done)} of {kills} kills of the keyring")
    return done


async def _kill_daemon_during(
    operation: Operation, count: int, chance: random.Random, folder: Path
) -> list[DaemonKill]:
    kills = []
    with session() as running:
        async with ProvingIssuer.start() as issuer:
            scene = Scene(issuer, LoginItem.make(running), variables(running))
            client = await LanguageClient.start(
                folder,
                home=scene.file.folder,
                issuer=issuer.url,
                environment=scene.environment,
                log_level=None,
            )
            try:
                await client.initialize()
                await operation.warm(scene, client)
                await operation.prepare(scene, client)
                usual = await _seconds_of(operation, scene, client)
                kills += [
                    await _kill_once(operation, scene, client, chance.random() * usual)
                    for _ in range(count)
                ]
            finally:
                await client.kill()
    return kills


async def _seconds_of(operation: Operation, scene: Scene, client: LanguageClient) -> float:
    started = time.monotonic()
    await operation.perform(scene, client)
    return time.monotonic() - started


async def _kill_once(
    operation: Operation, scene: Scene, client: LanguageClient, after: float
) -> DaemonKill:
    item = scene.file
    assert isinstance(item, LoginItem)
    await operation.prepare(scene, client)
    before = item.bytes()
    started = time.monotonic()
    performing = asyncio.create_task(operation.perform(scene, client))
    await asyncio.sleep(after)  # the moment of the kill, which is drawn
    daemon = item.session.daemons.pop()
    daemon.send_signal(signal.SIGKILL)
    answered = "done"
    try:
        await asyncio.wait_for(performing, START_SECONDS)
    except RpcError as error:
        answered = str(error.kind)
    seconds = time.monotonic() - started
    await asyncio.to_thread(daemon.wait, START_SECONDS)
    await asyncio.to_thread(item.session.start_keyring)
    after_kill = item.bytes()
    kill = DaemonKill(
        operation=operation.name,
        answered=answered,
        seconds=seconds,
        is_whole=after_kill == before or operation.allows(scene, before, after_kill),
    )
    kill.trouble = await _trouble_when_it_is_back(scene, client)
    if kill.trouble is not None:
        item.remove()
    return kill


async def _trouble_when_it_is_back(scene: Scene, client: LanguageClient) -> str | None:
    """Return what is wrong with the login once the server has heard that the keyring is back.

    A renewed login that the keyring did not take is kept in memory, and written again and again.
    """
    deadline = time.monotonic() + CEILING
    while True:
        trouble = await trouble_with(scene, client)
        passing = trouble is not None and trouble.startswith(_STORE_ERRORS)
        if not passing or time.monotonic() > deadline:
            return trouble
        await asyncio.sleep(_LOOK_AGAIN)
