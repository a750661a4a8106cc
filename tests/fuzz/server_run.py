"""Messages and frames against the real language server, over its pipes."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

from fuzz import wire_messages
from fuzz.found import Found, resident_bytes
from fuzz.values import MARKER
from support.lsp_client import clean_environment, server_command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BATCH = 200
"""Messages that are on their way at once; the server takes 256 requests."""

_ANSWER_SECONDS = 10.0  # for a whole batch; the silences in it are what is judged
_EXIT_SECONDS = 5.0
_PIECE = 1 << 16

NO_ID = "no id"


def expected_answers(content: bytes) -> list[Any]:
    """Return the ids of the answers that a content asks for: none or one."""
    if not content:
        return []  # an empty frame is none
    try:
        body = json.loads(content.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return [NO_ID]
    if not isinstance(body, dict):
        return [NO_ID]
    number = body.get("id")
    if body.get("method") is None and {"result", "error"} & body.keys():
        return []  # a response, however it looks
    is_id = isinstance(number, str | int) and not isinstance(number, bool)
    if body.get("jsonrpc") != "2.0" or ("id" in body and not is_id):
        return [number if is_id else NO_ID]
    if isinstance(body.get("method"), str):
        return [number] if "id" in body else []
    return [number if is_id else NO_ID]


def _refuse(_: str) -> Any:
    raise ValueError


class Server:
    """A server process, its frames read as they come and kept by their ids alone."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.answers: Counter[Any] = Counter()
        self.leaks = 0
        self._tasks = [
            asyncio.create_task(self._read_frames()),
            asyncio.create_task(self._read_log()),
        ]
        self._came = asyncio.Event()
        self._heard = time.perf_counter()
        self.longest_silence = 0.0
        """Seconds between two answers, or between a batch and its first one."""

    @classmethod
    async def start(cls, folder: Path) -> Server:
        """Start one on a stored key and on an issuer that nobody runs, and make it ready."""
        home = folder / "codex"
        home.mkdir(mode=0o700, exist_ok=True)
        login = {"auth_mode": "apikey", "OPENAI_API_KEY": MARKER}
        (home / "auth.json").write_text(json.dumps(login))
        (home / "auth.json").chmod(0o600)
        process = await asyncio.create_subprocess_exec(
            *server_command(home=home, issuer="http://127.0.0.1:1"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=clean_environment(folder),
        )
        server = cls(process)
        capabilities = {"experimental": {"auth": {"loginPrompt": True}}}
        params = {"processId": None, "capabilities": capabilities}
        await server.ask(
            [
                _content({"id": "i", "method": "initialize", "params": params}),
                _content({"method": "initialized", "params": {}}),
            ],
            lambda content: wire_messages.frame(Random(0), content),
        )
        return server

    async def ask(self, contents: Sequence[bytes], framed: Any) -> str | None:
        """Send messages, wait for their answers, and return what is wrong with these."""
        wanted = Counter(number for content in contents for number in expected_answers(content))
        assert self.process.stdin is not None
        self.answers.clear()
        self._heard, self.longest_silence = time.perf_counter(), 0.0
        self.process.stdin.write(b"".join(framed(content) for content in contents))
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self.process.stdin.drain()
                while self.answers.total() < wanted.total():
                    self._came.clear()
                    await self._came.wait()
        except (TimeoutError, ConnectionError):
            return f"{wanted.total() - self.answers.total()} answers are missing"
        # One too many that comes later is one too many of the next batch.
        return None if self.answers == wanted else "other answers than were asked for"

    async def end(self) -> int | None:
        """Close the pipe, and return the exit status; None for a process that had to be killed."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return await self.wait()

    async def wait(self) -> int | None:
        """Return the exit status; None for a process that had to be killed."""
        try:
            status: int | None = await asyncio.wait_for(self.process.wait(), _EXIT_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            status = None
        await asyncio.gather(*self._tasks)
        return status

    async def _read_frames(self) -> None:
        assert self.process.stdout is not None
        while header := await self._line():
            length = int(re.fullmatch(rb"Content-Length: (\d+)\r\n", header)[1])  # type: ignore[index]
            assert await self._line() == b"\r\n"
            content = await self.process.stdout.readexactly(length)
            self.leaks += MARKER.encode() in content
            body = json.loads(content)
            if "method" not in body:
                now = time.perf_counter()
                self.longest_silence = max(self.longest_silence, now - self._heard)
                self._heard = now
                self.answers[NO_ID if body["id"] is None else body["id"]] += 1
                self._came.set()

    async def _line(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.readline()

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        tail = b""
        while piece := await self.process.stderr.read(_PIECE):
            self.leaks += MARKER.encode() in tail + piece
            tail = piece[-len(MARKER) :]


def _content(body: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **body}).encode()


async def run_messages(seeds: Sequence[str], folder: Path) -> Found:
    """Send a message for each seed to one process, in frames of every look."""
    found, begun = Found(), time.monotonic()
    server = await Server.start(folder)
    before = 0
    for first in range(0, len(seeds), BATCH):
        batch = seeds[first : first + BATCH]
        rng = Random(batch[0])
        contents = [wire_messages.message(Random(seed), i) for i, seed in enumerate(batch)]
        trouble = await server.ask(
            contents, lambda content, rng=rng: wire_messages.frame(rng, content)
        )
        found.timed(server.longest_silence, f"the {len(batch)} messages from {batch[0]}")
        if trouble is not None:
            found.findings.append(f"the {len(batch)} messages from {batch[0]}: {trouble}")
            break
        found.cases += len(batch)
        before = before or resident_bytes(server.process.pid)
    found.growth = max(0, resident_bytes(server.process.pid) - before) if before else 0
    if (status := await server.end()) != 0:
        found.findings.append(f"{seeds[0]}: ended with {status} at the end of its input")
    if server.leaks:
        found.findings.append(f"{seeds[0]}: {server.leaks} outputs hold a secret")
    found.seconds = time.monotonic() - begun
    return found


async def run_broken_frames(seeds: Sequence[str], folder: Path) -> Found:
    """Send a frame that cannot be trusted for each seed, each to a process of its own."""
    found, begun = Found(), time.monotonic()
    for seed in seeds:
        server = await Server.start(folder)
        rng = Random(seed)
        assert server.process.stdin is not None
        at = time.perf_counter()
        server.process.stdin.write(wire_messages.broken_frame(rng))
        status = await server.wait()
        found.timed(time.perf_counter() - at, seed)
        if status != 1:
            found.findings.append(f"{seed}: ended with {status}")
        if server.leaks:
            found.findings.append(f"{seed}: an output holds a secret")
        found.cases += 1
    found.seconds = time.monotonic() - begun
    return found
