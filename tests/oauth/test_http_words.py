"""What failed on the way to the issuer, in words: whose doing it was, and what helps.

`test_http.py` and `test_socks.py` make these things happen; here is every sentence, as it is read.
"""

from __future__ import annotations

import httpx
import pytest

from codex_auth_lsp.errors import (
    IssuerResponseInvalid,
    NetworkUnreachable,
    ProxyError,
)
from codex_auth_lsp.oauth.http import _bad_proxy, _refused, _silence, _translate, _Way
from codex_auth_lsp.oauth.network import Proxy
from codex_auth_lsp.oauth.proxy_refusal import SPEAKS_NO_SOCKS
from codex_auth_lsp.oauth.tls_refusal import IN_ITS_PLACE
from codex_auth_lsp.secret import Secret

URL = "https://auth.example.com/oauth/token?code=abc"
ORIGIN = "https://auth.example.com"
PROXY = Proxy(Secret("http://ada:pw@proxy.example:1"), "HTTPS_PROXY", "http://proxy.example:1")
SHOWN = "http://proxy.example:1 (HTTPS_PROXY)"


def way(*, is_open: bool) -> _Way:
    found = _Way()
    found.is_open = is_open
    return found


@pytest.mark.parametrize(
    ("exc", "proxy", "is_open", "kind", "message"),
    [
        (
            httpx.ConnectError("x"),
            None,
            False,
            NetworkUnreachable,
            f"{ORIGIN} could not be reached; check the network connection and try again.",
        ),
        (
            httpx.ConnectError("x"),
            PROXY,
            False,
            ProxyError,
            f"The proxy {SHOWN} on the way to {ORIGIN} could not be reached; check the proxy "
            "settings and the network connection.",
        ),
        (
            httpx.ConnectTimeout("x"),
            PROXY,
            False,
            ProxyError,
            f"The proxy {SHOWN} on the way to {ORIGIN} could not be reached; check the proxy "
            "settings and the network connection.",
        ),
        (
            httpx.ReadError("x"),
            PROXY,
            False,
            ProxyError,
            f"The proxy {SHOWN} did not let the request to {ORIGIN} through (it ended the "
            "connection); check the proxy settings.",
        ),
        (
            httpx.ReadError("x"),
            PROXY,
            True,
            NetworkUnreachable,
            f"{ORIGIN} could not be reached; check the network connection and try again.",
        ),
        (
            httpx.ProxyError("403 Forbidden by ada"),
            PROXY,
            False,
            ProxyError,
            f"The proxy {SHOWN} did not let the request to {ORIGIN} through (HTTP 403); check the "
            "proxy settings.",
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            None,
            False,
            NetworkUnreachable,
            f"{ORIGIN} ended the connection before its answer was whole; try again.",
        ),
        (
            httpx.RemoteProtocolError("peer closed connection without sending complete body"),
            PROXY,
            True,
            NetworkUnreachable,
            f"{ORIGIN} ended the connection before its answer was whole; try again.",
        ),
        (
            httpx.RemoteProtocolError("illegal status line"),
            None,
            False,
            IssuerResponseInvalid,
            f"{ORIGIN} answered with what is no HTTP; {IN_ITS_PLACE}.",
        ),
        (
            httpx.DecodingError("x"),
            None,
            False,
            IssuerResponseInvalid,
            f"{ORIGIN} answered with what is no HTTP; {IN_ITS_PLACE}.",
        ),
    ],
)
def test_failure_is_told_by_whose_it_is_and_what_helps(exc, proxy, is_open, kind, message):
    """Without the path, who logs in at the proxy, and the words of others."""
    error = _translate(exc, URL, proxy, way(is_open=is_open))

    assert (type(error), error.message) == (kind, message)


@pytest.mark.parametrize(
    ("proxy", "is_open", "kind", "message"),
    [
        (
            None,
            False,
            NetworkUnreachable,
            f"{ORIGIN} did not answer within 30 seconds; check the network connection and try "
            "again.",
        ),
        (
            PROXY,
            True,
            NetworkUnreachable,
            f"{ORIGIN} did not answer within 30 seconds, through the proxy {SHOWN}; check the "
            "network connection and try again.",
        ),
        (
            PROXY,
            False,
            ProxyError,
            f"The proxy {SHOWN} on the way to {ORIGIN} did not answer within 30 seconds; check the "
            "proxy settings.",
        ),
    ],
)
def test_silence_is_told_by_whose_it_is(proxy, is_open, kind, message):
    """Before a proxy has done its part, it is the proxy's."""
    error = _silence(URL, proxy, way(is_open=is_open), 30.0)

    assert (type(error), error.message) == (kind, message)


@pytest.mark.parametrize(
    ("problem", "end"),
    [
        (None, "is no address that can be reached"),
        ("is of a kind that is not known", "is of a kind that is not known"),
    ],
)
def test_proxy_that_cannot_be_used_is_told_with_what_is_wrong(problem, end):
    """And by the variable that names it."""
    proxy = Proxy(PROXY.url, PROXY.variable, PROXY.shown, problem)

    assert _bad_proxy(proxy).message == (
        f"The proxy that HTTPS_PROXY names cannot be used: http://proxy.example:1 {end}; set it as "
        f"in {proxy.example}, or unset it."
    )


def test_request_that_cannot_be_sent_without_a_proxy_says_so():
    """There is nothing to name."""
    assert _bad_proxy(None).message == "The request cannot be sent; check the proxy settings."


def test_proxy_that_speaks_another_language_is_told():
    """With the reason in parentheses."""
    assert _refused(URL, PROXY, SPEAKS_NO_SOCKS).message == (
        f"The proxy {SHOWN} did not let the request to {ORIGIN} through (it speaks no SOCKS5); "
        "check the proxy settings."
    )
