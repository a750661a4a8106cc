"""A proxy's reason in our own words, from the texts of httpcore and of the SOCKS reply codes."""

from __future__ import annotations

import pytest

from codex_auth_lsp.oauth.network import proxy_for
from codex_auth_lsp.oauth.proxy_refusal import Refusal, refusal_in_words

SETTINGS = "check the proxy settings"
ISSUER = "https://auth.example.com"
PROXY = proxy_for(ISSUER, {"HTTPS_PROXY": "http://proxy.example:1"})
WITH_LOGIN = proxy_for(ISSUER, {"HTTPS_PROXY": "http://ada:pw@proxy.example:1"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("403 Forbidden", " (HTTP 403)"),
        ("502 <b>Bad</b> Gateway", " (HTTP 502)"),
        ("4071 Odd", ""),
        ("Forbidden 403", ""),
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
    assert refusal_in_words(text, PROXY) == Refusal(expected, SETTINGS)


@pytest.mark.parametrize(
    ("text", "proxy", "reason", "advice"),
    [
        (
            "407 Proxy Authentication Required",
            PROXY,
            " (HTTP 407: it asks for a user name and a password)",
            f"give them as in {PROXY.example_with_login}",
        ),
        (
            "407",
            WITH_LOGIN,
            " (HTTP 407: it refused the user name and the password)",
            "correct those in HTTPS_PROXY, or ask the proxy's administrator whether it takes Basic "
            "authentication",
        ),
        (
            "Requested NO AUTH from proxy server, but got USERNAME/PASSWORD.",
            PROXY,
            " (it asks for a user name and a password)",
            f"give them as in {PROXY.example_with_login}",
        ),
        (
            "Requested USERNAME/PASSWORD from proxy server, but got NO AUTH.",
            WITH_LOGIN,
            " (it takes no user name and password)",
            "leave them out of HTTPS_PROXY",
        ),
        (
            "Invalid username/password",
            WITH_LOGIN,
            " (it refused the user name and the password)",
            "correct those in HTTPS_PROXY",
        ),
    ],
)
def test_proxy_that_wants_or_refuses_a_login_says_what_to_do(text, proxy, reason, advice):
    """By the variable that names it."""
    assert refusal_in_words(text, proxy) == Refusal(reason, advice)
