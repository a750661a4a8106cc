"""A person whose only way out is a SOCKS5 proxy signs in, renews, and is told what fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from e2e.logins import Browser, begin
from support.proxies import NO_PROXIES
from support.socks_proxy import SocksProxy
from support.tls_issuer import TlsIssuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.shapes import CodexHome
    from support.secrets_guard import SecretsGuard

PASSWORD = "password-of-the-proxy"


@pytest.fixture
async def proxy(guard: SecretsGuard) -> AsyncIterator[SocksProxy]:
    """Run a proxy that asks for a password, which must not be told anywhere."""
    guard.add(PASSWORD)
    async with SocksProxy.start() as proxy:
        proxy.login = ("ada", PASSWORD)
        yield proxy


@pytest.fixture
async def issuer(guard: SecretsGuard, tmp_path: Path) -> AsyncIterator[TlsIssuer]:
    """Run an issuer whose name the proxy alone can find."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    async with TlsIssuer.start(authority) as issuer:
        yield issuer
    for _, value in issuer.state.ledger.mint.minted:
        guard.add(value)


def by(proxy: SocksProxy, tmp_path: Path, variable: str, scheme: str) -> dict[str, str]:
    """Return the environment of a person who reaches the issuer by the proxy."""
    return {
        **NO_PROXIES,
        variable: f"{scheme}://ada:{PASSWORD}@127.0.0.1:{proxy.port}",
        "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
    }


@pytest.mark.parametrize(
    ("variable", "scheme"), [("all_proxy", "socks5h"), ("https_proxy", "socks5")]
)
async def test_a_person_signs_in_and_the_login_is_renewed(
    start: Starter, issuer, proxy, home: CodexHome, guard, tmp_path, variable, scheme
):
    """Metadata, code, keys and renewal: all of it goes through the proxy, by the issuer's name."""
    window = await start(issuer.url, environment=by(proxy, tmp_path, variable, scheme))
    attempt = await begin(window)
    await Browser(guard).visit(issuer.for_browser(attempt.url))
    await attempt.request.result()
    first, asked = home.read()["tokens"]["refresh_token"], len(proxy.asked)

    status = await window.request("auth/refresh", {"force": True})

    assert status["freshness"] == "fresh"
    assert home.read()["tokens"]["refresh_token"] != first
    assert asked >= 3
    assert len(proxy.asked) == asked + 1
    assert {host for host, _ in proxy.asked} == {"issuer.example"}
    assert set(proxy.logins) == {("ada", PASSWORD)}


async def test_a_proxy_that_refuses_is_told_before_a_browser_opens(
    start: Starter, issuer, proxy, tmp_path
):
    """Which proxy, by which variable, and why; without who logs in there."""
    proxy.reply = 2
    environment = by(proxy, tmp_path, "all_proxy", "socks5h")
    window = await start(issuer.url, environment=environment)

    error = await window.request_error("auth/login", {"method": "browser"})
    found = await window.request("auth/doctor", {"network": True})

    checks = {check["id"]: check for check in found["checks"]}
    shown = f"socks5h://127.0.0.1:{proxy.port} (all_proxy)"
    assert error.summary == (-32803, "proxyError")
    assert error.message == (
        f"The proxy {shown} did not let the request to {issuer.url} through (its rules do not "
        "allow it); check the proxy settings."
    )
    assert window.all("auth/loginPrompt") == []
    assert shown in checks["proxy"]["summary"]
    assert checks["reachability"]["summary"] == error.message


async def test_a_renewal_that_the_proxy_stops_keeps_the_login(
    start: Starter, issuer, proxy, home: CodexHome, guard, tmp_path
):
    """`proxyError`, retryable; the login stays, and is told to be stale."""
    window = await start(issuer.url, environment=by(proxy, tmp_path, "all_proxy", "socks5h"))
    attempt = await begin(window)
    await Browser(guard).visit(issuer.for_browser(attempt.url))
    await attempt.request.result()
    before = home.bytes()
    proxy.login = ("ada", "another")

    error = await window.request_error("auth/refresh", {"force": True})
    status = await window.request("auth/status", {})

    assert error.kind == "proxyError"
    assert error.data["retryable"] is True
    assert "refused the user name and the password" in error.message
    assert (status["state"], status["freshness"]) == ("signedIn", "stale")
    assert home.bytes() == before


async def test_a_person_at_a_terminal_reads_it_in_one_line(
    command_line: CommandLine, issuer, proxy, tmp_path
):
    """A port of something else: no SOCKS there."""
    proxy.says_instead = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    environment = by(proxy, tmp_path, "all_proxy", "socks5h")

    outcome = await command_line("login", issuer=issuer.url, environment=environment)

    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.count("\n") == 1
    assert "(it speaks no SOCKS5); check the proxy settings." in outcome.stderr
