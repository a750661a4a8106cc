"""Where credentials may be sent: https anywhere, plain http to this machine alone."""

from __future__ import annotations

import pytest

from codex_auth_lsp.domain.issuer import IssuerSettings, is_loopback, own_url, url_problem

GOOD = [
    "https://auth.openai.com",
    "https://auth.openai.com/",
    "https://auth.example.com:8443/realms/codex",
    "HTTPS://AUTH.EXAMPLE.COM",
    "https://[2001:db8::1]",
    "http://127.0.0.1:1455",
    "http://127.1.2.3",
    "http://localhost:8080/issuer",
    "http://LocalHost",
    "http://[::1]:8080",
    "HTTPS://[2001:DB8::1]:8443/a%20b/~c,d;e=f'*+!$&@:",
]
BAD = {
    "": "must be an https URL",
    "auth.openai.com": "must be an https URL",
    "//auth.openai.com": "must be an https URL",
    "/oauth": "must be an https URL",
    "https:auth.openai.com": "must be an https URL",
    "https://": "must be an https URL",
    "https:///path": "must be an https URL",
    "ftp://127.0.0.1": "must be an https URL",
    "file:///etc/passwd": "must be an https URL",
    "javascript:alert(1)": "must be an https URL",
    "http://auth.openai.com": "plain http is for loopback addresses only",
    "http://10.0.0.1": "plain http is for loopback addresses only",
    "http://0.0.0.0": "plain http is for loopback addresses only",
    "http://127.0.0.1.example.com": "plain http is for loopback addresses only",
    "http://localhost.example.com": "plain http is for loopback addresses only",
    "http://127.1": "plain http is for loopback addresses only",
    "http://2130706433": "plain http is for loopback addresses only",
    "https://user@auth.example.com": "user name or a password",
    "https://user:pass@auth.example.com": "user name or a password",
    "http://127.0.0.1@evil.example.com": "user name or a password",
    "https://@auth.example.com": "user name or a password",
    "https://auth.example.com?": "query or a fragment",
    "https://auth.example.com/?a=b": "query or a fragment",
    "https://auth.example.com#": "query or a fragment",
    "https://auth.example.com/#a": "query or a fragment",
    "https://auth.example.com/a b": "space or a control character",
    "https://auth.example.com\n": "space or a control character",
    "https://auth.example.com\r\nHost: evil": "space or a control character",
    "\thttps://auth.example.com": "space or a control character",
    "https://auth.example.com\x7f": "space or a control character",
    "https://auth.example.com:99999": "is not a URL",
    "https://auth.example.com:port": "is not a URL",
    "https://[::1": "is not a URL",
    "https://auth.example.com/[Sign-in](https://evil.example/x)": "plain ASCII without brackets",
    "https://auth.example.com/(x)": "plain ASCII without brackets",
    "https://[::1]/[x]": "plain ASCII without brackets",
    "https://auth.example.com/\x9b31m": "plain ASCII without brackets",
    "https://auth.example.com/\u202elive": "plain ASCII without brackets",
    "https://auth.example.com/<b>": "plain ASCII without brackets",
    "https://auth.example.com/`x`": "plain ASCII without brackets",
    "https://auth.example.c\u043em": "plain ASCII without brackets",
    "https://auth.example.com/\u017f": "plain ASCII without brackets",
}


@pytest.mark.parametrize("url", GOOD)
def test_url_for_credentials_is_accepted(url):
    """TLS anywhere, or this machine."""
    assert url_problem(url) is None


@pytest.mark.parametrize(("url", "expected"), BAD.items(), ids=map(repr, BAD))
def test_other_url_is_refused_with_the_end_of_a_sentence(url, expected):
    """The problem is told in words and never repeats the URL, which may hold a password."""
    problem = url_problem(url) or ""

    assert expected in problem
    assert problem.endswith(".")
    assert len(url) < 8 or url not in problem


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("0:0:0:0:0:0:0:1", True),
        ("", False),
        ("localhost.", False),
        ("127.0.0.1.", False),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("127.0.0.1:80", False),
        ("[::1]", False),
        ("0177.0.0.1", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_that_looks_like_it(host, expected):
    """No name but `localhost`, no shorthand that another parser could read otherwise."""
    assert is_loopback(host) is expected


@pytest.mark.parametrize("issuer", ["https://issuer.exampl[e", "http://[::1", "", "no address"])
def test_nothing_is_the_own_address_of_an_issuer_that_has_none(issuer):
    """What stands as the issuer of a stored login may be any text."""
    assert own_url("https://issuer.example/token", IssuerSettings(issuer, "client")) is None
