"""One connection: strict reading of one request (RFC 9112), writing of one response.

h11 parses; what h11 forgives (bare line feeds, folded lines, repeated lengths, absolute targets)
is refused before it, since two parsers that forgive differently are how requests get smuggled.
"""

from __future__ import annotations

import asyncio
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11

from codex_auth_lsp.http1.message import Request, encoded

if TYPE_CHECKING:
    import socket

    from codex_auth_lsp.http1.message import Response

CHUNK = 16 * 1024
"""How much is read at once, and held unread, in bytes."""

_WRITE_SECONDS = 10.0  # for a peer that reads slowly or not at all
_LINGER_SECONDS = 1.0  # an early close would reset the connection and lose the answer in flight

_REQUEST_LINE = re.compile(rb"[!#-'*+.0-9A-Z^-z|~-]+ /[!\"$-~]* HTTP/1\.[01]")
_NOT_IN_A_HEAD = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?=[^\n])|\n[ \t]")
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([^\r]*)", re.IGNORECASE)
_TRANSFER_ENCODING = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server bears; the defaults are those of a listener that takes no bodies."""

    head_bytes: int = 16 * 1024
    body_bytes: int = 0
    connections: int = 32
    head_seconds: float = 5.0
    body_seconds: float = 10.0


class RefusedError(Exception):
    """What came is not a request that this server takes; `status` is the answer to it."""

    def __init__(self, status: int) -> None:
        self.status = status


class Connection:
    """One connection's bytes; `busy` from its complete request until its answer is out.

    `answered` from then on, while the peer has not closed.
    """

    def __init__(self, accepted: socket.socket, limits: Limits, received: bytes = b"") -> None:
        self.busy = False
        self.answered = False
        self.heard_since = math.inf  # until it is open nobody can have been heard
        self._socket = accepted
        self._received = received
        self._reader = asyncio.StreamReader(limit=CHUNK)
        self._writer: asyncio.StreamWriter  # once it is open
        self._is_open = False
        self._limits = limits
        self._h11 = _parser(limits)
        self._method = ""

    async def open(self) -> None:
        """Begin to read."""
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_accepted_socket(
            lambda: asyncio.StreamReaderProtocol(self._reader), self._socket
        )
        self._writer = asyncio.StreamWriter(transport, protocol, self._reader, loop)
        self._is_open = True
        self.heard_since = loop.time()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._is_open:
            self._writer.transport.abort()

    def abandon(self) -> None:
        """Close what was never opened, when nobody will."""
        if not self._is_open:
            self._socket.close()

    async def read_request(self) -> Request:
        """Return the one request of this connection.

        Raises:
            RefusedError: It is not one that this server takes.
            OSError: The peer is gone, or too slow (TimeoutError).
        """
        async with asyncio.timeout(self._limits.head_seconds):
            head, rest = await self._read_head()
        _check_framing(head, self._limits.body_bytes)
        try:
            event = _parsed(self._h11, head + rest)
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._read_body()
        except h11.RemoteProtocolError:
            raise RefusedError(400) from None
        request = _request(event, body, self._writer.get_extra_info("peername"))
        self._method = request.method
        return request

    async def _read_head(self) -> tuple[bytes, bytes]:
        received, seen = bytearray(self._received), 0
        while not (stop := _end_of_head(received, seen, self._limits)):
            seen = len(received)
            received += await self._read()
        return bytes(received[:stop]), bytes(received[stop:])

    async def _read_body(self) -> bytes:
        body = bytearray()
        while not isinstance(event := self._h11.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                if self._h11.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(status_code=100, headers=[])
                    self._writer.write(self._h11.send(go_on) or b"")
                self._h11.receive_data(await self._read())
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._limits.body_bytes:
                    raise RefusedError(413)
        return bytes(body)

    async def _read(self) -> bytes:
        data = await self._reader.read(CHUNK)
        if not data:
            raise RefusedError(400)
        return data

    async def write(self, response: Response, common_headers: tuple[tuple[str, str], ...]) -> None:
        """Send the answer and the end of the stream.

        Raises:
            OSError: The peer is gone, or too slow (TimeoutError).
        """
        self._writer.transport.set_write_buffer_limits(high=0)
        self._writer.write(encoded(response, common_headers, self._method))
        async with asyncio.timeout(_WRITE_SECONDS):
            await self._writer.drain()
        self._writer.write_eof()
        self.busy, self.answered = False, True

    async def linger(self) -> None:
        """Discard what the peer still sends until it has seen the answer and closes."""
        async with asyncio.timeout(_LINGER_SECONDS):
            while await self._reader.read(CHUNK):
                pass


def request_at_once(received: bytes, peer: tuple[str, int], limits: Limits) -> Request | None:
    """Return the request that these bytes are and no more, None where a connection has to see."""
    try:
        if _end_of_head(received, 0, limits) != len(received):
            return None
        _check_framing(received, body_bytes=0)
        return _request(_parsed(_parser(limits), received), b"", peer)
    except (RefusedError, h11.RemoteProtocolError):
        return None


def _parser(limits: Limits) -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)


def _parsed(parser: h11.Connection, received: bytes) -> h11.Request:
    parser.receive_data(received)
    event = parser.next_event()
    if not isinstance(event, h11.Request):
        raise RefusedError(400)
    return event


def _request(event: h11.Request, body: bytes, peer: tuple[str, int]) -> Request:
    path, _, query = event.target.decode("ascii").partition("?")
    headers = tuple(
        (name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers
    )
    return Request(event.method.decode("ascii"), path, query, headers, body, (peer[0], peer[1]))


def _end_of_head(received: bytes | bytearray, seen: int, limits: Limits) -> int:
    """Return the length of the head, 0 while it has not ended; `seen` bytes were found in order."""
    end = received.find(b"\r\n\r\n", max(seen - 3, 0), limits.head_bytes)
    stop = end + 4 if end >= 0 else len(received)
    line, line_end, _ = received.partition(b"\r\n")
    if line_end and not _REQUEST_LINE.fullmatch(line):
        raise RefusedError(400)
    if _NOT_IN_A_HEAD.search(received, max(seen - 1, 0), stop):
        raise RefusedError(400)
    if end >= 0:
        return stop
    if len(received) >= limits.head_bytes:
        raise RefusedError(431 if line_end else 414)
    return 0


def _check_framing(head: bytes, body_bytes: int) -> None:
    """Refuse bodies of unclear or excessive length (RFC 9112 section 6.3, 11.2)."""
    lengths = _CONTENT_LENGTH.findall(head)
    chunked = _TRANSFER_ENCODING.search(head) is not None
    if len(lengths) > 1 or (chunked and (lengths or not body_bytes)):
        raise RefusedError(400)
    for length in (value.strip() for value in lengths):
        if not length.isdigit():
            raise RefusedError(400)
        if len(length) > 18 or int(length) > body_bytes:
            raise RefusedError(413)
