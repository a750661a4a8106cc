"""A SOCKS5 proxy on the way to the issuer: what it is asked for, and what is told when it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import NetworkUnreachable, ProxyError, TlsUntrusted
from codex_auth_lsp.flows.chatgpt import meet_issuer
from codex_auth_lsp.oauth import http
from loopback_only import LeavesTheMachine
from support.proxies import NO_PROXIES
from support.socks_proxy import SocksProxy
from support.tls_issuer import TlsIssuer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PASSWORD = "password-of-the-test"
METADATA = "/.well-known/openid-configuration"


@pytest.fixture
async def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[TlsIssuer]:
    """Run an issuer whose name the proxy alone can find, and trust it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    for name, value in NO_PROXIES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with TlsIssuer.start(authority) as issuer:
        yield issuer


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SocksProxy]:
    """Run a proxy that the environment names."""
    async with SocksProxy.start() as proxy:
        monkeypatch.setenv("all_proxy", f"socks5h://127.0.0.1:{proxy.port}")
        yield proxy


async def told(issuer: TlsIssuer, seconds: float = 10.0) -> str:
    """Return in which words a request fails."""
    with pytest.raises(ProxyError) as raised:
        await http.get(issuer.url + METADATA, {}, seconds=seconds)
    assert PASSWORD not in f"{raised.value.message} {raised.value.to_wire()}"
    return raised.value.message


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
@pytest.mark.parametrize("variable", ["all_proxy", "https_proxy", "ALL_PROXY", "HTTPS_PROXY"])
async def test_a_request_goes_through_with_the_issuer_s_name(
    issuer, proxy, monkeypatch, scheme, variable
):
    """The proxy finds the name, by either spelling."""
    for name in NO_PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, f"{scheme}://127.0.0.1:{proxy.port}")

    reply = await http.get(issuer.url + METADATA, {})

    host, port = issuer.url.removeprefix("https://").split(":")
    assert reply.status == 200
    assert proxy.asked == [(host, int(port))]


async def test_a_password_is_given_to_the_proxy_alone(issuer, proxy, monkeypatch):
    """As it stands in the address, with its percent signs undone."""
    proxy.login = ("ada", f"{PASSWORD}@/")
    address = f"socks5://ada:{PASSWORD}%40%2F@127.0.0.1:{proxy.port}"
    monkeypatch.setenv("all_proxy", address)

    reply = await http.get(issuer.url + METADATA, {})

    assert reply.status == 200
    assert proxy.logins == [proxy.login]
    assert PASSWORD not in str(issuer.state.log.to_json())


async def test_a_password_that_is_wrong_is_told(issuer, proxy, monkeypatch):
    """Neither the right nor the wrong one."""
    proxy.login = ("ada", "another")
    monkeypatch.setenv("all_proxy", f"socks5://ada:{PASSWORD}@127.0.0.1:{proxy.port}")

    assert "refused the user name and the password" in await told(issuer)


async def test_a_proxy_that_wants_a_password_says_so(issuer, proxy):
    """Where the address has none."""
    proxy.login = ("ada", PASSWORD)

    assert "asks for a user name and a password" in await told(issuer)


async def test_a_proxy_that_wants_no_password_says_so(issuer, proxy, monkeypatch):
    """Where the address has one and the proxy takes nobody's."""
    proxy.login = None
    monkeypatch.setenv("all_proxy", f"socks5://ada:{PASSWORD}@127.0.0.1:{proxy.port}")

    assert "takes no user name and password" in await told(issuer)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "it failed"),
        (2, "its rules do not allow it"),
        (3, "it has no network"),
        (4, "it does not find the host"),
        (5, "the connection was refused"),
        (6, "it took too long"),
        (7, "it does not forward connections"),
        (8, "it does not know such addresses"),
    ],
)
async def test_a_refusal_is_told_in_words(issuer, proxy, code, words):
    """With the proxy, its variable and the issuer."""
    proxy.reply = code

    message = await told(issuer)

    assert f"({words})" in message
    assert f"socks5h://127.0.0.1:{proxy.port} (all_proxy)" in message
    assert issuer.url in message


@pytest.mark.parametrize("answers", [0, 1])
async def test_a_proxy_that_falls_silent_is_told_of_and_not_the_issuer(issuer, proxy, answers):
    """At its greeting or later; the person looks at the right thing."""
    proxy.silent_after = answers

    message = await told(issuer, seconds=0.5)

    assert "did not answer" in message
    assert message.startswith("The proxy socks5h://")


async def test_a_proxy_that_falls_silent_ends_a_sign_in_before_it_begins(issuer, proxy):
    """It is no network that might be up again when the person is done."""
    proxy.silent_after = 0

    with pytest.raises(ProxyError):
        await meet_issuer(IssuerSettings(issuer.url, "app_example"), seconds=0.5)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x04\x5b", b"\x05"], ids=repr
)
async def test_a_program_that_speaks_no_socks_is_told_of(issuer, proxy, said):
    """A port of something else, or a proxy of another kind; no defect of ours."""
    proxy.says_instead = said

    assert "(it speaks no SOCKS5)" in await told(issuer)


async def test_an_issuer_that_is_silent_behind_the_proxy_is_the_one_that_is_told(
    issuer, proxy, monkeypatch
):
    """Once the proxy has done its part."""
    from codex_auth_lsp.sandbox.faults import Fault

    issuer.state.faults.add(Fault("metadata", "hang"))

    with pytest.raises(NetworkUnreachable) as raised:
        await http.get(issuer.url + METADATA, {}, seconds=1.5)

    assert raised.value.message.startswith(f"{issuer.url} did not answer")
    assert f"through the proxy socks5h://127.0.0.1:{proxy.port}" in raised.value.message


async def test_a_certificate_is_checked_behind_the_proxy_too(issuer, proxy, monkeypatch):
    """The proxy is named, since it may be the one who opened TLS."""
    monkeypatch.setenv("SSL_CERT_FILE", "")

    with pytest.raises(TlsUntrusted, match="reached through the proxy socks5h://"):
        await http.get(issuer.url + METADATA, {})


@pytest.mark.parametrize("exempt", ["issuer.example", ".example", "*"])
async def test_a_host_that_needs_no_proxy_goes_without(issuer, proxy, monkeypatch, exempt):
    """The name is looked for by this machine itself, which no test lets it find."""
    monkeypatch.setenv("no_proxy", exempt)

    with pytest.raises(LeavesTheMachine, match=r"issuer\.example"):
        await http.get(issuer.url + METADATA, {})

    assert proxy.asked == []


async def test_loopback_is_reached_without_it(issuer, proxy):
    """Whatever the variables say."""
    reply = await http.get(issuer.loopback + METADATA, {})

    assert reply.status == 200
    assert proxy.asked == []
