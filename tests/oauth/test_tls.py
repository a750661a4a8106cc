"""TLS to the issuer: what is refused, whoever vouches for it, over real sockets."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme

from codex_auth_lsp.errors import TlsUntrusted
from codex_auth_lsp.oauth import http

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(autouse=True)
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine trust the authority by the person's own word."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("CODEX_CA_CERTIFICATE", str(tmp_path / "authority.pem"))


def server_side(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def fetch(context: ssl.SSLContext, seen: list[bytes]) -> http.Reply:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        return await http.post_form(f"https://127.0.0.1:{port}/oauth/token", [("code", "secret")])


async def test_a_certificate_in_order_is_accepted(authority: trustme.CA):
    """The refusals below are not for all."""
    seen: list[bytes] = []
    reply = await fetch(server_side(authority.issue_cert("127.0.0.1")), seen)

    assert (reply.body, len(seen)) == (b"{}", 1)


@pytest.mark.parametrize("variable", ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"])
async def test_authorities_in_a_pipe_are_refused_and_not_waited_for(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """(P25) Nobody may ever write there; what is no file is told with the variable's name."""
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv(variable, str(tmp_path / "pipe"))

    async with asyncio.timeout(5):
        with pytest.raises(TlsUntrusted, match=variable):
            await http.get("https://127.0.0.1:9", {})


async def test_an_expired_certificate_is_refused(authority: trustme.CA):
    """(P25) The authority's word is old; nothing is sent."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    certificate = authority.issue_cert(
        "127.0.0.1", not_before=yesterday - timedelta(days=1), not_after=yesterday
    )
    seen: list[bytes] = []

    with pytest.raises(TlsUntrusted):
        await fetch(server_side(certificate), seen)

    assert seen == []


async def test_a_certificate_of_another_host_is_refused(authority: trustme.CA):
    """(P25) Somebody else's certificate proves that it is somebody else."""
    seen: list[bytes] = []

    with pytest.raises(TlsUntrusted, match=r"certificate of https://127\.0\.0\.1:\d+ is not"):
        await fetch(server_side(authority.issue_cert("other.example")), seen)

    assert seen == []


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_an_old_version_of_tls_is_refused(authority: trustme.CA):
    """(P25) TLS 1.2 is the least."""
    context = server_side(authority.issue_cert("127.0.0.1"))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    seen: list[bytes] = []

    with pytest.raises(TlsUntrusted, match="no TLS connection that is safe"):
        await fetch(context, seen)

    assert seen == []
