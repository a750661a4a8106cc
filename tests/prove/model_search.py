"""The model's searches: which bounds are searched whole, which are walked through, what is planted.

The complete searches visit every state within their bounds. hypothesis takes its own ways through
larger ones, and shrinks what breaks an invariant to its shortest way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import hypothesis
from hypothesis import strategies

from codex_auth_lsp.service.refresh_answer import take_answer
from codex_auth_lsp.service.refresh_rules import Refusal, Success, Turn
from prove.model import (
    ALWAYS_PARSES,
    INVARIANTS,
    LOGOUT_IS_FINAL,
    NEVER_DROPPED,
    NEVER_ENDS_A_LOGIN,
    NEVER_OVER_ANOTHER,
    NO_NEED_TO_SIGN_IN,
    SIGN_OUT,
    SPENT_ONCE,
    Bounds,
    Found,
    Rules,
    beginning,
    search,
    steps,
)
from prove.results import Claim, Outcome, Table, at_least, exactly

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.oauth.http import Reply
    from codex_auth_lsp.service.refresh_answer import Renewal

SHORT = {
    "two windows": Bounds(codex=0),
    "two windows beside Codex": Bounds(),
    "two windows beside Codex, family revocation": Bounds(family=True, refreshes=1),
    "two windows beside Codex, grace": Bounds(grace=True, refreshes=1),
    "one window, two crashes": Bounds(ours=1, crashes=2),
    "two windows beside Codex, a lost answer": Bounds(losses=1, refreshes=1),
    "two windows beside Codex, an unreadable file": Bounds(disturbances=1, refreshes=1),
    "two windows beside Codex, a removed lock": Bounds(removals=1, refreshes=1),
    "two windows beside Codex, a removed record": Bounds(forgettings=1, refreshes=1),
    "two windows beside Codex, a disk that is full": Bounds(refusals=1, refreshes=1),
    "two windows beside Codex, an odd answer": Bounds(odd_answers=1, refreshes=1),
    "two windows, two odd answers to which the disk says no": Bounds(
        codex=0, odd_answers=2, refusals=2, refreshes=3
    ),
}
"""Bounds that take less than a second each."""

FULL = SHORT | {
    "two windows beside two Codex": Bounds(codex=2, refreshes=1),
    "three windows": Bounds(ours=3, codex=0, refreshes=2),
    "two windows beside Codex, everything": Bounds(
        crashes=2, losses=2, disturbances=2, refreshes=3
    ),
    "two windows beside Codex, everything and grace": Bounds(
        crashes=1, losses=1, disturbances=1, refreshes=2, grace=True
    ),
    "two windows beside Codex, everything and family revocation": Bounds(
        crashes=1, losses=1, disturbances=1, refreshes=2, family=True
    ),
    "three windows beside Codex, everything": Bounds(
        ours=3, crashes=1, losses=1, disturbances=1, refreshes=2
    ),
    "two windows beside Codex, somebody who tidies up": Bounds(
        crashes=1, removals=2, forgettings=2, refreshes=2
    ),
    "two windows beside Codex, odd answers and a bad disk": Bounds(
        crashes=1, disturbances=1, odd_answers=2, refusals=2, refreshes=2
    ),
    "three windows, somebody who tidies up, odd answers and a bad disk": Bounds(
        ours=3, codex=0, removals=1, odd_answers=1, refusals=1, refreshes=2
    ),
}
"""Bounds that take up to half a minute each."""

WALKED = Bounds(
    ours=4,
    codex=2,
    crashes=4,
    losses=3,
    disturbances=3,
    odd_answers=3,
    removals=3,
    forgettings=3,
    refusals=3,
    refreshes=8,
)
"""Bounds that are too large for a complete search."""

LONGEST_WALK = 400

_SIGN_OUT_SHARE = 0.02  # of the steps; hardly anything happens after it

DISTURBED = Bounds(disturbances=1)


def refuse_odd_answers(reply: Reply, spent: ChatGptCredential, now: datetime) -> Renewal:
    """Take what is whole; drop anything else, the new refresh token with it."""
    renewal = take_answer(reply, spent, now)
    if renewal.trouble is not None:
        raise renewal.trouble
    return renewal


PLANTED: dict[str, tuple[Rules, str, Bounds]] = {
    "a window does not look again inside": (
        Rules(judge_turn=lambda *_: Turn.SPEND),
        SPENT_ONCE,
        Bounds(),
    ),
    "a refusal is forgotten while the file cannot be read": (
        Rules(forgets_unread_refusal=True),
        SPENT_ONCE,
        DISTURBED,
    ),
    "a rotation is written over whatever is there": (
        Rules(judge_success=lambda *_: Success.WRITE),
        NEVER_OVER_ANOTHER,
        Bounds(),
    ),
    "a rotation brings a login back": (
        Rules(judge_success=lambda *_: Success.WRITE),
        LOGOUT_IS_FINAL,
        Bounds(),
    ),
    "a file is written in place": (
        Rules(atomic_write=False),
        ALWAYS_PARSES,
        Bounds(),
    ),
    "a refusal is believed without a look": (
        Rules(judge_refusal=lambda *_: Refusal.DEAD),
        NO_NEED_TO_SIGN_IN,
        Bounds(),
    ),
    "an unreadable file is taken for a logout": (
        Rules(unreadable_is_absent=True),
        NEVER_ENDS_A_LOGIN,
        DISTURBED,
    ),
    "a turn is as good as its lock file": (
        Rules(locks_folder=False),
        SPENT_ONCE,
        Bounds(removals=1),
    ),
    "the turn is left before what came is written": (
        Rules(leaves_unwritten=True),
        SPENT_ONCE,
        Bounds(refusals=1),
    ),
    "what the disk does not take is forgotten": (
        Rules(forgets_unwritten=True),
        NEVER_DROPPED,
        Bounds(refusals=1),
    ),
    "an odd answer is refused as a whole": (
        Rules(take_answer=refuse_odd_answers),
        NEVER_DROPPED,
        Bounds(odd_answers=1),
    ),
}
"""Defects, the invariant that each of them breaks, and the bounds in which it shows."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What hypothesis found."""

    walks: int
    steps: int
    broken: list[str]


async def run(walks: int, seed: int, say: Callable[[str], None]) -> Outcome:
    """Search all bounds, look for every planted defect, and walk."""
    searched = {}
    for name, bounds in FULL.items():
        searched[name] = search(bounds)
        say(f"{name}: {searched[name].states:,} states, {searched[name].depth} steps deep")
    planted = {name: search(bounds, rules) for name, (rules, _, bounds) in PLANTED.items()}
    walked = walk_often(walks, seed)
    say(f"{walked.walks:,} walks, {walked.steps:,} steps")
    return judge(seed, walks, searched, planted, walked)


def walk_often(walks: int, seed: int, rules: Rules | None = None) -> Walked:
    """Let hypothesis choose the steps of so many walks; return what broke, and how often it went.

    The way that is returned is the shortest that hypothesis could make of the first one.
    """
    counted = [0, 0]
    shortest: list[list[str]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=walks,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        strategies.randoms(use_true_random=False), strategies.integers(1, LONGEST_WALK)
    )
    def walks_are_sound(chance: random.Random, length: int) -> None:
        way, broken = _walk(chance.random, length, rules or Rules())
        counted[0] += 1
        counted[1] += len(way)
        if broken:
            shortest[:] = [[*broken, *way]]
        assert not broken

    try:
        walks_are_sound()
    except AssertionError:
        return Walked(*counted, shortest[0])
    return Walked(*counted, [])


def _walk(
    chance: Callable[[], float], length: int, rules: Rules
) -> tuple[list[str], tuple[str, ...]]:
    """Go a way of this length; return its steps, and the invariants that the last one broke."""
    state, way = beginning(WALKED), []
    for _ in range(length):
        possible = list(steps(state, WALKED, rules))
        if len(possible) > 1 and chance() > _SIGN_OUT_SHARE:
            possible = [step for step in possible if step[0] != SIGN_OUT]
        if not possible:
            break
        name, state, broken = possible[int(chance() * len(possible))]
        way.append(name)
        if broken:
            return way, broken
    return way, ()


def judge(
    seed: int,
    walks: int,
    searched: dict[str, Found],
    planted: dict[str, Found],
    walked: Walked,
) -> Outcome:
    """Return the claims and figures."""
    broken = {name: found for name, found in searched.items() if found.broken}
    missed = [name for name, found in planted.items() if PLANTED[name][1] not in found.broken]
    known = {invariant for _, invariant, _ in PLANTED.values()}
    return Outcome(
        part="model",
        asked=f"{len(searched)} complete searches and {walks:,} walks",
        seed=seed,
        claims=[
            exactly(
                f"searches, of {len(searched)} that visited "
                f"{sum(found.states for found in searched.values()):,} states, in which an "
                "invariant broke",
                len(broken),
            ),
            exactly(f"planted defects, of {len(planted)}, that were not found", len(missed)),
            exactly("invariants without a planted defect", len(set(INVARIANTS) - known)),
            at_least("walks through larger bounds", walked.walks, walks),
            Claim(
                "invariants that broke on a walk",
                ", ".join(walked.broken[:1]) or "0",
                not walked.broken,
            ),
        ],
        tables=[_bounds(searched), _planted(planted)],
        limits=[
            "The model's steps are as fine as the server's waits and writes, and no finer: a "
            "rename is one step. Its decisions are imported from the server; its order of steps "
            "is written down a second time, and held to the server by the other parts; that a "
            "refusal is noted although the file cannot be read, by tests/prove/test_unreadable.py, "
            "and that a removed lock and a full disk let nobody else in, by "
            "tests/service/test_refresh_turns.py.",
        ],
        failures=[
            f"{name}: {invariant}, by: {'; '.join(way)}"
            for name, found in broken.items()
            for invariant, way in found.broken.items()
        ]
        + [f"not found: {name}" for name in missed]
        + ([f"on a walk: {'; '.join(walked.broken)}"] if walked.broken else []),
    )


def _bounds(searched: dict[str, Found]) -> Table:
    rows = []
    for name, found in searched.items():
        bounds = FULL[name]
        cells: Sequence[int] = (
            bounds.ours,
            bounds.codex,
            bounds.refreshes,
            bounds.crashes,
            bounds.losses,
            bounds.disturbances,
            bounds.odd_answers,
            bounds.refusals,
            bounds.removals + bounds.forgettings,
            found.depth,
            found.states,
        )
        rows.append((name, *(f"{cell:,}" for cell in cells)))
    heads = (
        "searched whole",
        "windows",
        "Codex",
        "rotations",
        "crashes",
        "lost answers",
        "unreadable",
        "odd answers",
        "unwritten",
        "removals",
        "depth",
        "states",
    )
    return Table(heads, tuple(rows))


def _planted(planted: dict[str, Found]) -> Table:
    rows = []
    for name, found in planted.items():
        _, invariant, _ = PLANTED[name]
        way = found.broken.get(invariant)
        rows.append((name, invariant, f"in {len(way)} steps" if way else "not found"))
    return Table(("planted defect", "breaks", "found"), tuple(rows))
