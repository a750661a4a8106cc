"""The sandbox under an https address of a name that only the tests' proxy can find.

It runs inside the test: TLS ends in front of it, and requests are handed on as if they came to the
loopback address, where alone a sandbox answers.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.http1 import HttpServer, Limits, Request, Response
from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.sandbox.ledger import Policy
from codex_auth_lsp.sandbox.people import PEOPLE
from codex_auth_lsp.sandbox.state import State

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import trustme

NAME = "issuer.example"


class TlsIssuer:
    """A running one: `url` is what a server is set up with, `loopback` what a browser may open."""

    def __init__(self, url: str, loopback: str, state: State) -> None:
        self.url = url
        self.loopback = loopback
        self.state = state

    def for_browser(self, url: str) -> str:
        """Return an address of the issuer as one that needs neither a proxy nor TLS."""
        assert url.startswith(self.url)
        return self.loopback + url.removeprefix(self.url)

    @classmethod
    @asynccontextmanager
    async def start(cls, authority: trustme.CA, name: str = NAME) -> AsyncIterator[TlsIssuer]:
        """Run it with a certificate of this authority."""
        sandbox: SandboxIssuer | None = None

        async def respond(request: Request) -> Response:
            assert sandbox is not None
            if (request.header("host") or "").partition(":")[0] == name:
                others = tuple(pair for pair in request.headers if pair[0] != "host")
                request = replace(request, headers=(("host", "127.0.0.1"), *others))
            return await sandbox.answer(request)

        server = await HttpServer.start(
            respond, host="127.0.0.1", port=0, limits=Limits(body_bytes=65536), common_headers=()
        )

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner = await asyncio.open_connection("127.0.0.1", server.port)
            await asyncio.gather(
                _copy(reader, inner[1]), _copy(inner[0], writer), return_exceptions=True
            )

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        outer = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        url = f"https://{name}:{outer.sockets[0].getsockname()[1]}"
        clients = frozenset({CODEX_CLIENT_ID})
        state = State(url, SystemClock(), Policy(), PEOPLE, clients)
        sandbox = SandboxIssuer(url, state)
        try:
            async with outer:
                yield cls(url, f"http://127.0.0.1:{server.port}", state)
        finally:
            state.faults.release()
            await server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (OSError, ssl.SSLError):
        pass  # one side went away, which ends the other
    finally:
        writer.close()
