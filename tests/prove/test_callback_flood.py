"""A flood of the redirect listener."""

from __future__ import annotations

from prove.callback_flood import Flood, Flooded, judge, sign_in

SMALL = Flood(half_open=40, requests=400, seconds=1.0)


async def test_the_true_redirect_gets_through_a_flood(tmp_path):
    """(L15) Among half-open connections and forged redirects it is heard, at the first try."""
    flooded = await sign_in(SMALL, tmp_path)

    assert flooded.broken == []
    assert flooded.sent == SMALL.requests


def test_a_redirect_that_is_late_or_lost_is_found():
    """The judge holds the seconds and names what broke."""
    fine = Flooded(sent=400, seconds=1.0, answered=0.2)
    late = Flooded(sent=400, seconds=1.0, answered=1.2)
    lost = Flooded(sent=400, seconds=1.0, broken=["nobody is signed in"])

    assert judge(SMALL, [fine]).broken == []
    assert len(judge(SMALL, [fine, late]).broken) == 1
    assert judge(SMALL, [fine, lost]).failures == ["sign-in 2: nobody is signed in"]
