"""One language server at a time in one folder: kill it at a point, start it again, and judge."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from prove.crash_operations import DIED, Operation, Scene, trouble_with
from prove.kill_points import ANY, FIRST, OTHERS, KillPoint, points_of
from prove.tracer import Call, Tracer, threads_of
from prove.waiting import happens
from support.lsp_client import LanguageClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

REPAIR_SECONDS = 6.0
"""How long a restarted server may take to retry of its own accord: well within the grace."""


_HOURS = 2 * 3600.0


class Place(Enum):
    """How far it was."""

    BEFORE = "before the first byte of a token request"
    SENT = "between that byte and the answer"
    ANSWERED = "between the answer and the rename"
    STORED = "after the rename or the removal"


@dataclass(frozen=True, slots=True)
class Campaign:
    """One operation, killed many times.

    Args:
        operation: What is killed.
        share: Of all kills.
        grace: Whether the issuer accepts a spent token for ten seconds more.
        cold: Whether it is the process's first request, so that it still imports modules.
        follow: Whether threads that begin meanwhile are places to die as well, as those that talk
            to a keyring do; always so where it is cold.
    """

    operation: Callable[[], Operation]
    share: float
    grace: bool = False
    cold: bool = False
    follow: bool = False

    @property
    def name(self) -> str:
        """Its name for people."""
        words = [self.operation().name]
        words += ["in a new process"] if self.cold else []
        words += ["with grace"] if self.grace else []
        return ", ".join(words)


@dataclass(slots=True)
class Kill:
    """One kill and what came of it."""

    campaign: Campaign
    point: KillPoint
    place: Place
    is_whole: bool
    """The file is as it was, or as the operation makes it, or is not there."""
    left_over: int
    """Temporary files that stayed."""
    trouble: str | None = None
    """What is wrong with the login after a restart."""
    repaired_alone: bool | None = None
    """Whether the restarted server retried without being asked; None where there was no need."""

    @property
    def is_in_window(self) -> bool:
        """Whether the stored token may have been spent and its successor not yet stored."""
        spends = self.campaign.operation().spends
        return spends and self.place in (Place.SENT, Place.ANSWERED)

    def __str__(self) -> str:
        point = f"{self.point.call} {self.point.ordinal} ({self.point.threads})"
        text = f"{self.campaign.name}, killed before {point}, {self.place.value}"
        return f"{text}: {self.trouble or 'fine'}" if self.is_whole else f"{text}: a broken file"


class Rig:
    """One folder with one language server at a time."""

    def __init__(self, campaign: Campaign, scene: Scene, folder: Path) -> None:
        self.campaign = campaign
        self._scene = scene
        self._folder = folder
        self._operation = campaign.operation()
        self._client: LanguageClient | None = None
        self._is_warm = False
        self._log = folder / "trace"

    async def stop(self) -> None:
        """End the server."""
        if self._client is not None:
            await self._client.kill()
            self._client = None

    async def profile(self) -> list[KillPoint]:
        """Do the operation once under strace; return the points in it, in their order."""
        client = await self._begin()
        tracers = await self._attach(client, None)
        await self._operation.perform(self._scene, client)
        moments: dict[KillPoint, float] = {}
        for threads, tracer in tracers.items():
            moments |= points_of(await tracer.detach(), threads)
        return sorted(moments, key=lambda point: moments[point])

    async def strike(self, point: KillPoint) -> Kill | None:
        """Kill the server at a point and judge what is left; None where it was not reached."""
        client = await self._begin()
        before = self._scene.file.bytes()
        earlier = set(self._scene.file.temporaries())
        tracers = await self._attach(client, point)
        try:
            await self._operation.perform(self._scene, client)
            killed = False
        except DIED:
            killed = True
        calls = []
        for tracer in tracers.values():
            calls += await (tracer.outlive() if killed else tracer.detach())
        if not killed:
            await self._forget_dead()
            return None
        status = await client.process.wait()
        await self.stop()
        if status != -signal.SIGKILL:
            raise RuntimeError(f"{self.campaign.name}: the server ended with status {status}")
        if not any(_is_receipt(call) for call in calls):
            return None
        return await self._judge(point, before, earlier, sorted(calls, key=lambda call: call.at))

    async def seconds(self) -> float:
        """Do the operation once; return how long it takes."""
        client = await self._begin()
        started = time.monotonic()
        await self._operation.perform(self._scene, client)
        return time.monotonic() - started

    async def strike_after(self, seconds: float) -> Kill:
        """Kill the server so long after a request, wherever its threads are then, and judge."""
        client = await self._begin()
        before = self._scene.file.bytes()
        earlier = set(self._scene.file.temporaries())
        self._scene.issuer.forget_requests()
        performing = asyncio.create_task(self._operation.perform(self._scene, client))
        await asyncio.sleep(seconds)  # the moment, which is drawn
        os.kill(client.process.pid, signal.SIGKILL)
        try:
            await performing
        except DIED:
            pass
        await client.process.wait()
        await self.stop()
        sent = self._scene.issuer.count("refresh") > 0
        point = KillPoint(ANY, f"{seconds:.4f} s", 1)
        return await self._judge(point, before, earlier, [], sent=sent)

    async def stale_files(self) -> int:
        """Return how many temporary files of the dead a login leaves that comes hours later."""
        file = self._scene.file
        for path in file.temporaries():
            os.utime(path, (time.time() - _HOURS, time.time() - _HOURS))
        client = self._client or await self._start()
        await client.request("auth/login", {"method": "apiKey", "apiKey": self._scene.new_key()})
        return len(file.temporaries())

    async def _forget_dead(self) -> None:
        """Look whether the server, which has answered, was killed right after that."""
        try:
            await self._client.request("auth/status", {})
        except DIED:
            await self.stop()

    async def _judge(
        self,
        point: KillPoint,
        before: bytes | None,
        earlier: set[Path],
        calls: list[Call],
        *,
        sent: bool = False,
    ) -> Kill:
        """Start again and look; `sent` says that the issuer had a request, calls or not."""
        file = self._scene.file
        after = file.bytes()
        place = place_of(calls, changed=after != before)
        kill = Kill(
            campaign=self.campaign,
            point=point,
            place=Place.SENT if sent and place is Place.BEFORE else place,
            is_whole=after == before or self._operation.allows(self._scene, before, after),
            left_over=len(set(file.temporaries()) - earlier),
        )
        client = await self._start()
        if self.campaign.grace and kill.is_in_window:
            kill.repaired_alone = await happens(lambda: file.bytes() != before, REPAIR_SECONDS)
        kill.trouble = await trouble_with(self._scene, client)
        if kill.trouble is not None:
            file.remove()  # the next kill begins with a new login
        return kill

    async def _begin(self) -> LanguageClient:
        """Return a server that is ready for the operation."""
        if self.campaign.cold:
            await self.stop()
        client = self._client or await self._start()
        if not self.campaign.cold and not self._is_warm:
            await self._operation.warm(self._scene, client)
            self._is_warm = True
        await self._operation.prepare(self._scene, client)
        return client

    async def _start(self) -> LanguageClient:
        client = await LanguageClient.start(
            self._folder,
            home=self._scene.file.folder,
            issuer=self._scene.issuer.url,
            environment=self._scene.environment,
            log_level=None,
        )
        self._client = client
        self._is_warm = False
        await client.initialize()
        await client.wait_for("auth/statusChanged")
        return client

    async def _attach(self, client: LanguageClient, point: KillPoint | None) -> dict[str, Tracer]:
        pid = client.process.pid
        if self.campaign.cold or self.campaign.follow:
            inject = point.inject if point else None
            return {ANY: await Tracer.attach(pid, [pid], self._log, follow=True, inject=inject)}
        first, *others = threads_of(pid)
        tracers = {}
        parties = [(FIRST, [first]), (OTHERS, others)]
        if point is not None and point.threads == FIRST:
            parties.reverse()  # what kills is attached last
        for threads, ids in parties:
            inject = point.inject if point and point.threads == threads else None
            log = self._log.with_suffix(f".{threads}")
            tracers[threads] = await Tracer.attach(pid, ids, log, inject=inject)
        return tracers


def _is_receipt(call: Call) -> bool:
    return call.name == "read" and '"Content-Length: ' in call.text and call.returned


def place_of(calls: Sequence[Call], *, changed: bool) -> Place:
    """Return how far a process was that made these calls; `changed` is what became of the file."""
    if changed:
        return Place.STORED
    place = Place.BEFORE
    for call in calls:
        if not call.returned:
            continue
        if place is Place.BEFORE and call.name == "sendto" and '"POST /oauth/token' in call.text:
            place = Place.SENT
        elif place is Place.SENT and call.name == "recvfrom" and '"HTTP/1.1 ' in call.text:
            return Place.ANSWERED
    return place
