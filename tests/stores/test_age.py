"""Which of two logins is the newer one, and what is certainly from before a moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.stores.age import Age, age_of
from stores.store_contract import KEY, LOGIN

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
EARLIER = Age(NOW - timedelta(hours=1))
FUTURE = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Age(NOW), EARLIER, True),
        (EARLIER, Age(NOW), False),
        (Age(NOW), Age(NOW), None),
        (Age(NOW), Age(), None),
        (Age(), Age(NOW), None),
        (Age(), Age(), None),
        (Age(NOW + FUTURE), EARLIER, True),
        (Age(NOW + FUTURE + timedelta(seconds=1)), EARLIER, None),
        (EARLIER, Age(NOW + FUTURE + timedelta(seconds=1)), None),
        (Age(NOW, 1.0), Age(NOW - timedelta(seconds=1), 2.0), True),
    ],
)
def test_newer_is_what_was_renewed_later(one, other, expected):
    """When something was written counts for nothing, and a time far in the future neither."""
    assert one.is_newer_than(other, NOW) is expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (Age(None, 98.9), True),
        (Age(None, 99.0), True),
        (Age(None, 99.1), False),
        (Age(None, 100.0), False),
        (Age(None, 101.0), False),
        (Age(datetime.fromtimestamp(99.999, UTC)), True),
        (Age(datetime.fromtimestamp(100, UTC)), False),
        (Age(datetime.fromtimestamp(1, UTC), 99.5), False),
        (Age(datetime.fromtimestamp(200, UTC), 50.0), True),
        (Age(), False),
    ],
)
def test_before_a_moment_is_what_certainly_is(age, expected):
    """Times of a keyring have no fractions; where it tells none, the renewal does."""
    assert age.is_before(100.0) is expected


def test_age_of_a_login_is_what_it_says_and_when_it_was_written():
    """An API key says nothing, and what is not there neither."""
    assert age_of(LOGIN, 7.0) == Age(LOGIN.last_refresh, 7.0)
    assert age_of(LOGIN) == Age(LOGIN.last_refresh)
    assert age_of(KEY, 7.0) == Age(None, 7.0)
    assert age_of(None, 7.0) == Age(None, 7.0)
