"""Killed at any moment: a short run, and a judge who is not blind."""

from __future__ import annotations

import random
from itertools import islice, pairwise

import pytest

from prove import crash
from prove.crash import Campaigned, judge, shares_of
from prove.crash_operations import Refresh, is_rotation
from prove.crash_rig import Campaign, Kill, Place, place_of
from prove.kill_points import FIRST, KillPoint, points_of, spread
from prove.login import LoginFile, key_login, stored_login
from prove.tracer import Call, read_calls

STRICT, KIND = Campaign(Refresh, 0.5), Campaign(Refresh, 0.5, grace=True)
POINT = KillPoint(FIRST, "write", 1)


def kill(campaign: Campaign = STRICT, place: Place = Place.BEFORE, **changes) -> Kill:
    facts = {"is_whole": True, "left_over": 0, **changes}
    return Kill(campaign=campaign, point=POINT, place=place, **facts)


@pytest.mark.part("strace")
@pytest.mark.usefixtures("traceable")
async def test_a_kill_costs_a_login_only_where_no_program_could_save_it(tmp_path):
    """Thirty kills over every operation; the full figure is `make prove`'s."""
    outcome = await crash.run(30, 1, tmp_path, lambda _: None)

    assert (outcome.failures, outcome.broken) == ([], [])


@pytest.mark.parametrize(
    "bad",
    [
        kill(is_whole=False),
        kill(trouble="refreshTokenReused: interrupted"),
        kill(place=Place.STORED, trouble="refreshTokenReused: interrupted"),
        kill(place=Place.SENT, trouble="refreshTokenReused: it was renewed elsewhere"),
        kill(KIND, Place.ANSWERED, trouble="refreshTokenReused", repaired_alone=True),
        kill(KIND, Place.ANSWERED, repaired_alone=False),
    ],
    ids=["a broken file", "lost before", "lost after", "not told", "lost in grace", "not alone"],
)
def test_a_kill_that_breaks_a_promise_is_found(bad):
    """Whatever it is, a claim fails."""
    good = [kill(), kill(place=Place.ANSWERED, trouble="interrupted at noon")]
    campaigned = Campaigned(bad.campaign, 9, [*good, bad], stale=0)

    assert len(judge(3, [campaigned]).broken) == 1


def test_a_loss_that_nobody_could_prevent_is_a_limit_and_no_failure():
    """It is counted and told."""
    lost = kill(place=Place.ANSWERED, trouble="refreshTokenReused: interrupted at noon")

    outcome = judge(1, [Campaigned(STRICT, 9, [lost], stale=0)])

    assert (outcome.broken, outcome.failures) == ([], [])
    assert "1 of the 1 kills inside of the window lost the login" in outcome.limits[0]


def test_every_campaign_has_its_share_of_the_kills():
    """And all shares together are what was asked for."""
    assert [sum(shares_of(kills)) for kills in (30, 2000)] == [30, 2000]
    assert min(shares_of(30)) == 1


def test_points_are_spread_over_the_whole_and_leave_no_kind_of_call_out():
    """With fewer kills than points."""
    calls = [Call(float(n), "", "read" if n % 10 else f"call{n}", ") = 0") for n in range(100)]
    points = list(points_of(calls, FIRST))

    chosen = list(islice(spread(points, 30, random.Random(1)), 30))

    assert len(set(chosen)) == 30
    assert {point.call for point in chosen} == {call.name for call in calls}
    assert chosen == sorted(chosen, key=points.index)
    assert max(points.index(b) - points.index(a) for a, b in pairwise(chosen)) < 20


def test_calls_are_read_from_a_trace_of_several_threads(tmp_path):
    """A call that another thread's interrupted is one call, with its result."""
    log = tmp_path / "trace"
    log.write_text(
        '7 1.5 sendto(9, "POST /oauth/token HTTP/1.1", 26, 0, NULL, 0 <unfinished ...>\n'
        "8 1.6 fsync(5) = -1 EIO (Input/output error) (INJECTED)\n"
        "7 1.7 <... sendto resumed>) = 26\n"
        '7 1.8 recvfrom(9, "HTTP/1.1 200 OK", 99, 0, NULL, NULL) = 15\n'
        "7 1.9 +++ killed by SIGKILL +++\n"
    )

    calls = read_calls(log)

    assert [(call.thread, call.name, call.returned) for call in calls] == [
        ("7", "sendto", True),
        ("8", "fsync", False),
        ("7", "recvfrom", True),
    ]
    assert place_of(calls, changed=False) is Place.ANSWERED
    assert place_of(calls[:2], changed=False) is Place.SENT
    assert place_of(calls[1:2], changed=False) is Place.BEFORE
    assert place_of(calls, changed=True) is Place.STORED


def test_a_rotation_changes_every_token_and_nothing_else(tmp_path):
    """What a kill may leave of a refresh."""
    file = LoginFile.make(tmp_path)

    def content(number: int, account: str = "account") -> bytes:
        names = ("id_token", "access_token", "refresh_token")
        tokens = {name: f"{name} {number}" for name in names}
        return file.write(stored_login("https://issuer.example", tokens, account))

    old = content(1)
    assert is_rotation(old, content(2))
    assert not is_rotation(old, content(2, account="another"))
    assert not is_rotation(old, old)
    assert not is_rotation(old, file.write(key_login("sk-proof")))
    assert not is_rotation(old, old[:-1])
