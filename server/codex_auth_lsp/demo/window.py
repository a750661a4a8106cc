"""An editor window: a language server as a child process, and a language client of the tour's own.

The client knows LSP's framing and nothing of the server's inside. It declares what an editor with
a hand-written client declares, and shows in its status bar what `auth/statusChanged` said last.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from codex_auth_lsp.demo.failure import DemoFailed
from codex_auth_lsp.demo.programs import child_environment, last_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping
    from datetime import datetime
    from pathlib import Path

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.demo.programs import Programs

ANSWER_SECONDS = 15.0
"""How long an answer or a notification may take where no person is waited for."""

END_SECONDS = 5.0
"""How long a language server may take to end after `exit`."""

_CAPABILITIES = {"loginPrompt": True, "credential": True, "environment": "local"}

_BARS = {
    "signedOut": "Codex: Sign In",
    "needsReauth": "Codex: Sign In Again",
    "unavailable": "Codex: Login Unreadable",
    "notRequired": "Codex: No Sign-In Needed",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """A notification, and when it came."""

    method: str
    params: dict[str, Any]
    at: datetime


def status_bar(status: Mapping[str, Any]) -> str:
    """Return what stands in the status bar, in the words of the VS Code client."""
    if "pendingLogin" in status:
        return "Codex: Signing in..."
    label = status.get("account", {}).get("label", "Codex")
    return str(_BARS.get(status.get("state", ""), label))


class Window:
    """One editor window. Use: `async with Window.open("A", programs, clock) as window:`."""

    def __init__(
        self, name: str, process: asyncio.subprocess.Process, log: Path, clock: Clock
    ) -> None:
        self.name = name
        self.status: dict[str, Any] = {}
        self.process = process
        self._log = log
        self._clock = clock
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._inbox: asyncio.Queue[Heard] = asyncio.Queue()
        self._reading = asyncio.ensure_future(self._read())

    @classmethod
    @asynccontextmanager
    async def open(cls, name: str, programs: Programs, clock: Clock) -> AsyncIterator[Window]:
        """Run a window for the time of a block; its server has ended afterwards, in any case.

        Raises:
            DemoFailed: It does not come up.
        """
        log = programs.folder / f"window-{name}.log"
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *programs.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=child_environment(programs.environment),
                cwd=programs.folder,
            )
        window = cls(name, process, log, clock)
        try:
            capabilities = {"experimental": {"auth": _CAPABILITIES}}
            await window.request("initialize", {"capabilities": capabilities})
            await window.notify("initialized", {})
            yield window
        finally:
            await window._close()

    async def request(
        self, method: str, params: dict[str, Any] | None = None, seconds: float = ANSWER_SECONDS
    ) -> Any:
        """Return the result of a request.

        Raises:
            DemoFailed: The server refused it, ended, or did not answer in time.
        """
        number = len(self._answers) + 1
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._send({"id": number, "method": method, "params": params})
        answer = await self._expect(self._answers[number], f"an answer to {method}", seconds)
        if "error" in answer:
            raise DemoFailed(answer["error"]["message"])
        return answer["result"]

    async def notify(self, method: str, params: dict[str, Any] | None = None) -> None:
        """Send a notification."""
        await self._send({"method": method, "params": params})

    async def hears(self, *methods: str) -> Heard:
        """Return the next notification of one of these methods, and forget those before it.

        Raises:
            DemoFailed: The server ended, or sent none in time.
        """
        while True:
            heard = await self._expect(self._inbox.get(), f"a notification {methods[0]}")
            if heard.method in methods:
                return heard

    async def hears_status(self, state: str, *causes: str) -> Heard:
        """Return the next `auth/statusChanged` that tells this state, for one of these causes.

        Raises:
            DemoFailed: The server ended, or sent none in time.
        """
        while True:
            heard = await self.hears("auth/statusChanged")
            if heard.params["status"]["state"] == state and heard.params["cause"] in causes:
                return heard

    async def _expect(self, awaited: Awaitable[T], what: str, seconds: float = ANSWER_SECONDS) -> T:
        waiting = asyncio.ensure_future(awaited)
        try:
            await asyncio.wait(
                {waiting, self._reading}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if waiting.done():
                return waiting.result()
        finally:
            waiting.cancel()
        if self._reading.done():
            raise self._ended()
        raise DemoFailed(f"Window {self.name} did not get {what} within {seconds:g} seconds.")

    def _ended(self) -> DemoFailed:
        return DemoFailed(
            f"The language server of window {self.name} ended{last_line(self._log.read_bytes())}"
        )

    async def _send(self, message: dict[str, Any]) -> None:
        stdin = self.process.stdin
        if stdin is None or self._reading.done():
            raise self._ended()
        fields = {name: value for name, value in message.items() if value is not None}
        content = json.dumps({"jsonrpc": "2.0", **fields}).encode("utf-8")
        stdin.write(b"Content-Length: %d\r\n\r\n" % len(content) + content)
        try:
            await stdin.drain()
        except ConnectionError:
            raise self._ended() from None

    async def _read(self) -> None:
        stdout = self.process.stdout
        try:
            while stdout is not None:
                header = await stdout.readuntil(b"\r\n\r\n")
                length = header.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                self._take(json.loads(await stdout.readexactly(int(length))))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # it has ended or says what is no frame: `_expect` tells whoever waits

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            answer = self._answers.get(message["id"])
            if answer is not None and not answer.done():
                answer.set_result(message)
            return
        params = message.get("params") or {}
        if message["method"] == "auth/statusChanged":
            self.status = params["status"]
        self._inbox.put_nowait(Heard(message["method"], params, self._clock.now()))

    async def _close(self) -> None:
        """End the server as an editor does, and by force where it stays."""
        try:
            async with asyncio.timeout(END_SECONDS):
                await self.request("shutdown")
                await self.notify("exit")
                await self.process.wait()
        except (DemoFailed, TimeoutError):
            pass  # what went wrong before is told; this is only the end
        finally:
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
            await asyncio.wait({self._reading}, timeout=END_SECONDS)
