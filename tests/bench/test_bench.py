"""The bench itself: it counts right, and it drives the servers that it measures."""

from __future__ import annotations

import tomllib

import pytest

from bench import flows, growth, many_windows, one_window, report
from bench.figures import Goal, Samples, at_least, at_most, digits
from bench.one_window import running
from bench.peers import CODEX, OURS, PYGLS, Peer, all_peers
from bench.piped import woken_since


@pytest.fixture
def ours() -> Peer:
    """Return the adapter of this language server."""
    return next(peer for peer in all_peers() if peer.name == OURS)


def samples(**values: list[float]) -> Samples:
    """Return samples of servers by name."""
    return Samples("ms", dict(values))


def test_percentiles_are_samples():
    """The smallest one that so many percent do not exceed."""
    found = samples(a=[float(number) for number in range(1, 101)])

    assert (found.median("a"), found.percentile("a", 99), found.percentile("a", 1)) == (50.5, 99, 1)
    assert samples(a=[3.0]).percentile("a", 99) == 3


def test_a_ratio_is_the_median_of_the_rounds():
    """A round in which the whole machine was slow counts like any other."""
    assert samples(a=[1.0, 20.0, 3.0], b=[2.0, 20.0, 2.0]).ratio("a", "b") == 1
    assert samples(a=[1.0]).ratio("a", "b") is None


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0695, "0.0695"), (39.187, "39.19"), (4182.4, "4,182"), (50863.0, "50,860"), (0, "0")],
)
def test_a_number_is_shown_as_people_write_it(value, shown):
    """With the digits that mean something, and without powers of ten."""
    assert digits(value) == shown


def test_a_thread_that_ends_takes_nothing_from_the_others():
    """What it did meanwhile is not known; a new one counts from its beginning."""
    assert woken_since({"1": 10, "2": 500}, {"1": 13, "3": 2}) == 5


def test_a_goal_is_reached_or_not_or_not_measured():
    """What is not on this machine is no success."""
    assert at_most("x", 0.3, 0.3) == Goal("x", "≤ 0.3 \u00d7", "0.3 \u00d7", is_reached=True)
    assert at_most("x", 0.31, 0.3).is_reached is False
    assert at_least("x", 4.9, 5, "s").is_reached is False
    assert at_least("x", None, 5) == Goal("x", "≥ 5 \u00d7", "not measured", is_reached=None)


@pytest.mark.part("codex")
@pytest.mark.parametrize("name", [OURS, PYGLS, CODEX])
def test_every_server_answers_as_its_adapter_says(name):
    """Alone, many at once, and at the end; none of the answers is an error."""
    peer = next(peer for peer in all_peers() if peer.name == name)
    with running(peer) as server:
        answer = server.ask()
        seconds, failed = server.ask_many(100, 16)
        memory = server.pss()
        ended_after = server.end()

    assert ("result" in answer, failed) == (True, 0)
    assert min(seconds, memory, ended_after) > 0
    assert server.process.returncode == 0


def test_the_signed_in_state_is_what_is_measured(ours):
    """Not that of somebody who has no login, which is less work."""
    with running(ours) as server:
        assert server.ask()["result"]["state"] == "signedIn"


def test_ten_thousand_requests_at_once_are_answered(ours):
    """(W19) None of them is refused, as the status is never counted."""
    with running(ours) as server:
        _, failed = server.ask_many(one_window.AT_ONCE, one_window.AT_ONCE)

    assert failed == 0


def test_a_short_run_measures_each_figure(ours, monkeypatch):
    """Every row of the page has something in it."""
    monkeypatch.setattr(many_windows, "WINDOWS", 2)
    monkeypatch.setattr(many_windows, "GROWTH", (1, 2))
    monkeypatch.setattr(one_window, "AT_ONCE", 500)

    one = one_window.measure([ours], 1, 20)
    many = many_windows.measure([ours], 1, 4, 0.1)

    assert {len(found.by_server[OURS]) for found in (one.first_status, one.end, one.memory)} == {1}
    assert (len(many.change_one.by_server[OURS]), set(many.growth)) == (4, {1, 2})
    assert all(goal.goal for goal in [*one.goals(), *many.goals()])


def test_growth_is_measured_with_configurations_that_are_read(ours, monkeypatch):
    """Each of its size, and whole: one that cannot be parsed would be less work."""
    monkeypatch.setattr(growth, "SIZES", (0, 5000))

    found = growth.measure(ours, 5)

    assert set(found.sizes) == {0, 5000}
    assert all(min(one.first_status, one.trip) > 0 for one in found.sizes.values())
    assert growth.configuration(0) == ""
    projects = tomllib.loads(growth.configuration(5000))["projects"]
    assert 5000 <= len(growth.configuration(5000)) < 5100
    assert len(projects) > 50


def test_slope_is_what_each_one_more_adds():
    """What is there from the beginning is none of it."""
    assert growth.slope({1: 30.0, 2: 40.0, 4: 60.0}) == pytest.approx(10)


async def test_flows_are_measured_beside_the_issuers_time(monkeypatch):
    """One login and one refresh by two windows, which costs one request."""
    monkeypatch.setattr(flows, "WINDOWS", 2)

    found = await flows.measure(1)

    assert found.requests.by_server == {OURS: [1]}
    assert found.login.median(OURS) > 0


def test_figures_take_the_place_of_the_old_ones(tmp_path):
    """The words around them stay."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")

    report.put(page, "new")
    report.put(page, "newer")

    assert page.read_text() == f"before\n{report.BEGIN}\nnewer\n{report.END}\nafter\n"


def test_the_servers_of_a_page_are_those_of_its_columns(tmp_path):
    """A run with fewer does not take their place."""
    page = tmp_path / "page.md"
    assert report.servers_of(page) == set()
    page.write_text("| figure | goal | found |\n\n| figure | ours | another one |\n| --- |\n")

    assert report.servers_of(page) == {"ours", "another one"}


def test_the_page_names_every_goal(ours, monkeypatch):
    """A goal that is missed stands there as one."""
    monkeypatch.setattr(many_windows, "WINDOWS", 1)
    monkeypatch.setattr(many_windows, "GROWTH", (1,))
    monkeypatch.setattr(one_window, "AT_ONCE", 10)
    one, many = one_window.measure([ours], 1, 5), many_windows.measure([ours], 1, 2, 0.1)
    slow = flows.Flows(samples(**{OURS: [61.0]}), samples(**{OURS: [1.0]}), samples(**{OURS: [1]}))

    grown = growth.Growth({1000: growth.AtSize(50.0, 200.0)})

    page = report.render([OURS], one, many, grown, slow, {"python": "3"})

    assert "| first browser login, own time | ≤ 60 ms | 61 ms | **no** |" in page
    assert "| first status, beside pygls | ≤ 0.3 \u00d7 | not measured | not measured |" in page
