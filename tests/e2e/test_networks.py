"""Networks between this machine and the issuer: proxies, authorities, and what is told of them.

The proxy is proxy.py. The issuer has a name that only the proxy can find, so that no test passes
by going past it; where TLS is opened on the way, the certificate is one of the proxy's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trustme

from e2e.logins import begin
from support.forward_proxy import forward_proxy
from support.proxies import NO_PROXIES
from support.tls_issuer import TlsIssuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.secrets_guard import SecretsGuard

PASSWORD = "password-of-the-proxy"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Return the authority that vouches for the issuer."""
    return trustme.CA(organization_name="The issuer's authority")


@pytest.fixture(scope="session")
def inspector() -> trustme.CA:
    """Return the private authority of a proxy that opens TLS."""
    return trustme.CA(organization_name="The proxy's authority")


@pytest.fixture
async def issuer(authority: trustme.CA, guard: SecretsGuard) -> AsyncIterator[TlsIssuer]:
    """Run the issuer; what it minted is added to the guard when the test is over."""
    async with TlsIssuer.start(authority) as issuer:
        yield issuer
    for _, value in issuer.state.ledger.mint.minted:
        guard.add(value)


def pem(authority: trustme.CA, path: Path) -> str:
    """Write the authority's certificate as an administrator hands it out."""
    authority.cert_pem.write_to_path(path)
    return str(path)


def by_proxy(port: int, **more: str) -> dict[str, str]:
    """Return the environment of a person whose way out is the proxy."""
    return {**NO_PROXIES, "https_proxy": f"http://127.0.0.1:{port}", **more}


async def sign_in(
    start: Starter, issuer: TlsIssuer, browser: Browser, environment: dict[str, str]
) -> Any:
    """Sign in; the person's browser has a way of its own."""
    client = await start(issuer.url, environment=environment)
    attempt = await begin(client)
    visit = await browser.visit(issuer.for_browser(attempt.url))
    assert visit.callback_url is not None, f"the pages ended with HTTP {visit.final_status}"
    return await attempt.request.result()


@pytest.mark.parametrize("variable", ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"])
async def test_a_proxy_that_opens_tls_is_passed_with_its_authority_named(
    start: Starter, issuer, authority, inspector, browser, home: CodexHome, tmp_path, variable
):
    """Metadata, tokens and keys come through it; the sign-in is checked and stored as ever."""
    named = {variable: pem(inspector, tmp_path / "inspector.pem")}
    with forward_proxy(
        tmp_path / "proxy", upstream_authority=authority, interception=inspector
    ) as port:
        result = await sign_in(start, issuer, browser, by_proxy(port, **named))
    paths = [entry["path"] for entry in issuer.state.log.to_json()["requests"]]

    assert result["status"]["state"] == "signedIn"
    assert home.read()["tokens"]["oauth_provenance"]["issuer"] == issuer.url
    assert {"/.well-known/openid-configuration", "/.well-known/jwks.json"} < set(paths)
    assert (tmp_path / "proxy" / "made" / "issuer.example.pem").exists()


async def test_a_proxy_that_opens_tls_is_told_of_before_a_browser_opens(
    start: Starter, issuer, authority, inspector, home: CodexHome, tmp_path
):
    """`tlsUntrusted` names the proxy and whom this machine trusts; nobody is asked to sign in."""
    with forward_proxy(
        tmp_path / "proxy", upstream_authority=authority, interception=inspector
    ) as port:
        client = await start(issuer.url, environment=by_proxy(port))
        error = await client.request_error("auth/login", {"method": "browser"})

    assert error.summary == (-32803, "tlsUntrusted")
    assert f"the proxy http://127.0.0.1:{port} (https_proxy)" in error.message
    assert "the operating system's store" in error.message
    assert "CODEX_CA_CERTIFICATE" in error.message
    assert client.all("auth/loginPrompt") == []
    assert issuer.state.log.to_json()["requests"] == []


async def test_a_proxy_with_a_password_is_passed_and_its_password_never_told(
    start: Starter, issuer, authority, browser, guard, tmp_path
):
    """The password goes to the proxy alone: no log, error or command line holds it."""
    guard.add(PASSWORD)
    named = {"SSL_CERT_FILE": pem(authority, tmp_path / "authority.pem")}
    with forward_proxy(tmp_path / "proxy", basic_auth=f"ada:{PASSWORD}") as port:
        good = {"https_proxy": f"http://ada:{PASSWORD}@127.0.0.1:{port}", **named}
        result = await sign_in(start, issuer, browser, {**NO_PROXIES, **good})
        client = await start(issuer.url, environment=by_proxy(port, **named))
        refused = await client.request_error("auth/login", {"method": "browser"})

    assert result["status"]["state"] == "signedIn"
    assert refused.summary == (-32803, "proxyError")
    assert "HTTP 407" in refused.message


async def test_a_network_that_is_down_is_told_and_the_person_asked_all_the_same(start: Starter):
    """It may be up again when they are done; the progress says what is wrong now."""
    client = await start("https://issuer.example", environment=NO_PROXIES)

    await begin(client)
    messages = [message.params["message"] for message in client.all("auth/loginProgress")]

    assert any("https://issuer.example could not be reached" in message for message in messages)


async def test_an_authority_that_nobody_knows_is_refused_without_a_proxy_too(
    start: Starter, authority, guard: SecretsGuard
):
    """A certificate is checked on loopback as anywhere."""
    async with TlsIssuer.start(authority, "localhost") as issuer:
        client = await start(issuer.url)
        error = await client.request_error("auth/login", {"method": "browser"})

    assert error.summary == (-32803, "tlsUntrusted")
    assert "proxy http" not in error.message
