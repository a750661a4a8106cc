"""Every interleaving of refreshes within bounds keeps the invariants, and planted defects show."""

from __future__ import annotations

import pytest

from prove.model import INVARIANTS, Rules, search
from prove.model_search import PLANTED, SHORT, walk_often


@pytest.mark.parametrize("name", SHORT)
def test_no_interleaving_breaks_an_invariant(name):
    """The search ends, so it has seen every state; the shortest way to a fault would be shown."""
    found = search(SHORT[name])

    assert found.broken == {}
    assert found.states > 100


@pytest.mark.parametrize("name", PLANTED)
def test_search_finds_a_planted_defect(name):
    """Each invariant is one that the search can see broken."""
    rules, invariant, bounds = PLANTED[name]

    found = search(bounds, rules)

    assert invariant in found.broken


def test_every_invariant_has_a_planted_defect():
    """None is believed because nothing ever tried to break it."""
    assert {invariant for _, invariant, _ in PLANTED.values()} == set(INVARIANTS)


def test_long_walks_break_no_invariant():
    """More windows, crashes and rotations than a complete search can take."""
    walked = walk_often(100, seed=1)

    assert (walked.walks >= 100, walked.broken) == (True, [])


def test_walk_finds_a_planted_defect_and_tells_a_short_way_to_it():
    """What hypothesis walks through is the same model."""
    walked = walk_often(500, seed=1, rules=Rules(unreadable_is_absent=True))

    assert walked.broken[:1] == ["I6: a refresh never ends a login"]
    assert len(walked.broken) < 40
