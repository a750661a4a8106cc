"""The soak itself: it spreads its work, goes on where it was stopped, and sees a leak."""

from __future__ import annotations

from dataclasses import replace

from soak import report, stretch
from soak.kept import Kept, Measured, Sample
from soak.plan import FULL, LOGIN, REFRESH, STATUS, Plan

STEADY = Measured(memory=20.0, descriptors=9, threads=1, cpu_seconds=0.1, wake_ups=5)
LITTLE = {STATUS: 20, LOGIN: 2, REFRESH: 4}


def test_work_is_spread_over_the_whole_time():
    """Half of it is due after half of the time, and what is done already is not due again."""
    plan = Plan(120)

    assert plan.due(3600, {}) == {name: count // 2 for name, count in FULL.items()}
    assert plan.due(3600, {STATUS: 5000, LOGIN: 99, REFRESH: 300}) == {
        STATUS: 0,
        LOGIN: 1,
        REFRESH: 0,
    }
    assert plan.due(9999, {}) == FULL


def test_a_stopped_soak_goes_on_and_another_code_begins_anew(tmp_path):
    """What was measured of other code says nothing of this."""
    path = tmp_path / "kept.json"
    kept = Kept(120, "abc", 60.0, {LOGIN: 3}, ["one"], [[Sample(0.0, STEADY, STEADY)]])
    kept.save(path)

    assert Kept.load(path, 120, "abc") == kept
    assert Kept.load(path, 120, "def") == Kept(120, "def")
    assert Kept.load(tmp_path / "none", 120, "abc") == Kept(120, "abc")


def test_a_leak_is_told():
    """One descriptor more in every sample is one too many; memory alone is only reported.

    Threads are a leak where they are more than asyncio's own.
    """
    leaking = [
        Sample(
            at,
            replace(STEADY, descriptors=9 + at, memory=20.0 + at),
            replace(STEADY, threads=1 + at * report.POOL),
        )
        for at in range(20)
    ]
    kept = Kept(1, "abc", 60.0, dict(FULL), [], [leaking])

    assert report.troubles(kept, Plan(1)) == [
        "stretch 1: the descriptors of the busy window went from 9.5 to 27.5",
        f"stretch 1: the threads of the idle window went from {1 + report.POOL / 2:g} "
        f"to {1 + report.POOL * 18.5:g}",
    ]
    assert "| busy | memory (PSS), MiB | 20.5 | 38.5 | 39 |" in report.render(kept, Plan(1))


def test_work_that_was_left_undone_is_told():
    """A soak that ran to its end and did nothing has shown nothing."""
    kept = Kept(1, "abc", 60.0, {STATUS: 10_000, LOGIN: 200}, [], [])

    assert report.troubles(kept, Plan(1)) == ["500 refreshes were not made"]


async def test_a_short_soak_works_and_measures_both_windows(tmp_path):
    """Some seconds of it: all its work is done, nothing fails, nothing leaks."""
    plan = Plan(0.05, LITTLE)
    kept = Kept(plan.minutes, "abc")
    saved = []

    await stretch.run(kept, plan, tmp_path, lambda: saved.append(kept.seconds))

    assert (kept.failures, kept.is_over) == ([], True)
    assert all(kept.done[name] >= count for name, count in LITTLE.items())
    assert len(saved) == len(kept.stretches[0]) > 1
    assert report.drift(kept.stretches[0], "idle", "descriptors").first > 2
    assert "0 failures" in report.render(kept, plan)
