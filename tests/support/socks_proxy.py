"""A SOCKS5 proxy (RFC 1928, RFC 1929): forwards, asks for a password, refuses, or falls silent.

Every host name is this machine, so that a test needs no name server, and no test passes by going
past the proxy.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_NO_LOGIN, _PASSWORD, _NO_METHOD = 0, 2, 0xFF
_IPV4, _NAME, _IPV6 = 1, 3, 4
_SUCCEEDED = 0


@dataclass
class SocksProxy:
    """A running one: what it is to do, and what it was asked for."""

    port: int = 0
    login: tuple[str, str] | None = None
    """The user name and password that it asks for."""
    reply: int = _SUCCEEDED
    """Its answer to `CONNECT`: 2 is a rule, 5 a connection that was refused."""
    says_instead: bytes | None = None
    """What it says in the place of the first answer, and then ends; empty for nothing at all."""
    silent_after: int | None = None
    """After how many answers it says no more, and keeps the connection."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    """The targets, as they were named."""
    logins: list[tuple[str, str]] = field(default_factory=list)
    """Who logged in, or tried to."""

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[SocksProxy]:
        """Listen on a free port for the time of a block."""
        proxy = cls()
        connections: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(proxy._serve(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        listening = await asyncio.start_server(accept, "127.0.0.1", 0)
        proxy.port = listening.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            listening.close()
            for task in tuple(connections):
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await self._greet(reader, writer):
                await self._connect(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side went away
        finally:
            writer.close()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Agree on who logs in; say whether that worked."""
        _, count = await reader.readexactly(2)
        methods = await reader.readexactly(count)
        if self.says_instead is not None:
            writer.write(self.says_instead)
            return False
        await self._pause(0)
        wanted = _NO_LOGIN if self.login is None else _PASSWORD
        if wanted not in methods:
            writer.write(bytes([5, _NO_METHOD]))
            return False
        writer.write(bytes([5, wanted]))
        await self._pause(1)
        if self.login is None:
            return True
        await reader.readexactly(1)
        user, password = [await _text(reader), await _text(reader)]
        self.logins.append((user, password))
        known = (user, password) == self.login
        writer.write(bytes([1, 0 if known else 1]))
        return known

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, _, _, kind = await reader.readexactly(4)
        if kind == _NAME:
            host = await _text(reader)
        else:
            packed = await reader.readexactly(4 if kind == _IPV4 else 16)
            host = str(ipaddress.ip_address(packed))
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        self.asked.append((host, port))
        answer = bytes([5, self.reply, 0, _IPV4, 0, 0, 0, 0, 0, 0])
        if self.reply != _SUCCEEDED:
            writer.write(answer)
            return
        inner = await asyncio.open_connection("127.0.0.1", port)
        writer.write(answer)
        await asyncio.gather(_copy(reader, inner[1]), _copy(inner[0], writer))

    async def _pause(self, answers: int) -> None:
        if self.silent_after == answers:
            await asyncio.Event().wait()


async def _text(reader: asyncio.StreamReader) -> str:
    (length,) = await reader.readexactly(1)
    return (await reader.readexactly(length)).decode()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # one side went away, which ends the other
    finally:
        writer.close()
