"""What a vault's value amounts to, whatever it is, and what is told of it."""

from __future__ import annotations

import pytest

from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.errors import StoreLocked, StoreUnavailable
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.age import Age
from codex_auth_lsp.stores.keyring_snapshot import (
    entry_snapshot,
    hidden,
    judged,
    value_of,
    version_of,
)
from codex_auth_lsp.stores.vault import Kept
from stores.fake_vaults import STORED_KEY
from stores.store_contract import KEY

EMPTY = entry_snapshot("ok")
IN_KEYRING = CredentialSource("keyring")
STORED = Kept(Secret(STORED_KEY), 7.0)


def report(health: str, backend: str = "keyring", detail: str | None = None) -> StoreReport:
    return StoreReport("keyring", backend, health, encrypted=backend == "keyring", detail=detail)


def test_nothing_in_the_keyring_is_a_healthy_store_without_a_login():
    """Encrypted, as all that is there."""
    found = judged(None, EMPTY)

    assert (found.report, found.source, found.version) == (report("ok"), IN_KEYRING, "")
    assert found.document is None


def test_login_in_the_keyring_is_read_with_its_age():
    """And written again as it was."""
    found = judged(STORED, EMPTY)

    assert (found.report, found.source) == (report("ok"), IN_KEYRING)
    assert (found.credential, found.age) == (KEY, Age(None, 7.0))
    assert found.version == version_of(Secret(STORED_KEY))
    assert value_of(found.document) == Secret(STORED_KEY)


def test_value_that_is_still_the_same_is_not_parsed_again():
    """Only when it was written may have changed."""
    last = judged(STORED, EMPTY)

    found = judged(Kept(Secret(STORED_KEY), 8.0), last)

    assert found.document is last.document
    assert found.age == Age(None, 8.0)


def test_login_that_was_hidden_is_parsed_when_it_can_be_seen_again():
    """What was told meanwhile had its version and no document."""
    last = hidden(StoreLocked("It is locked."), judged(STORED, EMPTY))

    assert last.document is None
    assert judged(STORED, last).credential == KEY


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("not json", "line 1, column 1 is not JSON"),
        ("\\udcff{}", "line 1, column 1 is not JSON"),
        ("\udcff", "byte 0 is not UTF-8"),
    ],
)
def test_what_is_no_login_is_corrupt_and_has_a_version(value, why):
    """So that its change is seen, whatever bytes it is made of."""
    found = judged(Kept(Secret(value), 7.0), EMPTY)

    detail = f"The entry in the keyring is not a stored login: {why}."
    assert found.report == report("corrupt", detail=detail)
    assert (found.version, found.age) == (version_of(Secret(value)), Age(None, 7.0))
    assert found.document is None


def test_what_is_far_too_large_is_there_and_nobody_reads_it():
    """A login may take its place."""
    found = judged(Kept(None, 7.0), EMPTY)

    detail = "The entry in the keyring is far too large for a login."
    assert found.report == report("unavailable", detail=detail)
    assert found.version == "large"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (StoreLocked("It is locked."), report("locked", detail="It is locked.")),
        (
            StoreUnavailable("It is not there."),
            report("unavailable", "none", detail="It is not there."),
        ),
    ],
)
def test_what_cannot_be_seen_counts_as_unchanged(error, expected):
    """With the age of the login that was last seen there."""
    last = judged(STORED, EMPTY)

    found = hidden(error, last)

    assert (found.report, found.version, found.age) == (expected, last.version, last.age)
    assert (found.document, found.source) == (None, IN_KEYRING)


def test_what_was_no_login_has_no_age_when_it_is_hidden():
    """Nothing is concluded from when it was written."""
    last = judged(Kept(Secret("not json"), 7.0), EMPTY)

    assert hidden(StoreLocked("It is locked."), last).age is None


def test_version_is_that_of_the_value():
    """Equal for the same and different for another."""
    assert version_of(Secret("a")) == version_of(Secret("a"))
    assert version_of(Secret("a")) != version_of(Secret("b"))
    assert version_of(Secret("\udcff")) != version_of(Secret("\udcfe"))
