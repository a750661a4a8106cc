"""What a mutation run says, and that a reason explains no more than it was written for."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from mutate import __main__ as mutate_main
from mutate import survivors
from mutate.outcome import is_whole, outcome
from mutate.survivors import GROUPS, Group, Survivor, by_group

DIFF = """--- a.py
+++ a.py
@@ -1,2 +1,2 @@
 def f(x):
-    return x > 1
+    return x >= 1
"""


def test_survivor_is_what_it_takes_out_and_puts_in():
    """Without the names of the files and what stands around it."""
    assert Survivor.of("a.x_f__mutmut_1", DIFF) == Survivor(
        "a.x_f__mutmut_1", "return x > 1", "return x >= 1"
    )


def test_score_is_of_the_mutants_that_tests_reach():
    """What no test reaches is told apart, and neither is hidden."""
    states = [*["killed"] * 96, *["timeout"], *["survived"] * 3, *["no tests"] * 25]
    found = {"oauth/token": {f"x_{number}": state for number, state in enumerate(states)}}

    result = outcome(found, lambda _: DIFF)

    assert [claim.found for claim in result.claims] == [
        "125 of 125, 100.0 %",
        "100 of 125, 80.0 %",
        "97 of 100, 97.0 %",
        "1",
        "3",
    ]
    assert [claim.holds for claim in result.claims] == [True, False, True, True, False]
    assert result.tables[-1].heads == ("also survived", "instead of", "stands")


def test_too_many_that_nobody_notices_do_not_hold():
    """Nor does a run in which nothing was tried."""
    found = {"oauth/token": {"a": "killed", "b": "survived"}}

    assert not outcome(found, lambda _: DIFF).holds
    assert not outcome({"oauth/token": {"a": "not checked"}}, lambda _: DIFF).holds


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        (["killed", "survived", "timeout", "no tests"], True),
        (["killed", "not checked"], False),
        (["killed", "check was interrupted by user"], False),
        ([], False),
    ],
)
def test_a_run_is_whole_when_everything_was_tried(states, whole):
    """What was not is none of its figures."""
    assert is_whole({"oauth/token": {f"x_{n}": state for n, state in enumerate(states)}}) is whole


def test_everything_that_was_noticed_holds():
    """Every claim can be true."""
    found = {"oauth/token": {f"x_{number}": "killed" for number in range(200)}}

    assert outcome(found, lambda _: DIFF).holds


def test_what_mutmut_has_started_ends_with_the_run(tmp_path, monkeypatch):
    """Ctrl-C reaches `make` alone: mutmut has a session of its own."""
    script = tmp_path / "mutmut.py"
    script.write_text(
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(mutate_main, "_STOP_SECONDS", 0.1)
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        mutate_main._stop(process)

        assert process.wait(10) == -signal.SIGKILL


def test_reason_is_for_what_it_names_alone(monkeypatch):
    """By what goes, by what comes, and by where."""
    group = Group("a bound", "nobody is there", r"x > 1", r"x >= 1", r"\.x_f_")
    monkeypatch.setattr(survivors, "GROUPS", (group,))
    mutants = [
        Survivor("a.x_f__mutmut_1", "return x > 1", "return x >= 1"),
        Survivor("a.x_f__mutmut_2", "return x > 1", "return x > 2"),
        Survivor("a.x_g__mutmut_1", "return x > 1", "return x >= 1"),
    ]

    explained, rest = by_group(mutants)

    assert (explained, rest) == ([(group, 1)], mutants[1:])


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.title)
def test_reason_does_not_explain_everything(group):
    """A pattern that fits any change would hide a gap."""
    re.compile(group.before), re.compile(group.after), re.compile(group.where)
    assert not group.holds(Survivor("oauth.token.x_f__mutmut_1", "return x > 1", "return None"))
