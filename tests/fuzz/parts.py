"""The parts of the fuzz run: what each throws at what, how much of it, and in which portions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzz import guided_run, judge_run, listener_run, server_run
from fuzz.judges import TARGETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from fuzz.found import Found
    from fuzz.judges import Target

GUIDED = 100_000
"""Cases of each parser that are led by coverage, in one portion, since what leads is not kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part."""

    name: str
    title: str
    full: int
    """Cases of a full run."""
    portion: int
    """Cases after which what was found is kept."""
    run: Callable[[Sequence[str], Path], Awaitable[Found]]


def _of_parser(target: Target) -> Part:
    async def run(seeds: Sequence[str], _: Path) -> Found:
        return await asyncio.to_thread(judge_run.run, target, seeds)

    return Part(target.name, target.title, target.full, 50_000, run)


def _guided(target: Target) -> Part:
    async def run(seeds: Sequence[str], _: Path) -> Found:
        return await guided_run.run(target, seeds)

    return Part(f"guided_{target.name}", f"{target.title}, led by coverage", GUIDED, GUIDED, run)


PARTS = (
    Part(
        "message",
        "messages to the language server, over its pipes",
        1_000_000,
        200_000,
        server_run.run_messages,
    ),
    Part(
        "broken_frame",
        "frames that cannot be trusted, each to a language server of its own",
        500,
        100,
        server_run.run_broken_frames,
    ),
    Part(
        "callback",
        "requests to the redirect listener of a waiting sign-in",
        200_000,
        50_000,
        listener_run.run,
    ),
    *map(_of_parser, TARGETS),
    *map(_guided, TARGETS),
)
