"""The listening socket and its connections: bounded in number, the oldest idle one goes first."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.http1.connection import CHUNK, Connection, Limits, RefusedError
from codex_auth_lsp.http1.message import Request, Response

_log = logging.getLogger(__name__)

_CLOSE_SECONDS = 1.0  # what is being answered when the server closes
_LISTENER_LIMITS = Limits()

Handler = Callable[[Request], Awaitable[Response]]


class DropConnectionError(Exception):
    """Raised by a handler to close the connection without an answer."""


class HttpServer:
    """Listens on one address and gives each complete request to the handler."""

    def __init__(
        self, handler: Handler, limits: Limits, common_headers: tuple[tuple[str, str], ...]
    ) -> None:
        self.port = 0
        self._handler = handler
        self._limits = limits
        self._common_headers = common_headers
        self._connections: dict[Connection, asyncio.Task[None]] = {}  # the oldest first
        self._server: asyncio.Server | None = None
        self._closing = False

    @classmethod
    async def start(
        cls,
        handler: Handler,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        limits: Limits = _LISTENER_LIMITS,
        common_headers: tuple[tuple[str, str], ...] = (),
    ) -> HttpServer:
        """Listen on the IP address `host`, on a free port where `port` is 0.

        Raises:
            OSError: The port is taken.
        """
        server = cls(handler, limits, common_headers)
        listening_socket = _bind(host, port)
        server.port = listening_socket.getsockname()[1]
        try:
            server._server = await asyncio.start_server(
                server._accept, sock=listening_socket, limit=CHUNK
            )
        except BaseException:
            listening_socket.close()
            raise
        return server

    async def close(self) -> None:
        """Stop listening at once and end every connection; what is being answered has a second."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            if not connection.busy:
                self._drop(connection)
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=_CLOSE_SECONDS)
        dropped = [self._drop(connection) for connection in tuple(self._connections)]
        if dropped:
            await asyncio.wait(dropped, timeout=_CLOSE_SECONDS)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer, self._limits)
        if len(self._connections) >= self._limits.connections:
            idle = next((one for one in self._connections if not one.busy), None)
            if idle is None:
                connection.abort()
                return
            self._drop(idle)
        task = asyncio.ensure_future(self._serve(connection))
        self._connections[connection] = task
        task.add_done_callback(lambda _: self._connections.pop(connection, None))

    def _drop(self, connection: Connection) -> asyncio.Task[None]:
        # A task that is cancelled before its first step runs no `finally`: abort here as well.
        connection.abort()
        task = self._connections.pop(connection)
        task.cancel()
        return task

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.write(await self._response(connection), self._common_headers)
            if not self._closing:
                await connection.linger()
        except (OSError, DropConnectionError):
            pass  # the peer is gone or too slow (TimeoutError), or the handler wants it so
        except Exception as exc:  # noqa: BLE001 - the traceback's text could hold what was sent
            log_defect(_log, exc)
        finally:
            connection.abort()

    async def _response(self, connection: Connection) -> Response:
        try:
            request = await connection.read_request()
        except RefusedError as exc:
            return Response(exc.status, HTTPStatus(exc.status).phrase.encode("ascii"))
        connection.busy = True
        try:
            return await self._handler(request)
        except DropConnectionError:
            raise
        except Exception as exc:  # noqa: BLE001 - one bad request must not end the server
            log_defect(_log, exc)
            return Response(500, b"Internal Server Error")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # There SO_REUSEADDR would let another process take the port from us.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound
