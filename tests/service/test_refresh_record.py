"""What our processes tell one another of the last refresh."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.errors import RefreshTokenReused, StoreError
from codex_auth_lsp.service.refresh_record import (
    DONE,
    FAILED,
    RETRIED,
    SENT,
    RefreshRecord,
    keep_record,
    read_record,
    write_record,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("outcome", [SENT, RETRIED, DONE, RefreshTokenReused.kind])
def test_record_is_read_as_it_was_written(tmp_path, outcome):
    """By another process, for instance."""
    path = tmp_path / "record"
    record = RefreshRecord("0123456789abcdef", NOW, outcome)
    write_record(path, record)

    assert read_record(path) == record
    assert path.stat().st_mode & 0o777 == 0o600


def test_pause_that_the_issuer_asked_for_is_kept(tmp_path):
    """It binds every window, not only the one that was told."""
    record = RefreshRecord("f", NOW, FAILED, not_before=NOW + timedelta(minutes=5))
    write_record(tmp_path / "record", record)

    assert read_record(tmp_path / "record") == record


def test_token_that_may_be_somebody_else_s_is_kept_in_mind(tmp_path):
    """By every window, also after a restart."""
    record = RefreshRecord("f", NOW, DONE, doubted="0123456789abcdef")
    write_record(tmp_path / "record", record)

    assert read_record(tmp_path / "record") == record


def test_outcomes_tell_what_is_to_be_done():
    """`sent` is worth one more try at once, `retried` is not; a refusal is final."""
    records = {outcome: RefreshRecord("f", NOW, outcome) for outcome in (SENT, RETRIED, DONE)}
    refused = RefreshRecord("f", NOW, RefreshTokenReused.kind)

    assert [records[outcome].wants_retry("f") for outcome in records] == [True, False, False]
    assert [records[outcome].is_interrupted("f") for outcome in records] == [True, True, False]
    assert records[SENT].wants_retry("other") is False
    assert refused.refusal is RefreshTokenReused
    assert records[DONE].refusal is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"fingerprint": "f"}',
        b"\xff",
        b"[" * 5000,
        b'{"fingerprint": "f", "sentAt": "yesterday", "outcome": "sent"}',
        b'{"fingerprint": "f", "sentAt": 5, "outcome": "sent"}',
    ],
)
def test_what_is_no_record_counts_for_none(tmp_path, content):
    """Nobody is kept from signing in or renewing by it."""
    path = tmp_path / "record"
    path.write_bytes(content)

    assert read_record(path) is None


def test_pipe_in_the_place_of_the_record_is_not_waited_for(tmp_path):
    """Reading it would never end."""
    path = tmp_path / "record"
    os.mkfifo(path)

    assert read_record(path) is None
    assert read_record(tmp_path / "nothing") is None
    assert read_record(tmp_path) is None


@pytest.mark.parametrize(
    ("outcome", "has_to_work"), [(SENT, True), (RETRIED, True), (DONE, False), (FAILED, False)]
)
async def test_only_before_a_token_is_sent_the_record_has_to_be_written(
    tmp_path, outcome, has_to_work, caplog
):
    """A token whose way is not noted is not spent; what came of it counts without a note, too."""
    caplog.set_level("INFO")
    place = tmp_path / "record"
    place.mkdir()
    record = RefreshRecord("f", NOW, outcome)
    if has_to_work:
        with pytest.raises(StoreError):
            await keep_record(place, record)
    else:
        await keep_record(place, record)
        assert "was not written" in caplog.text

    assert [path.name for path in tmp_path.iterdir()] == ["record"]
