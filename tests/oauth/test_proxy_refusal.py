"""A proxy's reason in our own words, from the texts of httpcore and of the SOCKS reply codes."""

from __future__ import annotations

import pytest

from codex_auth_lsp.oauth.proxy_refusal import refusal_in_words

WANTS_LOGIN = "it asks for a user name and a password"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("407 Proxy Authentication Required", f" (HTTP 407: {WANTS_LOGIN})"),
        ("407", f" (HTTP 407: {WANTS_LOGIN})"),
        ("403 Forbidden", " (HTTP 403)"),
        ("502 <b>Bad</b> Gateway", " (HTTP 502)"),
        ("4071 Odd", ""),
        ("Forbidden 403", ""),
        (
            "Requested NO AUTH from proxy server, but got USERNAME/PASSWORD.",
            f" ({WANTS_LOGIN})",
        ),
        (
            "Requested USERNAME/PASSWORD from proxy server, but got NO AUTH.",
            " (it takes no user name and password)",
        ),
        ("Invalid username/password", " (it refused the user name and the password)"),
        ("Proxy Server could not connect: General SOCKS server failure.", " (it failed)"),
        (
            "Proxy Server could not connect: Connection not allowed by ruleset.",
            " (its rules do not allow it)",
        ),
        ("Proxy Server could not connect: Network unreachable.", " (it has no network)"),
        ("Proxy Server could not connect: Host unreachable.", " (it does not find the host)"),
        ("Proxy Server could not connect: Connection refused.", " (the connection was refused)"),
        ("Proxy Server could not connect: TTL expired.", " (it took too long)"),
        (
            "Proxy Server could not connect: Command not supported.",
            " (it does not forward connections)",
        ),
        (
            "Proxy Server could not connect: Address type not supported.",
            " (it does not know such addresses)",
        ),
        ("Proxy Server could not connect: UNKNOWN.", ""),
        ("", ""),
    ],
)
def test_reason_of_a_proxy_is_told_where_it_is_known(text, expected):
    """Its own words are never repeated."""
    assert refusal_in_words(text) == expected
