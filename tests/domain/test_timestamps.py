"""Times on the wire and in the login cache (RFC 3339)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex_auth_lsp.domain.timestamps import format_rfc3339, parse_rfc3339

ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 3),
    max_value=datetime(9999, 12, 29),
    timezones=ZONES,
)


@given(MOMENTS)
def test_moment_survives_the_round_trip(moment):
    """Whatever zone it was in, the same moment comes back, in UTC and with `Z`."""
    text = format_rfc3339(moment)

    assert moment == parse_rfc3339(text)
    assert (text[-1], parse_rfc3339(text).tzinfo) == ("Z", UTC)


@given(st.text() | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"))
def test_any_other_text_is_refused_with_a_value_error(text):
    """No text brings anything but a moment or a `ValueError`."""
    try:
        assert parse_rfc3339(text).tzinfo is UTC
    except ValueError:
        pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T10:32:42.873813055Z", (2026, 11, 23, 10, 32, 42, 873813)),  # Codex's own
        ("2026-11-23T10:32:42Z", (2026, 11, 23, 10, 32, 42)),
        ("2026-11-23T10:32:42.5Z", (2026, 11, 23, 10, 32, 42, 500000)),
        ("2026-11-23t10:32:42z", (2026, 11, 23, 10, 32, 42)),
        ("2026-11-23 10:32:42+02:00", (2026, 11, 23, 8, 32, 42)),
        ("2026-11-23T10:32:42-00:00", (2026, 11, 23, 10, 32, 42)),
        ("2026-12-31T23:59:59.999999999-01:00", (2027, 1, 1, 0, 59, 59, 999999)),
    ],
)
def test_every_form_that_codex_reads_is_read(text, expected):
    """Digits beyond microseconds are dropped, never rounded into the next second."""
    assert parse_rfc3339(text) == datetime(*expected, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-23T10:32:42",  # no zone: Codex refuses the file too
        "2026-11-23",
        "2026-11-23T10:32Z",
        "20261123T103242Z",
        "2026-11-23T10:32:42.Z",
        "2026-11-23T10:32:42+0200",
        "2026-11-23T10:32:42+24:00",
        "2026-02-30T10:32:42Z",
        "2026-11-23T24:32:42Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\uff12\uff10\uff12\uff16-11-23T10:32:42Z",
        " 2026-11-23T10:32:42Z",
        "2026-11-23T10:32:42Z\n",
    ],
)
def test_what_is_no_date_time_with_a_zone_is_refused(text):
    """A time without its zone is no moment."""
    with pytest.raises(ValueError):
        parse_rfc3339(text)


def test_format_leaves_out_a_fraction_of_zero():
    """Whole seconds are shown as such, microseconds where there are any."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    assert format_rfc3339(moment) == "2026-01-02T03:04:05Z"
    assert format_rfc3339(moment.replace(microsecond=60)) == "2026-01-02T03:04:05.000060Z"
