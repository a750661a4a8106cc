"""Thousands of requests at once."""

from __future__ import annotations

from collections import Counter

from prove.request_flood import judge, run


async def test_a_flood_of_requests_is_answered_to_the_last_one(tmp_path):
    """(W19) What is told at once is; the others run, or are told to come back."""
    outcome = await run(2000, tmp_path, lambda _: None)

    assert outcome.broken == []
    assert outcome.failures == []


def test_a_missing_answer_and_too_much_memory_are_found():
    """The judge counts."""
    limited = ("auth/refresh", "-32803 rateLimited")
    good = Counter({("auth/status", "result"): 1000, limited: 1000})

    assert judge(2000, good, 256, 0).broken == []
    assert len(judge(2001, good, 256, 2**30).broken) == 2
    assert len(judge(2000, good, 300, 0).broken) == 1
    strange = Counter({("auth/status", "-32803 rateLimited"): 1000, limited: 1000})
    assert len(judge(2000, strange, 256, 0).broken) == 1
