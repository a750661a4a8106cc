"""Masked strings give themselves away to nobody but the one who asks."""

from __future__ import annotations

import copy
import hmac
import json
import logging
import pickle
import traceback

import pytest

from codex_auth_lsp.secret import Secret

VALUE = "sk-secret-value-ÄÖ"


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "{:>40}".format,
        lambda secret: f"{secret}",
        lambda secret: "%s" % secret,  # noqa: UP031
        lambda secret: repr([secret, {"key": secret}]),
        lambda secret: repr(dir(secret)) + repr(getattr(secret, "__dict__", "")),
    ],
    ids=lambda show: getattr(show, "__name__", "formatted"),
)
def test_secret_shows_nothing_of_itself(show):
    """Wherever a string would print, stars do."""
    assert VALUE not in show(Secret(VALUE))
    assert "secret-value" not in show(Secret(VALUE))


def test_secret_prints_as_three_stars():
    """A format specification neither shows the value nor its length."""
    assert [f"{Secret('a')}", f"{Secret('a' * 50):>60}", repr(Secret(""))] == ["***"] * 3


def test_reveal_is_the_way_out():
    """What went in comes out, to the last character."""
    assert Secret(VALUE).reveal() == VALUE


def test_secret_in_a_log_record_is_masked(caplog):
    """A log line with a secret as an argument is harmless."""
    with caplog.at_level(logging.DEBUG):
        logging.getLogger(__name__).debug("sent %s, kept %r", Secret(VALUE), Secret(VALUE))

    assert caplog.messages == ["sent ***, kept ***"]


def test_traceback_with_locals_does_not_show_it():
    """(S19) A crash report that prints every local variable prints stars."""

    def fail() -> None:
        held = Secret(VALUE)
        raise RuntimeError(f"with {held}")

    try:
        fail()
    except RuntimeError as exc:
        report = "".join(
            traceback.TracebackException.from_exception(exc, capture_locals=True).format()
        )

    assert "held = ***" in report
    assert VALUE not in report


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_secret_is_not_pickled(protocol):
    """It does not slip into another process or a file."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(VALUE), protocol)


def test_secret_is_neither_copied_nor_dumped():
    """Other ways of serializing fail too, and none shows the value."""
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy({"key": Secret(VALUE)})
    with pytest.raises(TypeError) as caught:
        json.dumps({"key": Secret(VALUE)})

    assert VALUE not in str(caught.value)


def test_secret_takes_no_other_attributes_and_hides_its_own():
    """Its value cannot be read by the names that one would guess."""
    secret = Secret(VALUE)
    with pytest.raises(AttributeError):
        secret.note = "x"
    for name in ("value", "_value", "__value", "__dict__"):
        assert not hasattr(secret, name)


def test_secrets_compare_by_value_and_with_nothing_else():
    """(P5) Two secrets are equal when their values are; a string is never equal to one."""
    assert Secret(VALUE) == Secret(VALUE)
    assert Secret(VALUE) != Secret(VALUE + "x")
    assert (Secret(VALUE) == VALUE) is False
    assert len({Secret(VALUE), Secret(VALUE), Secret("other")}) == 2


def test_fingerprint_tells_two_secrets_apart():
    """It is stable, short, and no part of the value."""
    fingerprint = Secret(VALUE).fingerprint()

    assert Secret(VALUE).fingerprint() == fingerprint
    assert Secret(VALUE + "x").fingerprint() != fingerprint
    assert (len(fingerprint), fingerprint in VALUE) == (16, False)


def test_empty_secret_is_false():
    """An empty refresh token reads as absent."""
    assert [bool(Secret("")), bool(Secret(" "))] == [False, True]


def test_lone_surrogate_is_a_value_like_any_other():
    """Text from a broken file neither crashes a comparison nor a fingerprint."""
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800").fingerprint() != Secret("\ud801").fingerprint()


def test_secrets_compare_in_constant_time(monkeypatch):
    """(P5) By the library's own comparison, with nothing compared before or beside it."""
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return False

    monkeypatch.setattr(hmac, "compare_digest", compare)
    equal = Secret(VALUE) == Secret(VALUE)

    assert equal is False  # what that comparison says is what counts
    assert compared == [(VALUE.encode(), VALUE.encode())]
