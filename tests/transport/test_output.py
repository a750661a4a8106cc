"""What is on its way to a client, in a real pipe."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, BinaryIO

import pytest

from codex_auth_lsp.transport import output
from codex_auth_lsp.transport.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_TIME = 10.0
"""Seconds that nothing here may take."""


class Client:
    """The end of a pipe that reads, and what its other end was told."""

    def __init__(self, descriptor: int, pipe: BinaryIO) -> None:
        self.descriptor = descriptor
        self._pipe = pipe
        self.ends: list[str] = []
        self.ended = asyncio.Event()
        self.rooms = 0

    async def open(self) -> Output:
        return await Output.open(self._pipe, self._end, self._room, is_read_too=False)

    def _end(self, reason: str) -> None:
        self.ends.append(reason)
        self.ended.set()

    def _room(self) -> None:
        self.rooms += 1


@pytest.fixture
async def client() -> Iterator[Client]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as pipe:
        yield Client(reading, pipe)


async def test_more_than_may_ever_wait_is_the_end_at_once(client, monkeypatch):
    """(W17) Nobody reads, and nothing but late answers and notifications comes: bounded as well."""
    monkeypatch.setattr(output, "FULL_BYTES", 1000)
    monkeypatch.setattr(output, "UNREAD_BYTES", 100_000)
    out = await client.open()
    out.write(bytes(100_000))
    before = (list(client.ends), out.is_full)
    out.write(bytes(100_000))

    assert before == ([], True)
    assert client.ends == ["the client does not read what it is sent"]
    os.close(client.descriptor)


async def test_client_that_reads_again_makes_room_once(client, monkeypatch):
    """What waited for room goes on when everything was taken."""
    monkeypatch.setattr(output, "FULL_BYTES", 1000)
    out = await client.open()
    out.write(bytes(100_000))
    full = out.is_full
    flushed = asyncio.ensure_future(out.flush(IN_TIME))
    taken = 0
    while taken < 100_000:
        taken += len(await asyncio.to_thread(os.read, client.descriptor, 65536))
    await flushed

    assert (full, out.is_full, client.rooms, client.ends) == (True, False, 1, [])
    os.close(client.descriptor)


async def test_closed_end_of_the_client_is_told(client):
    """(W15) Also while nothing is written."""
    await client.open()
    os.close(client.descriptor)
    async with asyncio.timeout(IN_TIME):
        await client.ended.wait()

    assert client.ends == ["the client closed its end"]
