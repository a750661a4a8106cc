"""A disk that takes nothing: some faults, each at one moment; `make prove` tries all at both."""

from __future__ import annotations

import pytest

from prove.disk_faults import CASES, may_mount
from prove.faults import BEFORE, DURING, Faulted, judge, suffer_often

SHORT = (
    ("ENOSPC at fallocate", BEFORE),
    ("ENOSPC at fallocate", DURING),
    ("ENOSPC at write", DURING),
    ("EIO at fsync", DURING),
    ("EROFS at rename", BEFORE),
    ("no descriptor left", DURING),
    ("a file that another program has half written", DURING),
    ("a full file system", DURING),
    ("a file system with one page left", BEFORE),
    ("a file that is mounted by itself", DURING),
    ("a read-only folder", BEFORE),
    ("a read-only folder", DURING),
)

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.part("strace")
@pytest.mark.usefixtures("traceable")
@pytest.mark.parametrize(("name", "moment"), SHORT)
async def test_no_token_is_lost_to_a_disk_that_takes_nothing(tmp_path, name, moment):
    """The old file stays, what is new is kept and told, and is written when that can be done.

    (S9)
    """
    case = BY_NAME[name]
    if case.mounts and not may_mount():
        pytest.skip("only root may mount, and so make this fault")

    faulted = await suffer_often(case, moment, tmp_path / "fault")

    assert faulted.broken == []


def test_a_promise_that_did_not_hold_is_found():
    """The judge counts it and names it."""
    case = CASES[0]
    good, bad = Faulted(case, BEFORE), Faulted(case, DURING)
    bad.expect("leaves the old file as it was", holds=False)

    outcome = judge([good, bad] * len(CASES), [])

    assert len(outcome.broken) == 2
    assert outcome.failures[0] == "ENOSPC at fallocate, during it: leaves the old file as it was"
