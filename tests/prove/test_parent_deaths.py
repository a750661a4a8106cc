"""Editors that are killed."""

from __future__ import annotations

from prove.parent_deaths import MOMENTS, Death, judge, run


async def test_a_killed_editor_takes_its_server_along(tmp_path):
    """(W16) At every moment, although the pipe between them stays open."""
    outcome = await run(2 * len(MOMENTS), tmp_path, lambda _: None)

    assert outcome.failures == []
    assert outcome.broken == []


def test_a_server_that_stays_is_found():
    """The judge holds the number, the time and the manner."""
    fine = Death("at rest", is_reaped=True, seconds=0.1)
    late = Death("at rest", is_reaped=True, seconds=10.1, broken=["it still ran after 10 s"])
    loud = Death("at rest", is_reaped=False, seconds=0.1, broken=["it wrote to stderr"])

    assert judge(1, [fine]).broken == []
    assert len(judge(2, [fine]).broken) == 1
    assert len(judge(2, [fine, late]).broken) == 2
    assert judge(2, [fine, loud]).failures == ["at rest: it wrote to stderr"]
