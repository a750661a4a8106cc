"""Short runs of the fuzzers, led by hypothesis where a failing case can be made small."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import judge_run, listener_run, server_run, wire_messages
from fuzz.found import Found
from fuzz.judges import TARGETS, Finding, Target, expect_no_marker
from fuzz.outcome import outcome, tells_all
from fuzz.parts import PARTS
from fuzz.server_run import NO_ID, expected_answers
from fuzz.values import MARKER

CASES = 150


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_whatever_comes_is_read_or_refused(target):
    """(W3) No bytes make a parser fail in a way that is not its own, or show a secret."""

    @settings(max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.randoms(use_true_random=False))
    def try_one(rng):
        target.check(target.make(rng))

    try_one()


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_the_corpus_and_some_seeds_are_read_or_refused(target):
    """Two thousand cases of the long run, which has them all by their seeds."""
    found = judge_run.run(target, [f"short-{number}" for number in range(2_000)])

    assert (found.cases, found.findings) == (2_000, [])


async def test_every_message_gets_the_answers_that_it_asks_for(tmp_path):
    """(W7) Requests one, notifications and answers none, and what is neither an error."""
    found = await server_run.run_messages([f"short-{n}" for n in range(3_000)], tmp_path)

    assert (found.cases, found.findings) == (3_000, [])


async def test_a_stream_that_cannot_be_trusted_ends_the_process(tmp_path):
    """(W3) With status 1, within a second, whatever is wrong with the frame."""
    found = await server_run.run_broken_frames([f"short-{n}" for n in range(15)], tmp_path)

    assert (found.cases, found.findings) == (15, [])


async def test_no_request_but_the_true_one_answers_a_sign_in(tmp_path):
    """A thousand others are refused without a word of theirs, then the person's own counts."""
    found = await listener_run.run([f"short-{n}" for n in range(1_000)], tmp_path)

    assert (found.cases, found.findings) == (1_000, [])


def test_a_case_comes_back_by_its_seed():
    """What is found in a long run can be looked at."""
    for target in TARGETS:
        assert target.make(Random("1-a-7")) == target.make(Random("1-a-7"))
    assert wire_messages.message(Random("m"), 5) == wire_messages.message(Random("m"), 5)


def planted(check):
    """Return a target like that of `auth.json`, with something wrong in what is tried."""
    return Target("planted", "planted", 1, TARGETS[0].make, check)


def forgets_a_member(raw):
    try:
        members = json.loads(raw)
    except (ValueError, RecursionError):
        return
    if isinstance(members, dict) and isinstance(members.get("tokens"), dict):
        members["tokens"]["id_token"].split(".")


DEFECTS = {
    "an exception that escapes": (forgets_a_member, "escaped"),
    "a value in a message": (lambda raw: expect_no_marker("it", raw), "it holds a secret"),
}


@pytest.mark.parametrize(("check", "words"), DEFECTS.values(), ids=DEFECTS)
def test_a_planted_defect_is_found(check, words):
    """The search can fail: a defect of each kind is met soon."""
    found = judge_run.run(planted(check), [f"planted-{number}" for number in range(2_000)])

    assert any(words in finding for finding in found.findings)


def test_the_slowest_case_is_kept_with_its_seed():
    """It can be looked at; whether it is too slow, the report says."""
    found = Found()

    found.timed(1.5, "a seed")
    found.timed(0.5, "another")

    assert (found.slowest, found.slowest_case) == (1.5, "a seed")


@pytest.mark.parametrize(
    ("content", "answers"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"m"}', [1]),
        (b'{"jsonrpc":"2.0","id":"a","method":5}', ["a"]),
        (b'{"jsonrpc":"2.0","method":"m"}', []),
        (b'{"jsonrpc":"2.0","id":null,"method":"m"}', [NO_ID]),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', []),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', []),
        (b'{"jsonrpc":"2.0","id":NaN,"method":"m"}', [NO_ID]),
        (b"[]", [NO_ID]),
        (b"", []),
    ],
)
def test_the_answers_that_are_expected_are_those_of_json_rpc(content, answers):
    """The judge of the conversation knows the rules without the server's help."""
    assert expected_answers(content) == answers


def test_the_report_counts_every_finding_and_every_case_that_did_not_run():
    """A part that did not run, and one that found something, keep the page from saying `holds`."""
    full = {part: Found(cases=part.full, slowest=0.1, growth=1, seconds=1.0) for part in PARTS}
    assert outcome(full, 1, 1.0).holds

    for change in ({"cases": 1}, {"findings": ["x"]}, {"slowest": 1.1}, {"growth": 20_000_000}):
        first = {"cases": PARTS[0].full, **change}
        assert len(outcome({**full, PARTS[0]: Found(**first)}, 1, 1.0).broken) == 1


def test_what_was_found_is_kept(tmp_path):
    """A run that was stopped goes on where it was, with what it had seen."""
    path = tmp_path / "kept" / "part.json"
    found = Found(3, ["a"], 0.5, "a", 7, 1.0)

    found.save(path)
    found.add(Found(2, ["b"], 0.4, "b", 9, 1.0))

    assert Found.load(path) == Found(3, ["a"], 0.5, "a", 7, 1.0)
    assert found == Found(5, ["a", "b"], 0.5, "a", 9, 2.0)
    assert Found.load(tmp_path / "none.json") == Found()


def test_secrets_stand_in_what_is_sent():
    """Otherwise nothing could be seen to come out."""
    sent = b"".join(wire_messages.message(Random(f"s-{number}"), number) for number in range(500))

    assert sent.count(MARKER.encode()) > 10
    with pytest.raises(Finding):
        expect_no_marker("it", f"a {MARKER}")


def test_the_report_is_for_full_runs_and_for_what_was_found():
    """A part ends with its first finding, which nobody shall read past."""
    full = {part: Found(cases=part.full) for part in PARTS}
    short = full | {PARTS[0]: Found(cases=PARTS[0].full - 1)}
    broken = full | {PARTS[0]: Found(cases=1, findings=["seed: it crashed"])}

    assert (tells_all(full), tells_all(short), tells_all(broken)) == (True, False, True)
