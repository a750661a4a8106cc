"""HTTP to the issuer, against servers that behave and servers that do not, over real sockets."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp import __version__
from codex_auth_lsp.errors import (
    IssuerResponseInvalid,
    NetworkUnreachable,
    ProxyError,
    TlsUntrusted,
)
from codex_auth_lsp.oauth import http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MAXIMUM_BODY = 1024 * 1024
SHORT = 0.3
"""Seconds of a deadline that is meant to pass."""

CEILING = 10.0
"""Seconds that nothing here may take, a deadline of `SHORT` included."""

Answer = "Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]"


@dataclass
class Server:
    """A server that reads one request's head and body and then does as the test says."""

    answer: Answer
    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/oauth/token"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            for line in request.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    request += await reader.readexactly(int(line.partition(b":")[2]))
            self.requests.append(request)
            await self.answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away, which some tests want it to do
        finally:
            writer.close()


@asynccontextmanager
async def serving(answer: Answer | bytes, **options: object) -> AsyncIterator[Server]:
    async def write(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    server = Server(write if isinstance(answer, bytes) else answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, **options)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


def ok(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join((b"HTTP/1.1 " + status, length, *headers, b"", body))


async def test_form_is_sent_as_the_rfc_says():
    """RFC 6749 appendix B: UTF-8, percent-encoded, `+` for a space, in the given order."""
    async with serving(ok(b"{}")) as server:
        reply = await http.post_form(server.url, [("b", "1 2"), ("a", "ä&=/"), ("b", "")])
    head, _, body = server.requests[0].partition(b"\r\n\r\n")

    assert (reply.status, reply.body) == (200, b"{}")
    assert head.startswith(b"POST /oauth/token HTTP/1.1\r\n")
    assert b"content-type: application/x-www-form-urlencoded" in head.lower()
    assert b"user-agent: codex-auth-lsp/" + __version__.encode() in head.lower()
    assert b"cookie" not in head.lower()
    assert body == b"b=1+2&a=%C3%A4%26%3D%2F&b="


async def test_json_is_sent_without_blanks_in_its_order():
    """As the Codex CLI sends a refresh."""
    async with serving(ok(b"{}")) as server:
        await http.post_json(server.url, {"client_id": "app", "refresh_token": "rt-ä"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")

    assert b"content-type: application/json\r\n" in head.lower() + b"\r\n"
    assert body == b'{"client_id":"app","refresh_token":"rt-\\u00e4"}'


async def test_get_sends_the_headers_it_is_given():
    """A bearer goes where it is meant to, and there is no body."""
    async with serving(ok(b"[]", b"X-One: 1", b"RETRY-AFTER: 7", status=b"429 Slow")) as server:
        reply = await http.get(server.url, {"authorization": "Bearer at-1"})

    assert (reply.status, reply.body) == (429, b"[]")
    assert (reply.headers["x-one"], reply.headers["retry-after"]) == ("1", "7")
    assert server.requests[0].startswith(b"GET /oauth/token HTTP/1.1\r\n")
    assert b"authorization: bearer at-1" in server.requests[0].lower()


async def test_compressed_answer_is_not_unpacked():
    """It was not asked for; a small answer cannot become a large one."""
    packed = gzip.compress(b"x" * 10_000)
    async with serving(ok(packed, b"Content-Encoding: gzip")) as server:
        reply = await http.get(server.url, {})

    assert reply.body == packed
    assert b"accept-encoding: identity" in server.requests[0].lower()


async def test_redirect_is_told_and_not_followed():
    """(P17) A token goes to no address that an answer names (RFC 9700 section 4.12)."""
    async with serving(ok(b"elsewhere")) as elsewhere:
        location = b"Location: " + elsewhere.url.encode()
        for status in (b"302 Found", b"307 Temporary Redirect", b"308 Permanent Redirect"):
            async with serving(ok(b"", location, status=status)) as server:
                reply = await http.post_form(server.url, [("refresh_token", "rt")])
            assert reply.status == int(status[:3])

    assert elsewhere.requests == []


async def test_answer_of_the_greatest_size_is_taken():
    """One mebibyte is still an answer."""
    async with serving(ok(b"x" * MAXIMUM_BODY)) as server:
        reply = await http.get(server.url, {})

    assert len(reply.body) == MAXIMUM_BODY


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def _twenty_megabytes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 20971520\r\n\r\n")
    for _ in range(320):
        writer.write(b"x" * 65536)
        await writer.drain()


@pytest.mark.parametrize("answer", [_endless, _twenty_megabytes, ok(b"x" * (MAXIMUM_BODY + 1))])
async def test_larger_answer_is_refused_before_it_is_taken(answer):
    """(P17) An answer without end costs neither memory nor time."""
    async with serving(answer) as server, asyncio.timeout(CEILING):
        with pytest.raises(IssuerResponseInvalid) as caught:
            await http.get(server.url, {})

    assert caught.value.message == "The issuer's answer is far too large; try again later."


@pytest.mark.parametrize(
    "answer",
    [
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
    ids=range(7),
)
async def test_answer_that_is_no_http_is_invalid(answer):
    """The error names the origin and no path."""
    async with serving(answer) as server, asyncio.timeout(CEILING):
        with pytest.raises(IssuerResponseInvalid) as caught:
            await http.post_form(server.url, [("code", "secret-code")])

    assert f"http://127.0.0.1:{server.port} answered" in str(caught.value)
    assert "/oauth/token" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsho",
    ],
    ids=["nothing", "half a line", "half a body", "half a chunk"],
)
async def test_connection_that_breaks_before_the_answer_is_whole_is_the_network_s(answer):
    """It is worth another try; the error names the origin and no path."""
    async with serving(answer) as server, asyncio.timeout(CEILING):
        with pytest.raises(NetworkUnreachable) as caught:
            await http.post_form(server.url, [("code", "secret-code")])

    assert caught.value.retryable
    assert f"http://127.0.0.1:{server.port} ended" in str(caught.value)
    assert "/oauth/token" not in str(caught.value)


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(SHORT / 10)


@pytest.mark.parametrize("answer", [_silent, _drip])
async def test_deadline_is_for_the_whole_call(answer):
    """A server that is silent, or sends a byte now and then, holds nobody up."""
    started = time.monotonic()
    async with serving(answer) as server:
        with pytest.raises(NetworkUnreachable, match="did not answer within"):
            await http.get(server.url, {}, seconds=SHORT)

    assert SHORT <= time.monotonic() - started < CEILING


async def test_cancelled_call_ends_at_once_and_closes_its_connection():
    """A login that is cancelled does not wait for the issuer."""
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def until_gone(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        gone.set()

    async with serving(until_gone) as server, asyncio.timeout(CEILING):
        call = asyncio.create_task(http.get(server.url, {}))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await gone.wait()


async def test_port_where_nobody_listens_is_unreachable():
    """The error names the origin and tells what to look at."""
    async with serving(b"") as server:
        pass
    with pytest.raises(NetworkUnreachable, match=f"http://127.0.0.1:{server.port} could not"):
        await http.get(server.url, {})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_loopback_is_reached_past_every_proxy(monkeypatch, host):
    """Whatever the environment says: a proxy would see the tokens, and could not get there."""
    async with serving(ok(b"proxy")) as proxy, serving(ok(b"direct")) as server:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        reply = await http.get(server.url.replace("127.0.0.1", host), {})

    assert (reply.body, proxy.requests) == (b"direct", [])


@pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Proxy Authentication Required"])
async def test_proxy_that_refuses_is_told_as_such(monkeypatch, status):
    """Other hosts are reached through the proxy of the environment, and only by CONNECT."""
    async with serving(ok(b"", status=status)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(
            ProxyError, match=r"request to https://auth\.example\.com through \(HTTP 4"
        ):
            await http.post_form("https://auth.example.com/oauth/token", [("code", "secret-code")])

    assert proxy.requests[0].startswith(b"CONNECT auth.example.com:443 HTTP/1.1\r\n")
    assert b"secret-code" not in proxy.requests[0]


@pytest.mark.parametrize(
    ("login", "reason", "advice"),
    [
        ("", "asks for a user name and a password", "as in HTTPS_PROXY=http://user:password@host"),
        ("ada:pw-of-the-test@", "refused the user name and the password", "correct those"),
    ],
)
async def test_proxy_that_wants_a_login_says_what_to_do(monkeypatch, login, reason, advice):
    """How to give one where none was given, and else that it was refused; never which."""
    answer = ok(b"", status=b"407 Proxy Authentication Required")
    async with serving(answer) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{login}127.0.0.1:{proxy.port}")
        with pytest.raises(ProxyError) as caught:
            await http.get("https://auth.example.com/", {})

    assert reason in caught.value.message
    assert advice in caught.value.message
    assert "pw-of-the-test" not in caught.value.message


@pytest.mark.parametrize("value", ["not a url", "socks4://proxy.example", "http://h:99999"])
async def test_proxy_that_is_none_is_told_with_an_example(monkeypatch, value):
    """In the variable that is set."""
    monkeypatch.setenv("HTTPS_PROXY", value)

    with pytest.raises(ProxyError, match="as in HTTPS_PROXY=http://host:port, or unset it"):
        await http.get("https://auth.example.com/", {})


async def test_tls_that_is_none_has_a_next_step(monkeypatch):
    """The port of something else, whether on the way or at its end."""
    async with serving(b"no TLS at all") as server:
        with pytest.raises(TlsUntrusted, match=r"safe to use; .*try another network"):
            await http.get(server.url.replace("http:", "https:"), {})
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{server.port}")
        with pytest.raises(TlsUntrusted, match=r"^The proxy .* check the proxy settings"):
            await http.get("https://auth.example.com/", {})


async def test_certificate_of_the_proxy_is_not_called_the_issuer_s(monkeypatch, tls_server):
    """TLS with a proxy comes before the one with the issuer."""
    async with serving(ok(b"{}"), ssl=tls_server) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"https://127.0.0.1:{server.port}")
        with pytest.raises(TlsUntrusted, match=r"^The certificate of the proxy "):
            await http.get("https://auth.example.com/", {})


async def test_certificate_that_nobody_vouches_for_is_refused(tls_server):
    """(P25) There is no way around it, and the request is not sent."""
    async with serving(ok(b"{}"), ssl=tls_server) as server:
        with pytest.raises(TlsUntrusted, match="is not trusted by this machine"):
            await http.post_form(server.url.replace("http:", "https:"), [("code", "secret")])

    assert server.requests == []


async def test_certificate_of_a_named_authority_is_trusted(tls_server, certificate, monkeypatch):
    """A person may name an authority of their own in SSL_CERT_FILE, on loopback too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serving(ok(b"{}"), ssl=tls_server) as server:
        reply = await http.get(server.url.replace("http:", "https:"), {})

    assert reply.body == b"{}"


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_authority_file_that_cannot_be_read_is_told(content, tmp_path, monkeypatch):
    """A mistyped path is not taken for a network that is down."""
    if content is not None:
        (tmp_path / "authorities.pem").write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))

    with pytest.raises(TlsUntrusted, match="that SSL_CERT_FILE names cannot be read"):
        await http.get("https://127.0.0.1:9/", {})


async def test_nothing_of_a_request_is_logged(caplog):
    """Neither the URL nor a body nor a header, at any level of ours."""
    caplog.set_level("DEBUG", logger="codex_auth_lsp")
    async with serving(ok(b"secret-answer")) as server:
        await http.post_form(server.url, [("code", "secret-code")])

    assert "secret" not in caplog.text


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a new certificate for 127.0.0.1 that has signed itself, and its key."""
    return _make_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem")


@pytest.fixture
def tls_server(certificate: Path) -> ssl.SSLContext:
    """Return the server's side of TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _make_certificate(path: Path) -> Path:
    import datetime
    import ipaddress

    # It comes with keyring's Secret Service backend, and so is there on Linux alone.
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    "proxy",
    [
        "socks://127.0.0.1:1080/",
        "http://ada:password-of-the-test@127.0.0.1:99999",
        "http://[::1",
    ],
)
async def test_proxy_that_cannot_be_used_is_told_without_its_address(monkeypatch, proxy):
    """Some desktops set such variables; a password may stand in them."""
    monkeypatch.setenv("ALL_PROXY", proxy)

    with pytest.raises(ProxyError, match="ALL_PROXY") as raised:
        await http.get("https://issuer.example.invalid/", {})

    assert "password-of-the-test" not in raised.value.message
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_proxy_that_is_down_is_told_without_who_logs_in_there(monkeypatch, scheme):
    """It is named, with its variable, so that a person can mend the right thing."""
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://ada:password-of-the-test@127.0.0.1:9")

    with pytest.raises(ProxyError, match=rf"{scheme}://127\.0\.0\.1:9 \(ALL_PROXY\)") as raised:
        await http.get("https://issuer.example.invalid/", {})

    assert "password-of-the-test" not in raised.value.message


@pytest.mark.parametrize(
    ("ends", "words"), [(False, "did not answer within"), (True, "it ended the connection")]
)
async def test_proxy_that_gives_no_answer_is_told_of_and_not_the_issuer(monkeypatch, ends, words):
    """Whether it falls silent or goes away: the issuer has not been asked yet."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if not ends:
            await reader.read()  # until the other side goes away
        writer.close()
        await writer.wait_closed()
        closed.set()

    closed = asyncio.Event()
    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")
        with pytest.raises(ProxyError, match=rf"The proxy http://127\.0\.0\.1:{port} .*{words}"):
            await http.get("https://issuer.example.invalid/", {}, seconds=0.5)
        await closed.wait()
