"""Which proxy and which authorities an environment names."""

from __future__ import annotations

import re

import pytest

from codex_auth_lsp.oauth.network import authority_files, proxy_for, trusted

ISSUER = "https://auth.example.com/oauth/token"
P = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": P}, f"{P} (HTTPS_PROXY)"),
        ({"https_proxy": P, "HTTPS_PROXY": "http://other"}, f"{P} (https_proxy)"),
        ({"https_proxy": "", "HTTPS_PROXY": P}, None),
        ({"ALL_PROXY": P}, f"{P} (ALL_PROXY)"),
        ({"HTTPS_PROXY": P, "ALL_PROXY": "http://other"}, f"{P} (HTTPS_PROXY)"),
        ({"HTTP_PROXY": P}, None),
        ({"HTTPS_PROXY": "proxy.example:3128"}, f"{P} (HTTPS_PROXY)"),
        ({"HTTPS_PROXY": "http://ada:pw@proxy.example:3128"}, f"{P} (HTTPS_PROXY)"),
        ({"ALL_PROXY": "socks5h://proxy.example"}, "socks5h://proxy.example (ALL_PROXY)"),
        ({"HTTPS_PROXY": "https://[2001:db8::1]:1"}, "https://[2001:db8::1]:1 (HTTPS_PROXY)"),
    ],
)
def test_proxy_is_the_one_that_the_variables_name(environment, expected):
    """The scheme's before `ALL_PROXY`, lower case first, and shown without who logs in there."""
    proxy = proxy_for(ISSUER, environment)

    assert expected == (proxy and str(proxy))


@pytest.mark.parametrize(
    ("no_proxy", "url", "exempt"),
    [
        ("*", ISSUER, True),
        ("example.com", ISSUER, True),
        (".example.com", ISSUER, True),
        ("*.example.com", ISSUER, True),
        ("EXAMPLE.com", ISSUER, True),
        ("ample.com", ISSUER, False),
        ("other.example,auth.example.com", ISSUER, True),
        ("other.example auth.example.com", ISSUER, True),
        ("auth.example.com:443", ISSUER, True),
        ("auth.example.com:8443", ISSUER, False),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.1.2.3", "https://10.1.2.3/", True),
        ("2001:db8::/32", "https://[2001:db8::7]/", True),
        ("10.1.2.3/8", "https://10.9.9.9/", True),
        ("[2001:db8::7]", "https://[2001:db8::7]/", True),
        ("[2001:db8::0007]", "https://[2001:db8::7]/", True),
        ("[2001:db8::7]:443", "https://[2001:db8::7]/", True),
        ("[2001:db8::7]:8443", "https://[2001:db8::7]/", False),
        ("..example.com", ISSUER, True),
        ("", ISSUER, False),
        (",, ,", ISSUER, False),
        (".", ISSUER, False),
        (":443", ISSUER, False),
        ("443", ISSUER, False),
    ],
)
def test_hosts_of_no_proxy_are_reached_directly(no_proxy, url, exempt):
    """Names, domains, ports, addresses and networks, as curl reads them."""
    assert exempt is (proxy_for(url, {"HTTPS_PROXY": P, "NO_PROXY": no_proxy}) is None)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_loopback_never_has_a_proxy(host):
    """A proxy would see the tokens, and could not get there."""
    assert proxy_for(f"http://{host}:1/", {"HTTP_PROXY": P, "ALL_PROXY": P}) is None


@pytest.mark.parametrize(
    "value",
    ["http://[::1", "http://ada:pw@h:99999", "http://", "socks4://h", "ftp://h", "http://a b"],
)
def test_proxy_that_makes_no_sense_is_a_problem_and_not_ignored(value):
    """To go past a proxy that was meant would tell others where somebody signs in."""
    proxy = proxy_for(ISSUER, {"HTTPS_PROXY": value})

    assert proxy is not None
    assert proxy.problem
    assert "pw" not in f"{proxy}{proxy.problem}{proxy!r}"


@pytest.mark.parametrize(
    "value",
    [
        "http://bob:4711/secret@proxy.example:1",
        "http://bob:4711#secret@proxy.example:1",
        "socks5://bob:4711?secret@proxy.example:1",
        "http://bob/secret@proxy.example:1",
        "socks4://bob:secret@proxy.example:1",
        "http://bob:secret@proxy.example:99999",
        "bob://secret",
    ],
)
def test_no_part_of_who_logs_in_at_a_proxy_is_told_whatever_is_wrong_with_it(value):
    """What is read as a host may be a user name, as a port or path the password."""
    proxy = proxy_for(ISSUER, {"HTTPS_PROXY": value})

    assert proxy is not None
    assert proxy.problem
    assert not {"bob", "4711", "secret"} & set(re.split(r"\W+", f"{proxy}{proxy.problem}{proxy!r}"))


def test_authorities_are_the_system_s_and_named_ones_on_top():
    """Both variables count; an empty one does not."""
    environment = {"CODEX_CA_CERTIFICATE": "/a.pem", "SSL_CERT_FILE": "/b.pem"}

    assert authority_files(environment) == environment
    assert authority_files({"SSL_CERT_FILE": ""}) == {}
    assert trusted(environment) == (
        "the operating system's store and CODEX_CA_CERTIFICATE (/a.pem) and SSL_CERT_FILE (/b.pem)"
    )
