"""HTTP to the issuer: the only module that imports httpx.

Promises: TLS is always verified, no redirect is followed, an answer of more than 1 MiB is refused
before it is taken, every call ends within its deadline, loopback is never reached through a proxy,
and what fails becomes an `IssuerError`. Bodies and URLs are never logged.
httpx is imported at the first call: it costs 40 ms that a window's start does not have.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from codex_auth_lsp import __version__
from codex_auth_lsp.domain.issuer import is_loopback
from codex_auth_lsp.errors import (
    IssuerError,
    IssuerResponseInvalid,
    NetworkUnreachable,
    ProxyError,
    TlsUntrusted,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

REQUEST_SECONDS = 30.0
"""How long one request may take in all."""

_CONNECT_SECONDS = 10.0
_BAD_PROXY = (
    "The proxy that ALL_PROXY, HTTPS_PROXY or HTTP_PROXY names cannot be used; "
    "set an http or https proxy there, or none."
)
_MAXIMUM_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of whatever status; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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

    sent_headers = {
        "accept": "*/*",
        "accept-encoding": "identity",
        "user-agent": f"codex-auth-lsp/{__version__}",
        **({"content-type": content_type} if content_type else {}),
        **headers,
    }
    client = _client(url, seconds)
    try:
        async with (
            asyncio.timeout(seconds),
            client,
            client.stream(method, url, content=body, headers=sent_headers) as response,
        ):
            return Reply(
                response.status_code, dict(response.headers.items()), await _body(response)
            )
    except TimeoutError as exc:
        raise NetworkUnreachable(
            f"{_origin(url)} did not answer within {seconds:.0f} seconds."
        ) from exc
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as exc:
        raise _translate(exc, url) from exc
    except (OverflowError, ExceptionGroup):  # a port beyond 65535, which only a proxy's can be
        raise ProxyError(_BAD_PROXY) from None


def _client(url: str, seconds: float) -> httpx.AsyncClient:
    import httpx

    parts = urlsplit(url)
    verify = _trusted_authorities(parts.scheme)
    try:
        return httpx.AsyncClient(
            follow_redirects=False,
            timeout=httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
            trust_env=not is_loopback(parts.hostname or ""),  # which is about proxies alone here
            verify=verify,
        )
    except (ValueError, ImportError, httpx.InvalidURL):
        # The texts of these name the proxy, whose URL may hold a password.
        raise ProxyError(_BAD_PROXY) from None


def _trusted_authorities(scheme: str) -> ssl.SSLContext:
    import httpx

    if scheme == "http":
        # It needs none, and loading them costs 20 ms; an empty context trusts nobody.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.create_ssl_context()
    except OSError as exc:
        raise TlsUntrusted(
            "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
        ) from exc


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAXIMUM_BODY:
            raise IssuerResponseInvalid("The issuer's answer is far too large.")
    return bytes(body)


def _translate(exc: Exception, url: str) -> IssuerError:
    import httpx

    origin = _origin(url)
    if isinstance(exc, httpx.ProxyError):
        return ProxyError(f"The proxy did not let the request to {origin} through.")
    causes = _causes(exc)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return TlsUntrusted(
            f"The certificate of {origin} is not trusted by this machine; where a proxy "
            "inspects traffic, name its certificate in SSL_CERT_FILE."
        )
    if isinstance(exc, httpx.RemoteProtocolError | httpx.DecodingError | httpx.InvalidURL):
        return IssuerResponseInvalid(f"{origin} ended the connection without an answer.")
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
