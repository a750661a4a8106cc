"""Every interleaving of refreshes within bounds keeps the five invariants."""

from __future__ import annotations

import pytest

from codex_auth_lsp.service.refresh_rules import Refusal, Success, Turn
from prove.model import Bounds, Rules, search

BOUNDS = {
    "two windows": Bounds(codex=0),
    "two windows beside Codex": Bounds(),
    "two windows beside Codex, family revocation": Bounds(family=True, refreshes=1),
    "two windows beside Codex, grace": Bounds(grace=True, refreshes=1),
    "one window, two crashes": Bounds(ours=1, crashes=2),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_no_interleaving_breaks_an_invariant(name):
    """The search ends, so it has seen every state; the shortest way to a fault would be shown."""
    found = search(BOUNDS[name])

    assert found.broken == {}
    assert found.states > 100


PLANTED = {
    "a window does not look again inside": (
        Rules(judge_turn=lambda *_: Turn.SPEND),
        "I1: one spend per token",
    ),
    "a rotation is written over whatever is there": (
        Rules(judge_success=lambda *_: Success.WRITE),
        "I2: never overwrite another token",
    ),
    "a rotation brings a login back": (
        Rules(judge_success=lambda *_: Success.WRITE),
        "I3: a logout is final",
    ),
    "a file is written in place": (
        Rules(atomic_write=False),
        "I4: the store always parses",
    ),
    "a refusal is believed without a look": (
        Rules(judge_refusal=lambda *_: Refusal.DEAD),
        "I5: no new sign-in while a live token is stored",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_search_finds_a_planted_defect(name):
    """Each invariant is one that the search can see broken."""
    rules, invariant = PLANTED[name]

    found = search(Bounds(), rules)

    assert invariant in found.broken
