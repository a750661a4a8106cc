"""Where a client meets the checker: programs in a folder of their own, and ports behind them.

The folder comes first on the client's PATH. Its `codex-auth-lsp` leads to the checker, and so do
the programs that open pages, so that nothing of a client has to be changed for a check.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.conformance.conversation import Conversation, Event
from codex_auth_lsp.http1.message import Request, Response
from codex_auth_lsp.http1.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from codex_auth_lsp.conformance.findings import Findings
    from codex_auth_lsp.conformance.scenarios import Scenario

SCENARIO_VARIABLE = "CODEX_AUTH_CHECK"
SERVER_VARIABLE = "CODEX_AUTH_CHECK_SERVER"

NOT_STARTED = (
    "had not started the server; that is the program codex-auth-lsp that comes first on the "
    f"client's PATH, and the one that {SERVER_VARIABLE} names."
)

END_SECONDS = 5.0
"""How long the client's program may take to end after its conversation, or when it is told to."""

BROKEN_OFF_SECONDS = 0.5
"""The same where the check was broken off, and nothing more is to be learned from it."""

_HELLO_SECONDS = 5.0
_SEEN = b"check-client has seen that this page was opened. You can close it."


@dataclass
class Stage:
    """One scenario's stage; `start` puts a client on it."""

    scenario: Scenario
    findings: Findings
    usage_trouble: Callable[[Sequence[str]], str | None]
    """Says what is wrong with a command line of the server's."""

    def __post_init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.page = ""
        self._conversation: asyncio.Future[Conversation] = asyncio.Future()
        self._listening: list[asyncio.Task[None]] = []
        self._ticket = secrets.token_hex(16)
        self._is_broken_off = False

    @contextlib.asynccontextmanager
    async def client(self, command: Sequence[str]) -> AsyncIterator[asyncio.Future[Conversation]]:
        """Start the client's program; yield its conversation, once it has begun one.

        Raises:
            OSError: The program cannot be started.
        """
        pages = await HttpServer.start(self._show_page)
        self.page = f"http://127.0.0.1:{pages.port}"
        lines = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = lines.sockets[0].getsockname()[1]
        try:
            with tempfile.TemporaryDirectory(prefix="check-client-") as folder:
                environment = self._environment(Path(folder), port)
                process = await asyncio.create_subprocess_exec(
                    *command, env=environment, stdout=sys.stderr.fileno()
                )
                watch = asyncio.ensure_future(self._watch(process))
                try:
                    yield self._conversation
                except BaseException:
                    self._is_broken_off = (
                        not self._has_begun() or self._conversation.result().is_open
                    )
                    raise
                finally:
                    await self._end(process, watch)
        finally:
            lines.close()
            await pages.close()

    def _environment(self, folder: Path, port: int) -> dict[str, str]:
        server = _program(folder, "codex-auth-lsp", port, self._ticket, "server")
        browser = _program(folder, "xdg-open", port, self._ticket, "browser")
        _program(folder, "open", port, self._ticket, "browser")
        path = os.environ.get("PATH", os.defpath)
        return {
            **os.environ,
            "PATH": f"{folder}{os.pathsep}{path}",
            "BROWSER": str(browser),
            SERVER_VARIABLE: str(server),
            SCENARIO_VARIABLE: self.scenario.name,
        }

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        if status != 0 and not self._is_broken_off:
            how = f"with status {status}" if status > 0 else f"by signal {-status}"
            self.findings.mistake(f"The client's program ended {how}.")
        if self._listening:  # what it has sent last is still to be read
            await asyncio.wait(self._listening, timeout=END_SECONDS)
        if not self._conversation.done():
            self._conversation.set_exception(NoConversation())
        self.events.put_nowait(Event("end"))

    async def _end(self, process: asyncio.subprocess.Process, watch: asyncio.Task[None]) -> None:
        if self._has_begun():
            self._conversation.result().close()
        patience = BROKEN_OFF_SECONDS if self._is_broken_off else END_SECONDS
        try:
            await asyncio.wait_for(asyncio.shield(watch), patience)
        except TimeoutError:
            watch.cancel()
            await _stop(process)
        if self._listening:
            await asyncio.wait(self._listening, timeout=END_SECONDS)

    def _has_begun(self) -> bool:
        return self._conversation.done() and self._conversation.exception() is None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hello = json.loads(await asyncio.wait_for(reader.readline(), _HELLO_SECONDS))
        except (TimeoutError, ValueError, ConnectionError):
            hello = {}
        if not secrets.compare_digest(str(hello.get("ticket", "")), self._ticket):
            writer.close()
        elif hello["role"] == "browser":
            for word in hello["words"][-1:]:
                self.events.put_nowait(Event("page", word))
            writer.close()
        else:
            self._begin(reader, writer, hello["words"])

    def _begin(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, words: list[str]
    ) -> None:
        trouble = self.usage_trouble(words)
        if trouble is not None:
            self.findings.mistake(f"The server does not start with these arguments: {trouble}")
        if self._conversation.done():
            self.findings.mistake(
                "The client started the server a second time; a window has one, from its start "
                "to its end."
            )
            writer.close()
            return
        conversation = Conversation(
            reader,
            writer,
            self.findings,
            self.events.put_nowait,
            self.scenario.status,
            page=self.page,
            strange=self.scenario.strange,
        )
        self._listening.append(asyncio.ensure_future(conversation.listen()))
        self._conversation.set_result(conversation)

    async def _show_page(self, request: Request) -> Response:
        if request.path not in {"/authorize", "/device"}:
            return Response(404, b"There is no such page.")
        query = f"?{request.query}" if request.query else ""
        self.events.put_nowait(Event("page", f"{self.page}{request.path}{query}"))
        return Response(200, _SEEN)


class NoConversation(Exception):
    """The client's program has ended and had not started the server."""


def _program(folder: Path, name: str, port: int, ticket: str, role: str) -> Path:
    module = "codex_auth_lsp.conformance.relay"
    words = [sys.executable, "-I", "-m", module, str(port), ticket, role]
    if sys.platform == "win32":
        path = folder / f"{name}.cmd"
        line = " ".join(f'"{word}"' for word in words)
        path.write_text(f"@{line} %*\r\n", encoding="utf-8")
    else:
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        path.chmod(0o700)
    return path


async def _stop(process: asyncio.subprocess.Process) -> None:
    for end in (process.terminate, process.kill):
        if process.returncode is None:
            end()
        try:
            await asyncio.wait_for(process.wait(), END_SECONDS)
        except TimeoutError:
            continue
        return
