"""The listening socket and its connections: bounded in number, the oldest idle one goes first.

Under a flood the newcomers wait in the kernel's queue while no connection may go: one that has
been taken has had the time to say what it wants, so that a true request among them is heard. One
that has come whole by the time it is taken, and is refused, is answered and closed on the spot: it
takes no place, and a third of the time that others do, so that the queue does not fill.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus

from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.http1.connection import (
    CHUNK,
    Connection,
    Limits,
    RefusedError,
    request_at_once,
)
from codex_auth_lsp.http1.message import Request, Response, encoded

_log = logging.getLogger(__name__)

_CHANCE_SECONDS = 0.02
"""How long a connection may be silent, at least; a browser sends its request at once."""

_QUEUE = 2048  # newcomers, in the kernel, which lets those beyond try again in a second
_AT_A_TIME = 8  # of these, before those that were taken go on

_STEPS = 4  # of the loop, from bytes that have come to a request that is complete

_CLOSE_SECONDS = 1.0  # what is being answered when the server closes
_LISTENER_LIMITS = Limits()

Handler = Callable[[Request], Awaitable[Response]]
Refusal = Callable[[Request], Response | None]


class DropConnectionError(Exception):
    """Raised by a handler to close the connection without an answer."""


class HttpServer:
    """Listens on one address and gives each complete request to the handler.

    `refuse` says first, without waiting, which requests the handler need not see; it may be asked
    about one twice.
    """

    def __init__(
        self,
        handler: Handler,
        limits: Limits,
        common_headers: tuple[tuple[str, str], ...],
        refuse: Refusal | None,
    ) -> None:
        self.port = 0
        self._handler = handler
        self._refuse = refuse
        self._limits = limits
        self._common_headers = common_headers
        self._connections: dict[Connection, asyncio.Task[None]] = {}  # the oldest first
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._fewer = asyncio.Event()
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
        refuse: Refusal | None = None,
    ) -> HttpServer:
        """Listen on the IP address `host`, on a free port where `port` is 0.

        Raises:
            OSError: The port is taken.
        """
        server = cls(handler, limits, common_headers, refuse)
        listening_socket = _bind(host, port)
        server.port = listening_socket.getsockname()[1]
        listening_socket.setblocking(False)
        listening_socket.listen(_QUEUE)
        server._listening = listening_socket
        server._accepting = asyncio.ensure_future(server._accept_all(listening_socket))
        return server

    async def close(self) -> None:
        """Stop listening at once and end every connection; what is being answered has a second."""
        self._closing = True
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        if self._listening is not None:
            self._listening.close()
        for connection in tuple(self._connections):
            if not connection.busy:
                self._drop(connection)
        if self._connections:
            await asyncio.wait(self._connections.values(), timeout=_CLOSE_SECONDS)
        dropped = [self._drop(connection) for connection in tuple(self._connections)]
        if dropped:
            await asyncio.wait(dropped, timeout=_CLOSE_SECONDS)

    async def _accept_all(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in itertools.count(1):
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
            try:
                accepted, peer = await loop.sock_accept(listening)
            except OSError:  # the peer is gone again, or there are no descriptors left
                await asyncio.sleep(_CHANCE_SECONDS)
                continue
            received = b"" if self._refuse is None else _received_by_now(accepted)
            if received and self._is_refused_at_once(accepted, peer, received):
                accepted.close()
                continue
            connection = Connection(accepted, self._limits, received)
            if await self._make_room():
                self._begin(connection)
            else:
                connection.abandon()

    def _is_refused_at_once(
        self, accepted: socket.socket, peer: tuple[str, int], received: bytes
    ) -> bool:
        request = request_at_once(received, peer, self._limits)
        response = self._refusal(request) if request is not None else None
        if request is None or response is None:
            return False
        with suppress(OSError):  # the peer is gone, or takes nothing
            accepted.send(encoded(response, self._common_headers, request.method))
        return True

    def _refusal(self, request: Request) -> Response | None:
        try:
            return self._refuse(request) if self._refuse is not None else None
        except Exception as exc:  # noqa: BLE001 - one bad request must not end the server
            log_defect(_log, exc)
            return Response(500, b"Internal Server Error")

    def _begin(self, connection: Connection) -> None:
        def ended(_: asyncio.Task[None]) -> None:
            connection.abandon()  # a task that is cancelled before its first step opens nothing
            self._connections.pop(connection, None)
            self._fewer.set()

        task = asyncio.ensure_future(self._serve(connection))
        self._connections[connection] = task
        task.add_done_callback(ended)

    async def _make_room(self) -> bool:
        """Return whether there is room for one more, once that can be said."""
        loop = asyncio.get_running_loop()
        suspect = None
        while len(self._connections) >= self._limits.connections:
            idle = [one for one in self._connections if not one.busy]
            if not idle:
                return False
            oldest = next((one for one in idle if one.answered), idle[0])
            patience = min(oldest.heard_since - loop.time(), 0) + _CHANCE_SECONDS
            if oldest.answered or (patience <= 0 and oldest is suspect):
                self._drop(oldest)
                break
            if patience <= 0:
                suspect = oldest
                for _ in range(_STEPS):  # a loop that was late reads first what has come meanwhile
                    await asyncio.sleep(0)
                continue
            self._fewer.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._fewer.wait()
        return True

    def _drop(self, connection: Connection) -> asyncio.Task[None]:
        connection.abort()
        task = self._connections.pop(connection)
        task.cancel()
        return task

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.open()
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
        if refusal := self._refusal(request):
            return refusal
        connection.busy = True
        try:
            return await self._handler(request)
        except DropConnectionError:
            raise
        except Exception as exc:  # noqa: BLE001 - one bad request must not end the server
            log_defect(_log, exc)
            return Response(500, b"Internal Server Error")


def _received_by_now(accepted: socket.socket) -> bytes:
    try:
        return accepted.recv(CHUNK)
    except OSError:  # nothing yet, or the peer is gone
        return b""


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
