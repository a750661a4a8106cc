"""Odd HTTP: requests to the loopback listener, and answers of an issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from codex_auth_lsp.oauth.http import Reply
from fuzz.logins import jwt
from fuzz.values import MARKER, altered, json_bytes, json_value, nested, pumped, spoiled, text

if TYPE_CHECKING:
    from random import Random

_METHODS = (b"GET", b"GET", b"GET", b"GET", b"HEAD", b"POST", b"OPTIONS", b"get", b"PUT", b"X" * 50)
_PATHS = (
    "/auth/callback", "/auth/callback", "/auth/callback", "/auth/callback/", "/AUTH/callback",
    "/auth//callback", "/auth/%63allback", "/", "*", "/success", "/cancel", "/signed-in/x",
    "http://evil.example/auth/callback", "/auth/callback;x", "/../auth/callback", "//evil.example",
)  # fmt: skip
_VERSIONS = (b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"")
_HEADERS = (
    b"Origin: https://evil.example", b"Sec-Fetch-Mode: no-cors", b"Sec-Fetch-Mode: navigate",
    b"Sec-Fetch-Dest: image", b"Sec-Fetch-Dest: document", b"Sec-Purpose: prefetch", b"Purpose: x",
    b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 99999999999",
    b"Transfer-Encoding: chunked", b"Connection: keep-alive", b"Upgrade: h2c", b" folded",
    b"Cookie: a=b", b"X-Long: " + b"y" * 2_000, b"Expect: 100-continue", b"NoColon", b": empty",
)  # fmt: skip


def callback(rng: Random, port: int) -> bytes:
    """Return a request to the listener that is no true redirect: its state is never right."""
    pairs = [
        (name, rng.choice((text(rng), MARKER, "x" * 43)))
        for name in rng.choices(("code", "state", "error", "error_description", "iss", "x"), k=4)
    ]
    encode = rng.random() < 0.8
    query = urlencode(pairs, errors="replace") if encode else "&".join(f"{k}={v}" for k, v in pairs)
    target = (
        f"{rng.choice(_PATHS)}?{query}"
        if rng.random() < 0.9
        else quote(text(rng), errors="replace")
    )
    host = rng.choice(
        (f"127.0.0.1:{port}",) * 6 + (f"localhost:{port}", "evil.example", "", "127.0.0.1")
    )
    headers = [b"Host: " + host.encode(), *rng.choices(_HEADERS, k=rng.randrange(4))]
    if rng.random() < 0.1:
        headers.pop(0)
    line = b" ".join(
        (rng.choice(_METHODS), target.encode("utf-8", "replace"), rng.choice(_VERSIONS))
    )
    request = b"\r\n".join((line, *headers, b"", b""))
    return spoiled(rng, request) if rng.random() < 0.2 else request


_BODIES: tuple[dict[str, Any], ...] = (
    {"access_token": "T", "id_token": "T", "refresh_token": MARKER, "expires_in": 3600,
     "token_type": "Bearer", "scope": "openid"},
    {"error": "invalid_grant", "error_description": "It is over."},
    {"error": {"code": "refresh_token_reused", "message": "It is over.", "type": "x"}},
    {"error": {"code": "deviceauth_authorization_unknown"}},
    {"device_auth_id": MARKER, "user_code": "ABCD-EFGH", "usercode": "ABCD-EFGH", "interval": "5",
     "expires_at": "2030-01-01T00:00:00Z"},
    {"authorization_code": MARKER, "code_challenge": "c" * 43, "code_verifier": "v" * 43},
    {"device_code": MARKER, "user_code": "ABCD", "verification_uri": "https://issuer.example/d",
     "verification_uri_complete": "https://issuer.example/d?c=ABCD", "expires_in": 600,
     "interval": 5},
    {"issuer": "https://issuer.example", "authorization_endpoint": "https://issuer.example/a",
     "token_endpoint": "https://issuer.example/t", "jwks_uri": "https://issuer.example/k",
     "revocation_endpoint": "https://issuer.example/r", "response_types_supported": ["code"],
     "device_authorization_endpoint": "https://issuer.example/d",
     "code_challenge_methods_supported": ["S256"], "scopes_supported": ["openid"],
     "authorization_response_iss_parameter_supported": True},
)  # fmt: skip
_STATUSES = (200, 200, 200, 201, 204, 301, 302, 400, 401, 403, 404, 409, 429, 500, 502, 503, 599)


def answer(rng: Random) -> Reply:
    """Return an answer of an issuer to any question, mostly with something wrong in it."""
    headers: dict[str, str] = {}
    if rng.random() < 0.7:
        headers["content-type"] = rng.choice(("application/json", "text/html", text(rng)))
    if rng.random() < 0.3:
        headers["retry-after"] = rng.choice(
            ("5", "-5", "9" * 30, "Wed, 21 Oct 2015 07:28:00 GMT", text(rng))
        )
    if rng.random() < 0.3:
        headers["date"] = rng.choice(("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 99 Foo", text(rng)))
    return Reply(rng.choice(_STATUSES), headers, _body(rng))


def _body(rng: Random) -> bytes:
    kind = rng.random()
    if kind < 0.03:
        return nested(rng)
    if kind < 0.08:
        return json_bytes(rng, json_value(rng))
    if kind < 0.09:
        return json_bytes(rng, {"keys": [_key(rng) for _ in range(rng.randrange(1, 4))]})
    if kind < 0.092:
        return pumped(rng, json_bytes(rng, rng.choice(_BODIES)), 1_000_000)
    body: Any = dict(rng.choice(_BODIES))
    for name in ("access_token", "id_token"):
        if name in body:
            body[name] = jwt(rng).decode("ascii", "replace")
    for _ in range(rng.randrange(3)):
        body = altered(rng, body)
    return json_bytes(rng, body)


def _key(rng: Random) -> Any:
    """Return a key of an issuer: public or private, of any size, or spoilt."""
    number = "A" * rng.choice((1, 43, 86, 342, 683, 2_700, 20_000)) + "Q"
    kind = rng.choice((
        {"kty": "RSA", "n": number, "e": rng.choice(("AQAB", "Aw", number))},
        {"kty": "RSA", "n": number, "e": "AQAB", "d": number},
        {"kty": "RSA", "n": number, "e": "AQAB", "d": number, "p": "Aw", "q": "BQ", "oth": []},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": number},
        {"kty": "OKP", "crv": "Ed25519", "x": number},
        {"kty": "oct", "k": number},
    ))  # fmt: skip
    return altered(rng, {"kid": "1", "use": "sig", **kind})
