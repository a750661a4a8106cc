"""A real keyring: a short run of the proof, and a judge who is not blind."""

from __future__ import annotations

import pytest

pytest.importorskip("secretstorage", reason="the Secret Service is a part of Linux desktops")

from prove.crash_operations import Refresh
from prove.crash_rig import Campaign, Kill, Place
from prove.keyring_kills import DaemonKill, Killed, kill_daemons, kill_servers
from prove.keyring_part import judge
from prove.keyring_states import OPEN, QUICK, Cell, expected, try_cell
from prove.keyring_together import Together, Turns, share, take_turns
from prove.kill_points import ANY, KillPoint

POINT = KillPoint(ANY, "write", 1)
STRICT, KIND = Campaign(Refresh, 0.5), Campaign(Refresh, 0.5, grace=True)


def nothing(_: str) -> None:
    """Say nothing of how far it is."""


@pytest.mark.part("keyring")
@pytest.mark.part("codex")
@pytest.mark.parametrize(("mode", "state"), QUICK, ids=lambda value: value.replace(" ", "-"))
async def test_every_mode_does_what_it_says_in_every_state_of_the_keyring(tmp_path, mode, state):
    """Those in which nobody answers for a minute are `make prove`'s."""
    cell = await try_cell(mode, state, tmp_path)

    assert cell.broken == []


@pytest.mark.part("keyring")
async def test_windows_on_one_keyring_make_one_token_request_for_a_rotation(tmp_path):
    """Their lock and their record lie in the folder, wherever the login does."""
    together = await share(4, 4, tmp_path, nothing)

    assert together.due == [1, 1]
    assert (together.breaks, together.errors, together.stale) == ([], [], 0)
    assert (together.asked_to_sign_in, together.items) == (0, 1)


@pytest.mark.part("keyring")
@pytest.mark.part("codex")
async def test_codex_and_a_window_take_turns_on_one_keyring(tmp_path):
    """Logins, logouts and renewals, each seen by the other."""
    turns = await take_turns(1, tmp_path, nothing)

    assert turns.unseen == []
    assert turns.changes == 8


@pytest.mark.part("keyring")
@pytest.mark.part("strace")
@pytest.mark.usefixtures("traceable")
async def test_a_server_that_is_killed_leaves_one_item_that_works(tmp_path):
    """Ten kills; the full figure is `make prove`'s."""
    kills = await kill_servers(10, 1, tmp_path, nothing)
    outcome = judge([], Together(1, items=1), Turns(8), Killed(kills))

    assert (outcome.failures, outcome.broken) == ([], [])


@pytest.mark.part("keyring")
async def test_a_keyring_that_is_killed_costs_no_login(tmp_path):
    """The server lives on, and what it holds is written when the keyring is back."""
    kills = await kill_daemons(6, 1, tmp_path, nothing)

    assert [str(kill) for kill in kills if kill.trouble or not kill.is_whole] == []


def kill(campaign: Campaign = STRICT, place: Place = Place.BEFORE, **changes) -> Kill:
    facts = {"is_whole": True, "left_over": 0, **changes}
    return Kill(campaign=campaign, point=POINT, place=place, **facts)


def good() -> tuple[list[Cell], Together, Turns, Killed]:
    """Return what a run that broke nothing comes to."""
    return (
        [Cell("auto", OPEN, expected("auto", OPEN), 0.1)],
        Together(2, due=[1, 1], forced=[1], items=1),
        Turns(changes=8),
        Killed([kill()], [DaemonKill("refresh", "done", 0.1, is_whole=True)]),
    )


def test_a_run_that_broke_nothing_holds():
    """And so does one with a loss that nobody could prevent."""
    cells, together, turns, killed = good()
    killed.server.append(kill(place=Place.ANSWERED, trouble="interrupted at noon"))
    outcome = judge(cells, together, turns, killed)

    assert (outcome.broken, outcome.failures) == ([], [])
    assert outcome.limits[0].startswith("Of 1 kills in that window without grace, 1 lost")


def _slow(cells, together, turns, killed):
    cells[0].slowest_status = 9.0


def _broken_cell(cells, together, turns, killed):
    cells[0].broken.append("the login is in the clear")


def _two_requests(cells, together, turns, killed):
    together.due[0] = 2


def _stale(cells, together, turns, killed):
    together.stale = 1


def _asked(cells, together, turns, killed):
    together.asked_to_sign_in = 1


def _second_item(cells, together, turns, killed):
    together.items = 2


def _unseen(cells, together, turns, killed):
    turns.unseen.append("Codex does not see our login")


def _torn(cells, together, turns, killed):
    killed.server.append(kill(is_whole=False))


def _lost(cells, together, turns, killed):
    killed.server.append(kill(trouble="refreshTokenReused"))


def _lost_in_grace(cells, together, turns, killed):
    killed.server.append(kill(KIND, Place.ANSWERED, trouble="refreshTokenReused"))


def _daemon(cells, together, turns, killed):
    killed.daemon[0].trouble = "the state is signedOut"


@pytest.mark.parametrize(
    "spoil",
    [
        _slow,
        _broken_cell,
        _two_requests,
        _stale,
        _asked,
        _second_item,
        _unseen,
        _torn,
        _lost,
        _lost_in_grace,
        _daemon,
    ],
    ids=lambda spoil: spoil.__name__.strip("_"),
)
def test_whatever_breaks_a_promise_is_found(spoil):
    """One claim fails for each."""
    run = good()
    spoil(*run)

    assert len(judge(*run).broken) == 1


def test_what_came_of_a_cell_is_compared_with_the_table():
    """Only the keyring mode fails where there is no keyring, and only `auto` steps down."""
    kept = {mode: expected(mode, "no keyring").kept_in for mode in ("file", "keyring", "auto")}

    assert kept == {"file": "file", "keyring": "none", "auto": "file"}
