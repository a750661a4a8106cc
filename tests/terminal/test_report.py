"""A status at a terminal: nothing that is not so, and always what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.errors import SHOW_LOG, SIGN_IN, Remediation
from codex_auth_lsp.terminal.advice import advice_lines
from codex_auth_lsp.terminal.report import describe
from codex_auth_lsp.wording import logout_sentence

METHODS = ["browser", "deviceCode", "apiKey"]

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
BEFORE, AFTER = "2026-05-01T11:00:00Z", "2026-05-01T13:00:00Z"


def status(state: str, **fields: Any) -> dict[str, Any]:
    """Return a status with a file store, as far as a terminal looks at it."""
    return {
        "state": state,
        "billing": "none",
        "cloud": {"available": False, "reason": "signedOut"},
        "store": {"mode": "file", "backend": "file", "path": "/home/me/auth.json", "health": "ok"},
        "provider": {"id": "openai", "problems": []},
        "shadowed": [],
        **fields,
    }


def store(health: str, backend: str = "file") -> dict[str, Any]:
    """Return a store that cannot be read."""
    return {"mode": backend, "backend": backend, "path": "/home/me/auth.json", "health": health}


def row(text: str, name: str) -> str | None:
    """Return what stands in one row."""
    values = [line[15:] for line in text.splitlines()[1:] if line[2:15].rstrip() == name]
    return values[0] if values else None


def test_a_token_that_is_good_has_its_end():
    text = describe(status("signedIn", expiresAt=AFTER), METHODS, now=NOW)

    assert row(text, "Valid until") == AFTER
    assert row(text, "Ended") is None


def test_a_token_that_has_ended_is_not_called_valid():
    text = describe(status("signedIn", expiresAt=BEFORE), METHODS, now=NOW)

    assert row(text, "Valid until") is None
    assert row(text, "Ended") == f"{BEFORE}, and will be renewed when it is used"


def test_a_token_that_nobody_renews_is_not_said_to_be_renewed():
    error = {"kind": "needsReauth", "message": "Left alone.", "retryable": False}
    text = describe(status("signedIn", expiresAt=BEFORE, lastError=error), METHODS, now=NOW)

    assert row(text, "Ended") == BEFORE


@pytest.mark.parametrize("end", [BEFORE, AFTER])
def test_a_dead_login_is_valid_until_nothing(end):
    text = describe(status("needsReauth", expiresAt=end), METHODS, now=NOW)

    assert row(text, "Valid until") is None
    assert row(text, "Ended") is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": "signedOut"}, "`codex-auth-lsp --issuer https://a.example login` signs in"),
        ({"state": "unavailable", "store": store("corrupt")}, "login` replaces it"),
        ({"state": "unavailable", "store": store("unavailable")}, "/home/me/auth.json is a file"),
        ({"state": "unavailable", "store": store("locked", "keyring")}, "unlock the keyring"),
        ({"state": "unavailable", "store": store("locked", "keyring")}, '"file" or "auto"'),
        ({"state": "unavailable", "store": store("unavailable", "none")}, '"file" or "auto"'),
        (
            {
                "state": "signedOut",
                "lastError": {"kind": "configurationInvalid", "message": "line 1: no."},
            },
            "mend config.toml",
        ),
    ],
)
def test_every_trouble_has_a_next_step(fields, expected):
    """With the options that the person gave."""
    text = describe(status(**fields), METHODS, now=NOW, typed=" --issuer https://a.example")

    assert expected in (row(text, "Next") or "")


def test_nothing_has_to_be_done_about_a_good_login():
    assert row(describe(status("signedIn"), METHODS, now=NOW), "Next") is None


def test_nobody_is_said_to_be_signed_out_while_nobody_can_know():
    """A broken config.toml hides where logins are kept."""
    error = {"kind": "configurationInvalid", "message": "config.toml, line 1: no."}
    headline = describe(status("signedOut", lastError=error), METHODS, now=NOW).splitlines()[0]

    assert headline == "Who is signed in to Codex cannot be known until config.toml is mended."


@pytest.mark.parametrize("state", ["signedIn", "notRequired"])
@pytest.mark.parametrize(
    ("requirement", "end"), [("required", "on its account."), ("unknown", "here.")]
)
def test_codex_cloud_is_told_of_the_login_that_is_meant(state, requirement, end):
    """What is in use is a token of the environment, or a provider's key: "this account" is not."""
    cloud = {"available": True, "mfa": {"requirement": requirement, "reason": "This account."}}
    text = describe(status(state, method="accessToken", cloud=cloud), METHODS, now=NOW)
    own = describe(status("signedIn", method="chatgpt", cloud=cloud), METHODS, now=NOW)

    told = row(text, "Codex cloud") or ""
    assert told.startswith("available to the stored ChatGPT login, which is not in use")
    assert told.endswith(end)
    assert "This account" not in text
    assert row(own, "Codex cloud") == "available. This account."


def test_a_login_in_the_keyring_has_its_place():
    text = describe(status("signedIn", source={"kind": "keyring"}), METHODS, now=NOW)

    assert row(text, "Stored in") == "the system's keyring"


def test_a_token_of_the_environment_is_taken_and_not_stored():
    source = {"kind": "environment", "name": "CODEX_ACCESS_TOKEN"}
    text = describe(status("signedIn", source=source), METHODS, now=NOW)

    assert row(text, "Taken from") == "the environment variable CODEX_ACCESS_TOKEN"
    assert row(text, "Stored in") is None


def test_notices_are_shown_with_what_to_do():
    notice = Notice("storePermissions", "file", "warning", "Others read it.",
                    (Remediation("Run: chmod 600 auth.json"),))  # fmt: skip
    text = describe(status("signedIn"), METHODS, now=NOW, notices=[notice])

    assert row(text, "Note") == "Others read it. Run: chmod 600 auth.json"


def test_advice_that_only_an_editor_can_take_is_left_out():
    assert advice_lines([SHOW_LOG, SIGN_IN], " --codex-home 'a b'") == [
        "Sign in: `codex-auth-lsp --codex-home 'a b' login`"
    ]


@pytest.mark.parametrize(
    ("unread", "revoked", "expected"),
    [(True, "notApplicable", True), (False, "notApplicable", False), (True, "yes", False)],
)
def test_a_logout_of_what_nobody_could_read_says_that_it_is_not_revoked(unread, revoked, expected):
    result = {
        "removed": ["file"],
        "remaining": [],
        "revoked": revoked,
        "status": status("signedOut"),
    }

    assert ("could not be revoked" in logout_sentence(result, unread=unread)) is expected
