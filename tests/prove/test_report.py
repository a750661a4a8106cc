"""The report says what was found, what failed, and what did not run."""

from __future__ import annotations

import argparse

import pytest

from prove.parts import PARTS
from prove.report import render
from prove.results import Claim, Outcome, Table, at_least, exactly
from support.long_runs import number, to_its_end, whole_number


def outcome(*claims: Claim) -> Outcome:
    return Outcome(
        part="torn",
        asked="9 reads",
        claims=list(claims),
        tables=[Table(("a", "b"), (("1", "x|y"),))],
        limits=["It says nothing of the moon."],
        failures=["read 7"],
        seed=5,
        seconds=61.0,
        commit="abc",
        date="2026-11-26",
    )


def page(found: Outcome | None) -> str:
    return render(
        [(part, found if part.name == "torn" else None) for part in PARTS], {"Python": "3.11"}
    )


def test_a_claim_that_fails_is_told_at_the_top_and_in_its_part():
    """With what failed, the limits, the seed, the commit and the versions."""
    text = page(outcome(exactly("torn reads", 3), at_least("reads", 9, 9)))

    assert "| Reading while somebody writes | 9 reads | **1 of 2 claims fail** | abc, " in text
    assert "| torn reads | 3 | **no** |" in text
    assert "| reads | 9 | yes |" in text
    assert "| 1 | x&#124;y |" in text
    assert "- read 7\n" in text
    assert "- It says nothing of the moon.\n" in text
    assert "Ran with 9 reads, seed 5, in 61 s." in text
    assert "| Python | 3.11 |" in text


def test_a_part_that_has_not_run_is_told_as_such():
    """Nothing is claimed of it."""
    assert page(None).count("This part has not run.") == len(PARTS)
    assert page(outcome(exactly("torn reads", 0))).count("| not run |") == len(PARTS) - 1


def test_an_outcome_without_claims_proves_nothing():
    """It does not hold by having nothing to say."""
    assert not outcome().holds


def test_an_outcome_survives_being_kept(tmp_path):
    """So that a run can be taken up again part by part."""
    found = outcome(exactly("torn reads", 0))
    found.save(tmp_path / "kept")

    assert Outcome.load(tmp_path / "kept", "torn") == found
    assert Outcome.load(tmp_path / "kept", "crash") is None


def test_what_another_checkout_found_goes_on_to_stand_there():
    """A run of one part costs no other's figures, nor does writing the page anew."""
    first = page(outcome(exactly("torn reads", 3), at_least("reads", 9, 9)))
    nothing = [(part, None) for part in PARTS]

    assert render(nothing, {"Python": "3.11"}, first) == first
    assert render(nothing, {"Python": "3.11"}, page(None)) == page(None)


def test_program_that_is_missing_here_took_part_all_the_same():
    """The chapters that it took part in stand there still."""
    nothing = [(part, None) for part in PARTS]
    before = render(nothing, {"Codex CLI": "0.169.0", "Node": "20.1"})
    after = render(nothing, {"Codex CLI": "missing", "Node": "22.1"}, before)

    assert "| Codex CLI | 0.169.0 |" in after
    assert "| Node | 22.1 |" in after
    assert "| Codex CLI | missing |" in render(nothing, {"Codex CLI": "missing"})


def test_how_far_the_code_has_gone_on_stands_beside_the_commit():
    """Figures are of the code that they were found with."""
    asked = []

    def changed_since(commit: str) -> int | None:
        asked.append(commit)
        return 7

    pages = [(part, outcome() if part.name == "torn" else None) for part in PARTS]
    text = render(pages, {}, "", changed_since)
    again = render([(part, None) for part in PARTS], {}, text, changed_since)

    assert asked == ["abc", "abc"]
    assert "| abc, 2026-11-26 | 7 |" in text
    assert "| abc, 2026-11-26 | 7 |" in again


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_size_that_makes_no_run_is_refused(text):
    """Nothing that ran proves nothing."""
    with pytest.raises(argparse.ArgumentTypeError, match="a whole number above 0"):
        whole_number(text)


@pytest.mark.parametrize("text", ["0", "-0.5", "nan", "inf", "much", ""])
def test_share_that_makes_no_run_is_refused(text):
    """The same of a share."""
    with pytest.raises(argparse.ArgumentTypeError, match="a number above 0"):
        number(text)


def test_sizes_are_taken():
    """The others."""
    assert (whole_number("12"), number("0.5")) == (12, 0.5)


def test_run_that_is_stopped_says_what_is_kept(capsys):
    """One line, and the status of Ctrl-C."""

    def stopped() -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as ended:
        to_its_end(stopped, "something is kept")

    assert ended.value.code == 130
    assert capsys.readouterr().err == "\nStopped; something is kept.\n"
