"""Requests to the redirect listener of a sign-in that waits, in the real language server."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from codex_auth_lsp.sandbox.visitor import Visitor
from fuzz import http_answers
from fuzz.found import Found, resident_bytes
from fuzz.values import MARKER
from support.lsp_client import LanguageClient
from support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_AT_ONCE = 8
"""Connections at a time: fewer than the 32 that the listener holds, so that none is dropped."""

_LOGIN_SECONDS = 1800
_SECONDS = 10.0  # for one request; it is judged by less
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_REFUSALS = range(400, 600)


async def run(seeds: Sequence[str], folder: Path) -> Found:
    """Send a request for each seed to one sign-in, which the person then finishes."""
    found, begun = Found(), time.monotonic()
    (folder / "codex").mkdir(mode=0o700, exist_ok=True)
    sandbox = await asyncio.to_thread(Sandbox.start, folder)
    client = await LanguageClient.start(
        folder, home=folder / "codex", issuer=sandbox.issuer, log_level="WARNING"
    )
    try:
        await client.initialize()
        login = await client.start_request(
            "auth/login", {"method": "browser", "timeoutSeconds": _LOGIN_SECONDS}
        )
        prompt = (await client.wait_for("auth/loginPrompt")).params
        port = int(prompt["callbackPort"])
        before = await _all(seeds, port, client.process.pid, found)
        found.growth = max(0, resident_bytes(client.process.pid) - before)
        await Visitor().visit(prompt["url"])
        result = await login.result()
        if result["status"]["state"] != "signedIn":
            found.findings.append(f"{seeds[0]}: the true callback did not sign in")
    finally:
        await client.close()
        await asyncio.to_thread(sandbox.stop)
    if MARKER.encode() in client.stderr:
        found.findings.append(f"{seeds[0]}: the log holds a secret")
    found.seconds = time.monotonic() - begun
    return found


async def _all(seeds: Sequence[str], port: int, pid: int, found: Found) -> int:
    """Send every request; return the memory of the process after the first of them."""
    waiting = iter(seeds)
    before = 0

    async def send_some() -> None:
        nonlocal before
        for seed in waiting:
            at = time.perf_counter()
            trouble = await _one(http_answers.callback(Random(seed), port), port)
            found.timed(time.perf_counter() - at, seed)
            found.cases += 1
            if trouble is not None:
                found.findings.append(f"{seed}: {trouble}")
            before = before or resident_bytes(pid)

    await asyncio.gather(*(send_some() for _ in range(_AT_ONCE)))
    return before


async def _one(request: bytes, port: int) -> str | None:
    """Send one request and return what is wrong with its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(_SECONDS):
            with suppress(ConnectionError):  # it may refuse before it has read everything
                writer.write(request)
                writer.write_eof()
                answer = await reader.read(-1)
    except TimeoutError:
        return "neither answered nor closed"
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    status = _STATUS.match(answer)
    if answer and (status is None or int(status[1]) not in _REFUSALS):
        return f"answered with {answer[:20]!r}"
    return "an answer repeats a value" if MARKER.encode() in answer else None
