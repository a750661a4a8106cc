"""The words for a TLS connection that was refused: who, why, and what helps."""

from __future__ import annotations

import ssl

import pytest

from codex_auth_lsp.oauth.network import Proxy
from codex_auth_lsp.oauth.tls_refusal import tls_refused
from codex_auth_lsp.secret import Secret

ORIGIN = "https://issuer.example"
PROXY = Proxy(Secret("http://proxy.example:3128"), "HTTPS_PROXY", "http://proxy.example:3128")
NAMED = "http://proxy.example:3128 (HTTPS_PROXY)"
ELSEWHERE = (
    "something else on the network may answer in its place: sign in to the network where it asks "
    "for that, or try another network"
)
GOES_BY = (
    "is not trusted by this machine, which goes by the operating system's store; where a proxy "
    "inspects traffic, name its certificate in CODEX_CA_CERTIFICATE or SSL_CERT_FILE."
)


def unverified(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


@pytest.fixture(autouse=True)
def no_authorities(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(
    ("proxy", "is_by_proxy", "who"),
    [
        (None, False, ORIGIN),
        (PROXY, False, f"{ORIGIN}, reached through the proxy {NAMED},"),
        (PROXY, True, f"the proxy {NAMED}"),
    ],
    ids=["without a proxy", "behind a proxy", "the proxy itself"],
)
def test_certificate_that_nobody_vouches_for_is_told_with_whose_it_is(proxy, is_by_proxy, who):
    """The person may have to trust somebody's authority, and has to know whose."""
    error = tls_refused(ORIGIN, proxy, [OSError(), unverified(20)], is_by_proxy=is_by_proxy)

    assert error.message == f"The certificate of {who} {GOES_BY}"


@pytest.mark.parametrize(
    ("code", "reason"),
    [(9, "is not valid yet by this"), (10, "has expired by this"), (62, "is for another host; ")],
)
def test_certificate_that_no_authority_would_mend_is_told_as_that(code, reason):
    """Nobody shall trust another authority because a clock is wrong."""
    message = tls_refused(ORIGIN, None, [unverified(code)], is_by_proxy=False).message

    assert message.startswith(
        f"The certificate of {ORIGIN} is not trusted by this machine, since it {reason}"
    )
    assert "CODEX_CA_CERTIFICATE" not in message


@pytest.mark.parametrize(
    ("proxy", "is_by_proxy", "who", "advice"),
    [
        (None, False, ORIGIN, ELSEWHERE),
        (
            PROXY,
            False,
            f"{ORIGIN}, reached through the proxy {NAMED},",
            "check the proxy settings",
        ),
        (PROXY, True, f"The proxy {NAMED}", "check the proxy settings"),
    ],
    ids=["without a proxy", "behind a proxy", "the proxy itself"],
)
def test_connection_without_a_certificate_is_no_matter_of_trust(proxy, is_by_proxy, who, advice):
    """Something that speaks no TLS, or an old one."""
    error = tls_refused(ORIGIN, proxy, [ssl.SSLError()], is_by_proxy=is_by_proxy)

    assert error.message == f"{who} offers no TLS connection that is safe to use; {advice}."
