"""Killed at any moment: SIGKILL before every system call of a login, a refresh and a logout.

Each kill is followed by a new start on the same folder, and by the question whether what is stored
works. A refresh token is spent at the issuer some time between the first byte of the request and
the answer, so a kill from that byte to the rename can lose it, whoever writes the program; where
the issuer accepts a spent token for some seconds more, the record of what was sent saves it.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prove.crash_operations import BrowserLogin, KeyLogin, Logout, Refresh, Scene
from prove.crash_rig import Campaign, Kill, Place, Rig
from prove.issuer import ProvingIssuer
from prove.kill_points import KillPoint, spread
from prove.login import LoginFile
from prove.results import Outcome, Table, at_least, exactly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

GRACE_SECONDS = 10.0
"""How long the kinder of the two issuers accepts a token that was spent."""

LANES = 2
"""How many campaigns run at a time."""

_TRIES = 4
"""Points that are tried for a kill, of which some are not reached."""

CAMPAIGNS = (
    Campaign(Refresh, 0.30),
    Campaign(Refresh, 0.26, grace=True),
    Campaign(BrowserLogin, 0.12, follow=True),
    Campaign(KeyLogin, 0.08, follow=True),
    Campaign(Logout, 0.08, follow=True),
    Campaign(Refresh, 0.05, cold=True),
    Campaign(BrowserLogin, 0.05, cold=True),
    Campaign(KeyLogin, 0.03, cold=True),
    Campaign(Logout, 0.03, cold=True),
)


async def run(kills: int, seed: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Run every campaign, `kills` in all."""
    lanes = asyncio.Semaphore(LANES)
    counts = shares_of(kills)
    done = 0

    def on_kill() -> None:
        nonlocal done
        done += 1
        if done % 50 == 0:
            say(f"{done:,} of {kills:,} kills")

    async def campaign_in_lane(number: int, campaign: Campaign) -> Campaigned:
        async with lanes:
            own_folder = folder / str(number)
            own_folder.mkdir()
            chance = random.Random(seed + number)
            return await kill_often(campaign, counts[number], own_folder, chance, on_kill)

    # A lane that breaks does not cancel the other: that could leave a process behind.
    ended = await asyncio.gather(
        *(campaign_in_lane(number, campaign) for number, campaign in enumerate(CAMPAIGNS)),
        return_exceptions=True,
    )
    for one in ended:
        if isinstance(one, BaseException):
            raise one
    outcome = judge(kills, [one for one in ended if isinstance(one, Campaigned)])
    outcome.seed = seed
    return outcome


def shares_of(kills: int) -> list[int]:
    """Return how many kills each campaign has: at least one, and `kills` in all."""
    counts = [max(int(campaign.share * kills), 1) for campaign in CAMPAIGNS]
    return [counts[0] + max(kills - sum(counts), 0), *counts[1:]]


@dataclass(frozen=True, slots=True)
class Campaigned:
    """What came of a campaign."""

    campaign: Campaign
    points: int
    """How many system calls a profile of the operation had."""
    kills: list[Kill]
    stale: int
    """Temporary files of killed processes that the writes of later ones did not sweep."""


async def kill_often(
    campaign: Campaign, count: int, folder: Path, chance: random.Random, on_kill: Callable[[], None]
) -> Campaigned:
    """Kill a language server `count` times, each time in a new place, and judge each kill."""
    async with ProvingIssuer.start() as issuer:
        issuer.policy(grace_seconds=GRACE_SECONDS if campaign.grace else 0.0)
        rig = Rig(campaign, Scene(issuer, LoginFile.make(folder)), folder)
        try:
            points = await rig.profile()
            kills = [
                kill async for kill in _kills(rig, count, spread(points, count, chance), on_kill)
            ]
            return Campaigned(campaign, len(points), kills, await rig.stale_files())
        finally:
            await rig.stop()


async def _kills(
    rig: Rig, count: int, points: Iterator[KillPoint], on_kill: Callable[[], None]
) -> AsyncIterator[Kill]:
    killed = 0
    for _ in range(_TRIES * count):
        kill = await rig.strike(next(points))
        if kill is not None:
            killed += 1
            on_kill()
            yield kill
        if killed == count:
            return
    raise RuntimeError(f"{rig.campaign.name}: only {killed} of {count} points were reached")


def judge(kills_asked: int, campaigned: Sequence[Campaigned]) -> Outcome:
    """Return the claims and figures."""
    kills = [kill for one in campaigned for kill in one.kills]
    strict = [kill for kill in kills if kill.is_in_window and not kill.campaign.grace]
    kind = [kill for kill in kills if kill.is_in_window and kill.campaign.grace]
    outside = [kill for kill in kills if not kill.is_in_window]
    broken = [kill for kill in kills if not kill.is_whole]
    lost = [kill for kill in kills if kill.trouble is not None]
    alone = sum(kill.repaired_alone is True for kill in kind)
    wrong = [kill for kill in lost if kill not in strict]
    untold = [kill for kill in lost if kill in strict and "interrupted" not in kill.trouble]
    return Outcome(
        part="crash",
        asked=f"{kills_asked:,} kills",
        claims=[
            at_least("kills by SIGKILL, each before a system call", len(kills), kills_asked),
            exactly("files that were neither the old login nor the new one", len(broken)),
            exactly(
                f"logins lost by the {len(outside):,} kills outside of the window from the first "
                "byte of a token request to the rename",
                sum(kill in lost for kill in outside),
            ),
            exactly(
                f"logins lost by the {len(kind):,} kills inside of it, where the issuer grants "
                f"{GRACE_SECONDS:.0f} s of grace",
                sum(kill in lost for kill in kind),
            ),
            exactly(
                "of these, saved by the restarted server before anybody asked", alone, len(kind)
            ),
            exactly("lost logins that were not told as an interrupted renewal", len(untold)),
            exactly(
                "temporary files older than an hour, which a later write did not sweep",
                sum(one.stale for one in campaigned),
            ),
        ],
        tables=[_by_campaign(campaigned), _by_place(kills)],
        limits=[
            f"Without grace, {sum(kill in lost for kill in strict):,} of the {len(strict):,} "
            "kills inside of the window lost the login: the issuer had spent the token, and the "
            "only copy of its successor died with the process. No program can close this window; "
            "it is as long as the request and one write. The person is told that a renewal was "
            "interrupted.",
            "A logout that is killed after the removal may not have told the issuer: the login is "
            "gone from this machine and its refresh token still counts there.",
            "A kill leaves the file system's cache alone, so this says nothing of a power loss; "
            "the order of fsync and rename is held by tests/stores/test_system_calls.py.",
        ],
        failures=[str(kill) for kill in kills if kill in broken or kill in wrong],
    )


def _by_campaign(campaigned: Sequence[Campaigned]) -> Table:
    rows = []
    for one in campaigned:
        cells = (
            len(one.kills),
            len({kill.point for kill in one.kills}),
            one.points,
            sum(kill.trouble is not None for kill in one.kills),
            sum(kill.left_over for kill in one.kills),
        )
        rows.append((one.campaign.name, *(f"{cell:,}" for cell in cells)))
    heads = (
        "killed",
        "kills",
        "different points",
        "points in all",
        "unusable logins",
        "temporary files left",
    )
    return Table(heads, tuple(rows))


def _by_place(kills: Sequence[Kill]) -> Table:
    refreshes = [kill for kill in kills if kill.campaign.operation().spends]
    rows = []
    for place in Place:
        cells = [place.value]
        for grace in (False, True):
            here = [
                kill for kill in refreshes if (kill.place, kill.campaign.grace) == (place, grace)
            ]
            lost = sum(kill.trouble is not None for kill in here)
            cells.append(f"{lost:,} of {len(here):,}")
        rows.append(tuple(cells))
    heads = ("a refresh was killed", "logins lost without grace", "logins lost with grace")
    return Table(heads, tuple(rows))
