"""An issuer that takes forms alone (RFC 6749, RFC 7009), on OpenAI's routes or on its own.

It is the sandbox inside the test, behind a door that refuses JSON and notes what was asked at the
token and revocation endpoints.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.http1 import HttpServer, Limits, Request, Response
from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.sandbox.ledger import Policy
from codex_auth_lsp.sandbox.metadata import METADATA_PATH
from codex_auth_lsp.sandbox.people import PEOPLE
from codex_auth_lsp.sandbox.state import State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPENAI_ROUTES = {
    "authorization_endpoint": "/oauth/authorize",
    "token_endpoint": "/oauth/token",
    "revocation_endpoint": "/oauth/revoke",
}
OWN_ROUTES = {
    "authorization_endpoint": "/connect/authorize",
    "token_endpoint": "/connect/token",
    "revocation_endpoint": "/connect/revocation",
}

JSON, FORM = "json", "form"

_UNSUPPORTED = Response(415, b"this takes forms alone")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request at the token or the revocation endpoint, or where those might have been."""

    path: str
    body: str
    """`json` or `form`."""
    status: int
    fields: dict[str, str] = field(repr=False)

    @property
    def what(self) -> tuple[str, str, int]:
        return self.path, self.body, self.status


@dataclass
class FormIssuer:
    """A running one."""

    url: str
    routes: dict[str, str]
    state: State
    asked: list[Asked] = field(default_factory=list)
    refusal: Response = _UNSUPPORTED
    """The answer to JSON."""
    answers: list[Response] = field(default_factory=list)
    """The next answers to forms, in the place of its own."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Members of the metadata that are other than they should be."""

    @classmethod
    @asynccontextmanager
    async def start(cls, routes: dict[str, str]) -> AsyncIterator[FormIssuer]:
        """Listen on a free port for the time of a block."""
        issuer: FormIssuer | None = None
        sandbox: SandboxIssuer | None = None

        async def respond(request: Request) -> Response:
            assert issuer is not None
            assert sandbox is not None
            return await issuer._respond(request, sandbox)

        server = await HttpServer.start(respond, limits=Limits(body_bytes=65_536))
        url = f"http://127.0.0.1:{server.port}"
        state = State(url, SystemClock(), Policy(), PEOPLE, frozenset({CODEX_CLIENT_ID}))
        sandbox, issuer = SandboxIssuer(url, state), cls(url, routes, state)
        try:
            yield issuer
        finally:
            state.faults.release()
            await server.close()

    def forget(self) -> None:
        """Begin to note anew."""
        self.asked.clear()

    async def _respond(self, request: Request, sandbox: SandboxIssuer) -> Response:
        if request.path == METADATA_PATH:
            document = json.loads((await sandbox.answer(request)).body)
            document |= {name: self.url + path for name, path in self.routes.items()}
            return _json(200, document | self.metadata)
        is_back_channel = request.method == "POST" and (
            request.path in self.routes.values() or request.path in OPENAI_ROUTES.values()
        )
        if not is_back_channel:
            return await sandbox.answer(self._translated(request))
        response = await self._back_channel(request, sandbox)
        is_json = (request.header("content-type") or "").startswith("application/json")
        pairs = json.loads(request.body) if is_json else parse_qsl(request.body.decode())
        body = JSON if is_json else FORM
        self.asked.append(Asked(request.path, body, response.status, dict(pairs)))
        return response

    async def _back_channel(self, request: Request, sandbox: SandboxIssuer) -> Response:
        if request.path not in self.routes.values():
            return Response(404)
        if request.header("content-type") != "application/x-www-form-urlencoded":
            return self.refusal
        if self.answers:
            return self.answers.pop(0)
        return await sandbox.answer(self._translated(request))

    def _translated(self, request: Request) -> Request:
        """Return the request as the sandbox knows it."""
        names = {path: name for name, path in self.routes.items()}
        if request.path not in names:
            return request
        return replace(request, path=OPENAI_ROUTES[names[request.path]])


def refusal(status: int, error: str) -> Response:
    """Return an error of RFC 6749 section 5.2."""
    return _json(status, {"error": error})


def _json(status: int, body: Any) -> Response:
    return Response(status, json.dumps(body).encode(), "application/json")
