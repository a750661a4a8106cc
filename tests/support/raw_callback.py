"""Raw bytes to the loopback listener, as an attacker or a broken program would send them.

No HTTP library stands between a test and the socket, so every malformed request can be made.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

CALLBACK_PORTS = (1455, 1457)
"""The two ports that are registered with OpenAI's issuer."""

DEADLINE = 10.0
"""Seconds until a listener that neither answers nor closes counts as hanging."""

LOOK_AGAIN = 0.02
"""Seconds between two looks at a port."""


@dataclass(frozen=True, slots=True)
class RawResponse:
    """What came back before the listener closed the connection.

    `status` is `None` where it closed without an answer that is HTTP.
    """

    status: int | None
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes

    def header(self, name: str) -> str | None:
        """Return one header's value, found without case."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    @property
    def refused(self) -> bool:
        """Whether the request was refused: a 4xx, or the connection closed without a word."""
        return self.status is None or 400 <= self.status < 500


async def exchange(port: int, data: bytes, *, host: str = "127.0.0.1") -> RawResponse:
    """Send these bytes and return all that comes back until the listener closes."""
    return parse(await exchange_bytes(port, data, host=host))


async def exchange_bytes(port: int, data: bytes, *, host: str = "127.0.0.1") -> bytes:
    """Send these bytes and return the bytes that come back until the listener closes."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), DEADLINE)
    try:
        received = bytearray()

        async def read() -> None:
            while chunk := await reader.read(65536):
                received.extend(chunk)

        reading = asyncio.create_task(read())
        try:
            writer.write(data)
            await asyncio.wait_for(writer.drain(), DEADLINE)
        except (ConnectionError, TimeoutError):
            pass  # it closed before it had read everything, as it may
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(reading, DEADLINE)
        return bytes(received)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def parse(raw: bytes) -> RawResponse:
    """Read an HTTP response leniently."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ", 2)
    if not words[0].startswith("HTTP/") or len(words) < 2 or not words[1].isdigit():
        return RawResponse(None, (), b"", raw)
    headers = tuple(
        (name.strip(), value.strip())
        for name, _, value in (line.partition(":") for line in lines[1:])
    )
    return RawResponse(int(words[1]), headers, body, raw)


def target(callback_url: str) -> str:
    """Return path and query of a callback URL, as they stand in a request line."""
    parts = urlsplit(callback_url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def port_of(callback_url: str) -> int:
    """Return the port of a callback URL."""
    port = urlsplit(callback_url).port
    assert port is not None
    return port


def request(
    target: str,
    port: int,
    *,
    method: str = "GET",
    host: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    version: str = "HTTP/1.1",
    body: bytes = b"",
) -> bytes:
    """Build a request as a browser would send it, with what a test wants changed."""
    lines = [f"{method} {target} {version}", f"Host: {host or f'127.0.0.1:{port}'}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


NAVIGATION = (
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Sec-Fetch-User", "?1"),
    ("Sec-Fetch-Dest", "document"),
    ("Upgrade-Insecure-Requests", "1"),
)
"""What a browser adds when the issuer's page redirects the person to the callback."""


async def deliver(callback_url: str) -> RawResponse:
    """Deliver a callback as the person's browser does: a top-level navigation."""
    port = port_of(callback_url)
    return await exchange(port, request(target(callback_url), port, headers=NAVIGATION))


async def is_listening(port: int, *, host: str = "127.0.0.1") -> bool:
    """Return whether something accepts connections on this port."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), DEADLINE)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return True


async def until_closed(port: int) -> None:
    """Wait until nothing accepts connections on this port any more."""
    deadline = time.monotonic() + DEADLINE
    while await is_listening(port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"port {port} is still open")
        await asyncio.sleep(LOOK_AGAIN)


def occupy(port: int) -> socket.socket:
    """Take a port as another program would, and hold it until the socket is closed."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", port))
    holder.listen()
    return holder
