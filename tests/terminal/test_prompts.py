"""The prompts of a terminal: until when they wait, so that nobody has to guess the zone."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.terminal.prompts import _until

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "seconds", "expected"),
    [
        ("UTC", 899.9, "12:14 UTC (15 minutes)"),
        ("Europe/Berlin", 900, "14:15 UTC+02:00 (15 minutes)"),
        ("America/St_Johns", 90, "09:31 UTC-02:30 (2 minutes)"),
        ("UTC", 20, "12:00 UTC (20 seconds)"),
    ],
)
def test_a_time_has_its_zone_and_how_long_that_is(monkeypatch, zone, seconds, expected):
    """By the clock of the person's machine."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert _until(NOW + timedelta(seconds=seconds), NOW) == expected
    finally:
        monkeypatch.undo()
        time.tzset()
