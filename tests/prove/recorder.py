"""A witness in front of a token endpoint: which refresh token was sent, and what came back.

It passes each request on as it came, so it works before any issuer.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx

from codex_auth_lsp.http1 import HttpServer, Limits, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

_LIMITS = Limits(body_bytes=1024 * 1024, connections=256)
_SECONDS = 60.0


@dataclass(slots=True)
class TokenRequest:
    """One request: what was sent, by whom, and what the issuer made of it."""

    number: int
    sent: str
    program: str
    """`ours` or `codex`, by its User-Agent."""
    status: int = 0
    access_token: str | None = None
    refresh_token: str | None = None

    @property
    def rotated(self) -> bool:
        """Whether the issuer gave new tokens for it."""
        return self.status == 200


class Recorder:
    """A running witness.

    `issuer` takes the place of the issuer where that is all about refreshes: a Codex CLI that is
    sent elsewhere by a variable forgets who issued the login (observed on 0.169.0).
    """

    def __init__(self, endpoint: str, http: httpx.AsyncClient, way: Callable[[], float]) -> None:
        self.requests: list[TokenRequest] = []
        """In the order in which they came to the issuer."""
        self.issuer = ""
        self._way = way
        self._endpoint = endpoint
        self._http = http
        self._numbers: Iterator[int] = itertools.count(1)

    @classmethod
    @asynccontextmanager
    async def start(
        cls, endpoint: str, way: Callable[[], float] = lambda: 0.0
    ) -> AsyncIterator[Recorder]:
        """Listen on a free port before an issuer's token endpoint.

        Args:
            endpoint: The token endpoint's URL.
            way: Returns how many seconds a request, or an answer, is on its way.
        """
        async with httpx.AsyncClient(trust_env=False, timeout=_SECONDS) as http:
            recorder = cls(endpoint, http, way)
            server = await HttpServer.start(recorder._pass_on, limits=_LIMITS)
            recorder.issuer = f"http://127.0.0.1:{server.port}"
            try:
                yield recorder
            finally:
                await server.close()

    async def _pass_on(self, request: Request) -> Response:
        await asyncio.sleep(self._way())
        content_type = request.header("content-type") or ""
        agent = request.header("user-agent") or ""
        entry = TokenRequest(
            number=next(self._numbers),
            sent=str(_fields(content_type, request.body).get("refresh_token")),
            program="ours" if agent.startswith("codex-auth-lsp/") else "codex",
        )
        self.requests.append(entry)
        headers = {"content-type": content_type}
        reply = await self._http.post(self._endpoint, content=request.body, headers=headers)
        entry.status = reply.status_code
        if entry.rotated:
            tokens = reply.json()
            entry.access_token = tokens["access_token"]
            entry.refresh_token = tokens["refresh_token"]
        await asyncio.sleep(self._way())
        return Response(reply.status_code, reply.content, reply.headers.get("content-type", ""))


def _fields(content_type: str, body: bytes) -> dict[str, Any]:
    if content_type.startswith("application/json"):
        return dict(json.loads(body))
    return dict(parse_qsl(body.decode("ascii")))


def breaks_in_chain(requests: Sequence[TokenRequest], first: str, last: str) -> list[str]:
    """Return where these requests are not one chain from the first token to the last.

    A chain: each request sends the token that the one before it got, and is answered with another;
    so no token is sent twice, and none is sent that somebody else had spent.
    """
    breaks = []
    current = first
    sent_before: set[str] = set()
    for request in requests:
        if request.sent in sent_before:
            breaks.append(f"request {request.number} sends a token that was sent before")
        elif request.sent != current:
            breaks.append(f"request {request.number} sends a token that is not the newest")
        sent_before.add(request.sent)
        if request.refresh_token is None:
            breaks.append(f"request {request.number} was refused with HTTP {request.status}")
        else:
            current = request.refresh_token
    if current != last:
        breaks.append("what is stored in the end is not the end of the chain")
    return breaks
