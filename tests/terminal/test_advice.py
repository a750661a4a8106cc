"""Errors at a terminal end with what to type."""

from __future__ import annotations

import pytest

from codex_auth_lsp.errors import (
    ApiKeyInvalid,
    AuthError,
    CallbackPortUnavailable,
    DeviceCodeDisabled,
    DeviceCodeExpired,
    LoginMethodNotAllowed,
    NotSignedIn,
    ProxyError,
    RefreshTokenExpired,
)
from codex_auth_lsp.terminal.advice import advice_lines, error_line

BROWSER = "`codex-auth-lsp login` signs in with the browser."
CODE = "`codex-auth-lsp login --device-auth` signs in with a code."


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (CallbackPortUnavailable(), CODE),
        (DeviceCodeExpired(), CODE),
        (DeviceCodeDisabled(), BROWSER),
        (NotSignedIn(), BROWSER),
        (RefreshTokenExpired(), BROWSER),
        (ApiKeyInvalid(), "`codex-auth-lsp login --with-api-key` reads an API key."),
    ],
    ids=lambda value: value.kind if isinstance(value, AuthError) else "",
)
def test_a_way_in_is_named_as_it_is_typed(error, end):
    """The first remedy that is a command of this program."""
    assert error_line(error) == f"{error.message} {end}"


@pytest.mark.parametrize(
    "error",
    [
        LoginMethodNotAllowed(),
        ProxyError(),
        ApiKeyInvalid("Use: printenv KEY | codex-auth-lsp login --with-api-key"),
    ],
)
def test_nothing_is_added_where_nothing_is_to_be_typed(error):
    """Or where the sentence has it already."""
    assert error_line(error) == error.message


def test_the_doctor_s_advice_has_it_too():
    """Titles that are no command of a terminal stay as they are."""
    assert advice_lines(DeviceCodeDisabled.advice) == [
        "Switch device code login on in the ChatGPT security settings",
        "Ask the administrator to allow it in the ChatGPT workspace permissions",
        "Sign in: `codex-auth-lsp login`",
        "Sign in with an API key: `codex-auth-lsp login --with-api-key`",
    ]
