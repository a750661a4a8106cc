"""Codex's own URL overrides count for this machine alone."""

from __future__ import annotations

import pytest

from codex_auth_lsp.config.endpoints import EndpointOverrides, resolve_overrides

REFRESH = "CODEX_REFRESH_TOKEN_URL_OVERRIDE"
REVOKE = "CODEX_REVOKE_TOKEN_URL_OVERRIDE"
LOCAL = "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (None, None)),
        ({REFRESH: ""}, (None, None)),
        ({REFRESH: f"{LOCAL}/renew"}, (f"{LOCAL}/renew", f"{LOCAL}/oauth/revoke")),
        ({REVOKE: f"{LOCAL}/end"}, (None, f"{LOCAL}/end")),
        ({REFRESH: f"{LOCAL}/a", REVOKE: "https://[::1]/b"}, (f"{LOCAL}/a", "https://[::1]/b")),
        (
            {REFRESH: "https://localhost:1/a"},
            ("https://localhost:1/a", "https://localhost:1/oauth/revoke"),
        ),
    ],
)
def test_override_on_loopback_counts(environment, expected):
    """A refresh override takes the revocation with it, as in the Codex CLI."""
    assert resolve_overrides(environment) == EndpointOverrides(*expected)


@pytest.mark.parametrize(
    "url",
    [
        "https://auth.example.com/oauth/token",
        "http://auth.example.com/oauth/token",
        "https://127.0.0.1.example.com/",
        "http://127.0.0.1@evil.example/",
        "nonsense",
        "file:///dev/null",
        "http://127.0.0.1:port/",
    ],
)
def test_override_elsewhere_is_as_if_it_were_not_there(url):
    """An environment variable never sends a refresh token across a network."""
    assert resolve_overrides({REFRESH: url, REVOKE: url}) == EndpointOverrides(None, None)
