"""The time that an issuer has asked to wait, in the window that was told and in the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.errors import IssuerError, IssuerUnavailable, NeedsReauth, RateLimited
from codex_auth_lsp.service.refresh_pause import RefreshPause
from codex_auth_lsp.service.refresh_record import FAILED, RefreshRecord

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Clock(SystemClock):
    """A clock that a test sets."""

    moment = NOON

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    return Clock()


def asked(
    pause: RefreshPause, fingerprint: str, record: RefreshRecord | None
) -> IssuerError | None:
    """Return why nobody may ask about a token now, None where somebody may."""
    try:
        pause.obey(fingerprint, record)
    except IssuerError as error:
        return error
    return None


def test_window_that_was_told_waits_and_says_with_which_error(clock):
    """Until it is over, and for that token alone."""
    pause = RefreshPause(clock)
    until = pause.take("one", IssuerUnavailable("The issuer is busy.", retry_after_seconds=60))
    during, of_another = asked(pause, "one", None), asked(pause, "other", None)
    clock.moment += timedelta(seconds=61)

    assert until == NOON + timedelta(seconds=60)
    assert isinstance(during, IssuerUnavailable)
    assert (during.message, during.retry_after_seconds) == ("The issuer is busy.", 61)
    assert (of_another, asked(pause, "one", None)) == (None, None)


def test_other_windows_are_told_by_the_record(clock):
    """The wait of a token, not of whatever comes after it."""
    record = RefreshRecord("one", NOON, FAILED, not_before=NOON + timedelta(seconds=30))
    pause = RefreshPause(clock)
    during, of_another = asked(pause, "one", record), asked(pause, "other", record)
    clock.moment += timedelta(seconds=30)

    assert isinstance(during, RateLimited)
    assert during.retry_after_seconds == 31
    assert (of_another, asked(pause, "one", record)) == (None, None)


def test_window_whose_own_wait_is_over_obeys_a_longer_one_of_another(clock):
    """Another window asked later."""
    pause = RefreshPause(clock)
    pause.take("one", RateLimited(retry_after_seconds=10))
    clock.moment += timedelta(seconds=20)
    record = RefreshRecord("one", NOON, FAILED, not_before=NOON + timedelta(seconds=50))
    found = asked(pause, "one", record)

    assert isinstance(found, RateLimited)
    assert found.retry_after_seconds == 31


@pytest.mark.parametrize("error", [NeedsReauth(), RateLimited()])
def test_error_without_a_time_asks_nobody_to_wait(clock, error):
    """Nor does what is no word of the issuer's."""
    pause = RefreshPause(clock)

    assert pause.take("one", error) is None
    assert asked(pause, "one", None) is None


def test_clock_that_jumped_makes_no_wait_of_years(clock):
    """What is noted was said by a clock that was far ahead."""
    record = RefreshRecord("one", NOON, FAILED, not_before=NOON + timedelta(days=400))

    assert asked(RefreshPause(clock), "one", record) is None
