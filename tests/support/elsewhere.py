"""A browser on another machine: a network namespace whose loopback interface is not the server's.

Only the issuer is to be seen from there, under its own address, through a socket file that stands
for the network between. Run as a program it is that machine; its stdin names what to open.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from codex_auth_lsp.sandbox.visitor import Visitor

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Connect = Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]

DEADLINE = 20.0
"""Seconds that the person may take there: a ceiling against hangs."""

_CHUNK = 65_536


@dataclass(frozen=True)
class Visit:
    """What came of it: the address of the last page, and whether that page could be loaded."""

    callback_url: str
    arrived: bool


def is_possible() -> bool:
    """Say whether this user may make such a machine."""
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        return False
    return subprocess.run([unshare, "-n", "true"], capture_output=True).returncode == 0


async def visit(folder: Path, authorize_url: str, person: str) -> Visit:
    """Let a person sign in on the other machine, as far as the network lets them."""
    port = urlsplit(authorize_url).port
    wire = folder / "network"
    server = await asyncio.start_unix_server(
        _relay(lambda: asyncio.open_connection("127.0.0.1", port)), wire
    )
    async with server:
        process = await asyncio.create_subprocess_exec(
            "unshare",
            "-n",
            *(sys.executable, __file__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        asked = {"network": str(wire), "port": port, "url": authorize_url, "person": person}
        try:
            stdout, _ = await asyncio.wait_for(
                process.communicate(json.dumps(asked).encode()), DEADLINE
            )
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return Visit(**json.loads(stdout))


async def _machine(network: str, port: int, url: str, person: str) -> Visit:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    connect = _relay(lambda: asyncio.open_unix_connection(network))
    async with await asyncio.start_server(connect, "127.0.0.1", port):
        seen = await Visitor().visit(url, person=person, deliver=False)
        assert seen.callback_url is not None
        try:
            async with httpx.AsyncClient(trust_env=False) as browser:
                await browser.get(seen.callback_url)
        except httpx.ConnectError:
            return Visit(seen.callback_url, arrived=False)
    return Visit(seen.callback_url, arrived=True)


def _relay(connect: Connect) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
    async def pump(reader: StreamReader, writer: StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                writer.write(data)
                await writer.drain()
            writer.write_eof()

    async def relay(reader: StreamReader, writer: StreamWriter) -> None:
        far_reader, far_writer = await connect()
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        for end in (writer, far_writer):
            end.close()

    return relay


if __name__ == "__main__":
    result = asyncio.run(_machine(**json.load(sys.stdin)))
    print(json.dumps({"callback_url": result.callback_url, "arrived": result.arrived}))
