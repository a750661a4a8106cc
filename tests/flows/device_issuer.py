"""A strict issuer that speaks RFC 8628, with an answer for each question that a test scripts."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from codex_auth_lsp.http1 import DropConnectionError, HttpServer, Limits, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DROP: Any = object()
"""In the place of an answer: the connection breaks off."""


@dataclass
class DeviceIssuer:
    """What it says of itself, of a code and to each question; and what it was asked."""

    url: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    grant: dict[str, Any] = field(default_factory=dict)
    answers: list[Any] = field(default_factory=list)
    """`(status, body)` or `DROP`, in their order."""
    authorizations: list[dict[str, str]] = field(default_factory=list)
    questions: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[DeviceIssuer]:
        """Listen on a free port for the time of a block."""
        issuer = cls()
        server = await HttpServer.start(issuer._respond, limits=Limits(body_bytes=65_536))
        issuer.url = url = f"http://127.0.0.1:{server.port}"
        issuer.metadata = {
            "issuer": url,
            "device_authorization_endpoint": f"{url}/device/authorize",
            "token_endpoint": f"{url}/oauth/token",
        }
        issuer.grant = {
            "device_code": "device-code-of-the-tests",
            "user_code": "WDJB-MJHT",
            "verification_uri": f"{url}/device",
            "verification_uri_complete": f"{url}/device?user_code=WDJB-MJHT",
            "expires_in": 600,
        }
        try:
            yield issuer
        finally:
            await server.close()

    async def _respond(self, request: Request) -> Response:
        if request.path == "/.well-known/openid-configuration":
            return _json(200, self.metadata)
        form = dict(parse_qsl((request.body or b"").decode()))
        if (request.method, request.path) == ("POST", "/device/authorize"):
            self.authorizations.append(form)
            return _json(200, self.grant)
        if (request.method, request.path) == ("POST", "/oauth/token"):
            self.questions.append(form)
            answer = self.answers.pop(0)
            if answer is DROP:
                raise DropConnectionError
            return _json(*answer)
        return _json(404, {})


def _json(status: int, body: Any) -> Response:
    return Response(status, json.dumps(body).encode(), "application/json")
