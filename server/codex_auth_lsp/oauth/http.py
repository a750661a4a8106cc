"""HTTP to the issuer: the only module that imports httpx.

Promises: TLS is always verified, no redirect is followed, an answer of more than 1 MiB is refused
before it is taken, every call ends within its deadline, the way is the one of `network.py`, and
what fails becomes an `IssuerError` that names the proxy and the authorities in force, without
credentials. Bodies and URLs are never logged.
httpx is imported at the first call: it costs 40 ms that a window's start does not have.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from codex_auth_lsp import __version__
from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.errors import (
    IssuerError,
    IssuerResponseInvalid,
    NetworkUnreachable,
    ProxyError,
)
from codex_auth_lsp.oauth.network import proxy_for
from codex_auth_lsp.oauth.proxy_refusal import (
    BROKE_OFF,
    SPEAKS_NO_SOCKS,
    Refusal,
    refusal_in_words,
)
from codex_auth_lsp.oauth.tls_refusal import IN_ITS_PLACE, tls_refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import httpx

    from codex_auth_lsp.oauth.network import Proxy

REQUEST_SECONDS = 30.0
"""How long one request may take in all."""

_CONNECT_SECONDS = 10.0
_MAXIMUM_BODY = 1024 * 1024
_BROKEN_OFF = ("Server disconnected", "peer closed connection")  # how httpcore and h11 say it


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of whatever status; header names are lower case. It may hold tokens."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime | None = None


async def post_form(
    url: str, fields: Sequence[tuple[str, str]], *, seconds: float = REQUEST_SECONDS
) -> Reply:
    """Send an `application/x-www-form-urlencoded` body (RFC 6749 appendix B).

    Raises:
        NetworkUnreachable, ProxyError, TlsUntrusted, IssuerResponseInvalid: No usable answer.
    """
    content_type = "application/x-www-form-urlencoded"
    return await _send("POST", url, content_type, urlencode(fields).encode("ascii"), {}, seconds)


async def post_json(
    url: str, payload: Mapping[str, Any], *, seconds: float = REQUEST_SECONDS
) -> Reply:
    """Send a JSON body.

    Raises:
        NetworkUnreachable, ProxyError, TlsUntrusted, IssuerResponseInvalid: No usable answer.
    """
    import json

    body = json.dumps(payload, separators=(",", ":")).encode("utf-8")
    return await _send("POST", url, "application/json", body, {}, seconds)


async def get(url: str, headers: Mapping[str, str], *, seconds: float = REQUEST_SECONDS) -> Reply:
    """Fetch `url`.

    Raises:
        NetworkUnreachable, ProxyError, TlsUntrusted, IssuerResponseInvalid: No usable answer.
    """
    return await _send("GET", url, None, b"", headers, seconds)


async def _send(
    method: str,
    url: str,
    content_type: str | None,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
) -> Reply:
    import httpx
    from socksio.exceptions import SOCKSError

    sent_headers = {
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": f"codex-auth-lsp/{__version__}",
        **({"content-type": content_type} if content_type else {}),
        **headers,
    }
    proxy = proxy_for(url, os.environ)
    way = _Way()
    try:
        async with (
            asyncio.timeout(seconds),
            way,
            await _client(url, proxy, seconds) as client,
            client.stream(
                method, url, content=body, headers=sent_headers, extensions={"trace": way.trace}
            ) as response,
        ):
            received = await _body(response)
            found_headers = dict(response.headers.items())
            return Reply(response.status_code, found_headers, received, SystemClock().now())
    except (TimeoutError, httpx.ReadTimeout) as exc:
        raise _silence(url, proxy, way, seconds) from exc
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as exc:
        raise _translate(exc, url, proxy, way) from exc
    except (SOCKSError, AssertionError) as exc:
        # httpcore 1.0 expects a proxy to speak SOCKS, and takes each of its answers in one read:
        # one that comes in two pieces is no SOCKS to it.
        raise _refused(url, proxy, SPEAKS_NO_SOCKS) from exc
    except (OverflowError, ExceptionGroup):  # a port beyond 65535, which only a proxy's can be
        raise _bad_proxy(proxy) from None


class _Way:
    """How far a request has come: what fails before the way is open is the proxy's doing.

    httpcore 1.0 keeps the connection to a SOCKS proxy open that said no; here it is closed.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._to_proxy: Any = None

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        if self._to_proxy is not None:
            await self._to_proxy.aclose()

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take an event of httpcore; TLS with the issuer begins once a proxy has done its part."""
        if event == "socks.connect_tcp.complete":
            self._to_proxy = info["return_value"]
        elif event in {"proxy.start_tls.started", "socks.start_tls.started"}:
            self.is_open = True
        elif event == "socks.start_tls.complete":
            self._to_proxy = None  # from now on it is the client's


async def _client(url: str, proxy: Proxy | None, seconds: float) -> httpx.AsyncClient:
    import httpx

    if proxy is not None and proxy.problem is not None:
        raise _bad_proxy(proxy)
    verify = await _trusted_authorities(urlsplit(url).scheme)
    try:
        way = None
        if proxy is not None:
            secured = verify if proxy.shown.startswith("https:") else None
            way = httpx.Proxy(proxy.url.reveal(), ssl_context=secured)
        return httpx.AsyncClient(
            follow_redirects=False,
            timeout=httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
            trust_env=False,  # the environment was read already
            proxy=way,
            verify=verify,
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        # The texts of these name the proxy, whose URL may hold a password.
        raise _bad_proxy(proxy) from None


def _bad_proxy(proxy: Proxy | None) -> ProxyError:
    if proxy is None:
        return ProxyError("The request cannot be sent; check the proxy settings.")
    return ProxyError(
        f"The proxy that {proxy.variable} names cannot be used: {proxy.shown} "
        f"{proxy.problem or 'is no address that can be reached'}; set it as in {proxy.example}, "
        "or unset it."
    )


async def _trusted_authorities(scheme: str) -> ssl.SSLContext:
    if scheme == "http":
        # It needs none, and loading them costs 20 ms; an empty context trusts nobody.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    from codex_auth_lsp.oauth.trust import client_context  # truststore is for https alone

    return await asyncio.to_thread(client_context, os.environ)


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAXIMUM_BODY:
            raise IssuerResponseInvalid("The issuer's answer is far too large; try again later.")
    return bytes(body)


def _silence(url: str, proxy: Proxy | None, way: _Way, seconds: float) -> IssuerError:
    time = f"did not answer within {seconds:.0f} seconds"
    if proxy is None or way.is_open:
        through = f", through the proxy {proxy}" if proxy else ""
        return NetworkUnreachable(
            f"{_origin(url)} {time}{through}; check the network connection and try again."
        )
    return ProxyError(
        f"The proxy {proxy} on the way to {_origin(url)} {time}; check the proxy settings."
    )


def _refused(url: str, proxy: Proxy | None, refusal: Refusal) -> ProxyError:
    return ProxyError(
        f"The proxy {proxy or ''} did not let the request to {_origin(url)} through"
        f"{refusal.reason}; {refusal.advice}."
    )


def _translate(exc: Exception, url: str, proxy: Proxy | None, way: _Way) -> IssuerError:
    import httpx

    origin = _origin(url)
    if isinstance(exc, httpx.ProxyError) and proxy is not None:
        return _refused(url, proxy, refusal_in_words(str(exc), proxy))
    causes = _causes(exc)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return tls_refused(origin, proxy, causes, is_by_proxy=not way.is_open)
    if proxy is not None and isinstance(exc, httpx.ConnectError | httpx.ConnectTimeout):
        return ProxyError(
            f"The proxy {proxy} on the way to {origin} could not be reached; check the proxy "
            "settings and the network connection."
        )
    if proxy is not None and not way.is_open:
        return _refused(url, proxy, BROKE_OFF)
    if isinstance(exc, httpx.RemoteProtocolError) and str(exc).startswith(_BROKEN_OFF):
        return NetworkUnreachable(
            f"{origin} ended the connection before its answer was whole; try again."
        )
    if isinstance(exc, httpx.RemoteProtocolError | httpx.DecodingError | httpx.InvalidURL):
        return IssuerResponseInvalid(f"{origin} answered with what is no HTTP; {IN_ITS_PLACE}.")
    return NetworkUnreachable(
        f"{origin} could not be reached; check the network connection and try again."
    )


def _causes(exc: BaseException | None) -> list[BaseException]:
    causes = []
    while exc is not None:
        causes.append(exc)
        exc = exc.__cause__ or exc.__context__
    return causes


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
