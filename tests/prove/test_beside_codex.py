"""Beside the real Codex CLI: a short run, and a judge who is not blind."""

from __future__ import annotations

import random

import pytest

from prove.beside_codex import Beside, Round, judge, refresh_together
from prove.recorder import TokenRequest

GOOD = Round([], 1, 0, is_whole=True, is_live=True)


@pytest.mark.part("codex")
async def test_nobody_is_asked_to_sign_in_because_of_a_race_with_codex(tmp_path):
    """Two rounds, four processes of each; the login that is stored in the end works."""
    beside = await refresh_together(2, 4, random.Random(1), tmp_path / "rounds", lambda _: None)

    outcome = judge(2, 4, beside, [], [])

    assert (outcome.failures, outcome.broken) == ([], [])


@pytest.mark.part("codex")
async def test_an_issuer_that_ends_the_login_is_told_as_a_limit(tmp_path):
    """Nobody can promise anything there: two Codex processes end it between themselves."""
    ends = await refresh_together(
        3, 2, random.Random(1), tmp_path / "rounds", lambda _: None, family=True
    )

    assert ends.ended_after is not None
    limit = judge(1, 2, beside_of(GOOD), [ends], []).limits[0]
    assert f"ended 1 of 1 logins, in round {ends.ended_after};" in limit


@pytest.mark.parametrize(
    "bad",
    [
        Round(["-32803"], 1, 0, is_whole=True, is_live=True),
        Round([], 1, 1, is_whole=True, is_live=True),
        Round([], 1, 0, is_whole=True, is_live=False),
    ],
    ids=["an error", "asked to sign in", "not live"],
)
def test_a_round_that_breaks_a_promise_is_found(bad):
    """Whatever it is, a claim fails."""
    assert len(judge(1, 4, beside_of(bad), [], []).broken) == 1


@pytest.mark.parametrize("bad", [{"torn": 1}, {"refusal_at_end": "refresh_token_reused"}])
def test_an_end_that_breaks_a_promise_is_found(bad):
    """Whatever it is, a claim fails."""
    beside = beside_of(GOOD)
    for name, value in bad.items():
        setattr(beside, name, value)

    assert len(judge(1, 4, beside, [], []).broken) == 1


def test_rounds_without_a_race_prove_nothing():
    """Were the Codex CLI to send nothing, the claim would be empty."""
    assert len(judge(1, 4, Beside([GOOD]), [], []).broken) == 1


def beside_of(one: Round) -> Beside:
    """Return what one round comes to, with a request of the CLI."""
    return Beside([one], [TokenRequest(1, "a", "codex", 200, "access", "b")])
