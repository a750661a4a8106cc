"""The way of signing in that a hint advises: one that fits the machine and has not just failed."""

from __future__ import annotations

import pytest

from codex_auth_lsp.errors import (
    SIGN_IN,
    SIGN_IN_WITH_API_KEY,
    ApiKeyInvalid,
    BrowserOpenFailed,
    CallbackPortUnavailable,
    DeviceCodeDisabled,
    LoginDenied,
    LoginMethodUnavailable,
    LoginTimedOut,
    NotSignedIn,
    WrongWorkspace,
)
from codex_auth_lsp.terminal.advice import advice_lines, error_line
from codex_auth_lsp.terminal.ways import suit, ways_after

DESKTOP = ["browser", "deviceCode", "apiKey"]
FAR = ["deviceCode", "browser", "apiKey"]

BROWSER = "`codex-auth-lsp login` signs in with the browser."
CODE = "`codex-auth-lsp login --device-auth` signs in with a code."
KEY = "`codex-auth-lsp login --with-api-key` reads an API key."


@pytest.mark.parametrize(
    ("error", "tried", "ways", "end"),
    [
        # Another account or answer is wanted: the same way again, as long as it fits here.
        (LoginDenied(), "browser", DESKTOP, BROWSER),
        (LoginDenied(), "deviceCode", DESKTOP, CODE),
        (LoginDenied(), "browser", FAR, CODE),
        (LoginDenied(), "deviceCode", FAR, CODE),
        (WrongWorkspace(), "deviceCode", FAR, CODE),
        (LoginTimedOut(), "browser", FAR, CODE),
        (NotSignedIn(), None, FAR, CODE),
        (NotSignedIn(), None, ["apiKey"], KEY),
        # The way itself is closed: another one.
        (DeviceCodeDisabled(), "deviceCode", FAR, BROWSER),
        (DeviceCodeDisabled(), "deviceCode", ["deviceCode", "apiKey"], KEY),
        (LoginMethodUnavailable(), "deviceCode", FAR, BROWSER),
        (LoginMethodUnavailable(), "browser", DESKTOP, CODE),
        (CallbackPortUnavailable(), "browser", FAR, CODE),
        (BrowserOpenFailed(), "browser", DESKTOP, CODE),
        # What is about a key stays about a key.
        (ApiKeyInvalid(), "apiKey", FAR, KEY),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else getattr(value, "kind", None),
)
def test_an_error_ends_with_a_way_that_can_work(error, tried, ways, end):
    error.remediation = suit(error.remediation, ways_after(error, tried, ways))

    assert error_line(error).endswith(end)


def test_advice_of_one_way_is_not_changed_into_another():
    assert suit((SIGN_IN_WITH_API_KEY,), FAR) == (SIGN_IN_WITH_API_KEY,)


def test_where_no_way_is_known_to_work_the_advice_stays():
    """A configuration that cannot be used, for instance, which is then told first."""
    assert suit((SIGN_IN,), []) == (SIGN_IN,)


def test_the_title_stays_what_it_is():
    assert advice_lines(suit((SIGN_IN,), FAR)) == ["Sign in: `codex-auth-lsp login --device-auth`"]
