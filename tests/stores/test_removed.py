"""Several removals of one logout as one, and what a logout in vain still covers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from codex_auth_lsp.domain.credential import ApiKeyCredential
from codex_auth_lsp.errors import StoreCorrupt, StoreLocked, StoreUnavailable
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.age import Age
from codex_auth_lsp.stores.base import Remaining, Removed, join, unreadable
from codex_auth_lsp.stores.keyring_snapshot import entry_snapshot
from codex_auth_lsp.stores.unfinished import Ended
from stores.store_contract import KEY, OTHER_KEY

THIRD = ApiKeyCredential(Secret("sk-3"))
LEFT = Remaining("keyring", "storeLocked")


@pytest.mark.parametrize("removals", [[], [None], [None, None]])
def test_nothing_anywhere_is_no_removal(removals):
    """However many places were looked at."""
    assert join(removals) is None


def test_removals_are_one_with_every_login_and_place_once():
    """The first login is the one that was in use; the same one elsewhere is no other."""
    removals = [
        Removed(None, ("file",)),
        None,
        Removed(KEY, ("keyring", "file"), (OTHER_KEY,)),
        Removed(KEY, ("memory",), (THIRD,), (LEFT,)),
    ]

    assert join(removals) == Removed(
        KEY, ("file", "keyring", "memory"), (OTHER_KEY, THIRD), (LEFT,)
    )


def test_removals_of_what_nobody_could_read_name_no_login():
    """Their places count all the same."""
    assert join([Removed(None, ("file",)), Removed(None, (), (), (LEFT,))]) == (
        Removed(None, ("file",), (), (LEFT,))
    )


ENDED = Ended(100.0, frozenset({("seen", 50.0)}), frozenset({"owner"}), frozenset({"late"}))
UNSEEN = Ended(100.0, frozenset(), frozenset(), frozenset())


def found(version: str, age: Age | None):
    return replace(entry_snapshot("ok", version=version), age=age)


@pytest.mark.parametrize(
    ("ended", "version", "age", "now", "in_doubt", "expected"),
    [
        (ENDED, "seen", Age(None, 50.0), 200.0, False, True),
        (ENDED, "seen", Age(None, 51.0), 200.0, False, True),
        (ENDED, "seen", Age(None, 150.0), 200.0, False, False),
        (ENDED, "late", Age(None, 150.0), 200.0, False, True),
        (ENDED, "late", None, 50.0, False, True),
        (ENDED, "other", Age(None, 50.0), 200.0, False, True),
        (ENDED, "other", Age(None, 50.0), 99.0, False, False),
        (ENDED, "other", Age(None, 50.0), 100.0, False, True),
        (ENDED, "other", Age(None, 100.0), 200.0, False, False),
        (ENDED, "other", Age(None, 100.0), 200.0, True, False),
        (ENDED, "other", Age(), 200.0, True, False),
        (UNSEEN, "other", Age(), 200.0, False, False),
        (UNSEEN, "other", Age(), 200.0, True, True),
        (UNSEEN, "other", None, 200.0, True, True),
        (UNSEEN, "other", Age(None, 100.0), 200.0, True, True),
        (UNSEEN, "other", Age(None, 100.5), 200.0, True, False),
        (UNSEEN, "other", Age(datetime.fromtimestamp(99, UTC)), 200.0, False, True),
        (UNSEEN, "other", Age(datetime.fromtimestamp(100, UTC)), 200.0, False, False),
    ],
)
def test_logout_covers_what_is_certainly_what_was_to_go(
    ended, version, age, now, in_doubt, expected
):
    """By what was seen, by when it was written and by when it was renewed; else nobody loses it."""
    snapshot = found(version, age)

    assert ended.covers(snapshot, now, in_doubt=in_doubt) is expected
    if not in_doubt:
        assert ended.covers(snapshot, now) is expected


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ("ok", None),
        ("readOnly", None),
        ("corrupt", StoreCorrupt),
        ("locked", StoreLocked),
        ("unavailable", StoreUnavailable),
    ],
)
def test_place_that_nobody_can_read_is_an_error_of_its_kind(health, expected):
    """With the words of its report."""
    error = unreadable(entry_snapshot(health, detail="It is so.").report)

    assert (type(error), error and error.message) == (
        (expected, "It is so.") if expected else (type(None), None)
    )
