"""Ended while a refresh is on its way."""

from __future__ import annotations

import pytest

from prove.ends import WAYS, Ended, end, judge


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_the_answer_to_a_refresh_is_stored_however_the_server_is_ended(tmp_path, way):
    """SIGKILL and power loss apart."""
    ended = await end(way, tmp_path / "end")

    assert ended.broken == []


def test_an_end_that_loses_the_login_is_found():
    """The judge counts it and names it."""
    ended = [Ended(way) for way in WAYS]
    assert judge(ended).broken == []
    ended[0].broken.append("the answer was not stored")

    outcome = judge(ended)

    assert len(outcome.broken) == 1
    assert outcome.failures == ["shutdown and exit: the answer was not stored"]
