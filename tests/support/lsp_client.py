"""A small language client that drives the real language server over pipes.

It knows JSON-RPC and LSP framing and nothing of the server: own framing, an ordered record of every
message, answers to the server's own requests. It is strict where a client may be: a byte on stdout
that belongs to no frame ends the conversation with `BrokenStream`.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import os
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from support.proxies import closed_proxies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from pathlib import Path

ANSWER_DEADLINE = 15.0
"""Seconds that a request of a test waits by default: a ceiling against hangs, not a promise."""

EXIT_DEADLINE = 10.0
"""Seconds that the server may take to end after `exit`."""

NO_ANSWER: Any = object()
"""What a handler of a server request returns to leave the server without an answer."""

UNSET: Any = object()
"""Leaves `params` out of a message, which differs from `null`."""

EXECUTE_COMMAND = "workspace/executeCommand"

FULL_AUTH = {
    "loginPrompt": True,
    "credential": True,
    "environment": "local",
    "browserOnServerHost": True,
}
"""`experimental.auth` of a client that handles everything."""


class RpcError(Exception):
    """The server answered a request with an error."""

    def __init__(self, code: int, message: str, data: Any) -> None:
        super().__init__(f"{code} {(data or {}).get('kind', '')} {message}")
        self.code = code
        self.message = message
        self.data = data

    @property
    def kind(self) -> str | None:
        """Return `data.kind`, or nothing where there is none."""
        return self.data.get("kind") if isinstance(self.data, dict) else None

    @property
    def summary(self) -> tuple[int, str | None]:
        """Return code and kind, to compare in one assertion."""
        return self.code, self.kind


class BrokenStream(Exception):
    """The server wrote something to stdout that is no frame, or ended while it was needed."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that the server sent, with its place in the order of arrival."""

    index: int
    at: float
    body: dict[str, Any]
    answers: str | None = None
    """The method of the request that this response answers; of `workspace/executeCommand`, the
    command."""

    @property
    def kind(self) -> Literal["response", "request", "notification"]:
        if "method" not in self.body:
            return "response"
        return "request" if "id" in self.body else "notification"

    @property
    def method(self) -> str | None:
        return self.body.get("method")

    @property
    def params(self) -> Any:
        return self.body.get("params")

    def result(self) -> Any:
        """Return the response's result, or raise its error."""
        if "error" in self.body:
            error = self.body["error"]
            raise RpcError(error["code"], error["message"], error.get("data"))
        return self.body["result"]


@dataclass(slots=True)
class PendingRequest:
    """A request that was sent: await its result, or cancel it."""

    id: int | str
    method: str
    client: LanguageClient
    future: asyncio.Future[Message]
    name: str
    """The method, or the command that it asks for."""

    @property
    def answered(self) -> bool:
        return self.future.done()

    async def message(self, timeout: float = ANSWER_DEADLINE) -> Message:
        """Return the response as it came, an error included."""
        try:
            return await asyncio.wait_for(asyncio.shield(self.future), timeout)
        except TimeoutError:
            raise TimeoutError(f"no answer to {self.method} within {timeout:g} s") from None

    async def result(self, timeout: float = ANSWER_DEADLINE) -> Any:
        """Return the result or raise `RpcError`."""
        return (await self.message(timeout)).result()

    async def error(self, timeout: float = ANSWER_DEADLINE) -> RpcError:
        """Return the error that this request is expected to get."""
        message = await self.message(timeout)
        try:
            result = message.result()
        except RpcError as error:
            return error
        raise AssertionError(f"{self.method} was to fail, and gave {result!r}")

    async def cancel(self) -> None:
        """Send `$/cancelRequest` for it."""
        await self.client.notify("$/cancelRequest", {"id": self.id})


@dataclass(slots=True)
class _Waiter:
    matches: Callable[[Message], bool]
    future: asyncio.Future[Message]


def clean_environment(folder: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a person who has nothing set: own HOME, no `CODEX_*`.

    `BROWSER` names a program that does nothing, so that no test opens a real browser, and the
    proxies lead nowhere.
    """
    home = folder / "person"
    home.mkdir(exist_ok=True, mode=0o700)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "BROWSER": "true",
        "TMPDIR": str(folder),
        **closed_proxies(),
    }
    return {**environment, **(extra or {})}


def server_command(
    *,
    home: Path | None = None,
    issuer: str | None = None,
    log_level: str | None = "DEBUG",
    arguments: Sequence[str] = (),
) -> list[str]:
    """Return the command line of the language server with these options."""
    command = [sys.executable, "-I", "-m", "codex_auth_lsp"]
    if home is not None:
        command += ["--codex-home", str(home)]
    if issuer is not None:
        command += ["--issuer", issuer]
    if log_level is not None:
        command += ["--log-level", log_level]
    return [*command, *arguments]


@dataclass
class LanguageClient:
    """One language server process and the client's end of its pipes.

    Start it with `await LanguageClient.start(...)`, then `initialize`. `messages` holds everything
    that was received, `sent` everything that was sent, both in order.
    """

    process: asyncio.subprocess.Process
    command: list[str]
    name: str = "client"
    messages: list[Message] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    handlers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    stderr: bytearray = field(default_factory=bytearray)
    capabilities: dict[str, Any] = field(default_factory=dict)
    """What the server said about itself in answer to `initialize`."""
    auth: dict[str, Any] | None = None
    """The `experimental.auth` that this client sent."""
    initialized: bool = False
    returncode: int | None = None
    broken: str | None = None
    """Why the stream from the server cannot be trusted any more."""

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._pending: dict[int | str, PendingRequest] = {}
        self._waiters: list[_Waiter] = []
        self._replies: set[asyncio.Task[None]] = set()
        self._ended = False
        self._closed = False
        self._tasks = [
            asyncio.create_task(self._read_frames()),
            asyncio.create_task(self._read_stderr()),
        ]
        self.handlers = {
            "window/showDocument": lambda _: {"success": True},
            "window/showMessageRequest": lambda _: None,
            "window/workDoneProgress/create": lambda _: None,
            "client/registerCapability": lambda _: None,
            "client/unregisterCapability": lambda _: None,
            **self.handlers,
        }

    # Life

    @classmethod
    async def start(
        cls,
        folder: Path,
        *,
        home: Path | None = None,
        issuer: str | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        log_level: str | None = "DEBUG",
        name: str = "client",
        prefix: Sequence[str] = (),
    ) -> LanguageClient:
        """Spawn the language server in `folder`, with a clean environment.

        `prefix` is a command that runs another one, such as one that shows it another `/etc`.
        """
        server = server_command(home=home, issuer=issuer, log_level=log_level, arguments=arguments)
        command = [*prefix, *server]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=clean_environment(folder, environment),
        )
        return cls(process, command, name)

    async def initialize(
        self,
        auth: Mapping[str, Any] | None = UNSET,
        *,
        window: Mapping[str, Any] | None = None,
        options: Any = UNSET,
        workspace: Path | None = None,
        process_id: Any = UNSET,
        initialized: bool = True,
    ) -> dict[str, Any]:
        """Say `initialize` (and `initialized`); return the server's capabilities.

        `auth` is the client's `experimental.auth`: everything by default, `None` sends none.
        `process_id` is the process that the client lives in, by default this one.
        """
        self.auth = dict(FULL_AUTH) if auth is UNSET else None if auth is None else dict(auth)
        params: dict[str, Any] = {
            "processId": os.getpid() if process_id is UNSET else process_id,
            "clientInfo": {"name": "example-editor", "version": "1"},
            "rootUri": None if workspace is None else workspace.as_uri(),
            "capabilities": {},
        }
        if workspace is not None:
            params["workspaceFolders"] = [{"uri": workspace.as_uri(), "name": workspace.name}]
        if self.auth is not None:
            params["capabilities"]["experimental"] = {"auth": self.auth}
        if window is not None:
            params["capabilities"]["window"] = dict(window)
        if options is not UNSET:
            params["initializationOptions"] = options
        result = await self.request("initialize", params)
        self.capabilities = result["capabilities"]
        if initialized:
            await self.notify("initialized", {})
            self.initialized = True
        return self.capabilities

    async def close(self) -> int:
        """End the server as an editor does, and return its exit status."""
        if not self._closed:
            self._closed = True
            if not self._ended and self.process.returncode is None:
                try:
                    await self.request("shutdown", timeout=EXIT_DEADLINE)
                except RpcError:
                    pass  # a second shutdown, or one before initialize
                await self.notify("exit")
            await self.wait_until_ended()
        return self.process.returncode or 0

    async def wait_until_ended(self, timeout: float = EXIT_DEADLINE) -> int:
        """Wait for the process to end by itself and return its exit status."""
        self._closed = True
        try:
            returncode = await asyncio.wait_for(self.process.wait(), timeout)
        except TimeoutError:
            await self.kill()
            raise TimeoutError(f"the server still ran after {timeout:g} s") from None
        await self._reap()
        self.returncode = returncode
        return returncode

    async def kill(self) -> None:
        """End the process by force; for clean-up."""
        self._closed = True
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
        await self._reap()

    async def _reap(self) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        for task in self._replies:
            task.cancel()
        _, pending = await asyncio.wait(self._tasks, timeout=5)
        for task in pending:  # a grandchild that keeps a pipe open
            task.cancel()
        await asyncio.gather(*self._tasks, *self._replies, return_exceptions=True)

    async def close_stdin(self) -> None:
        """Leave without a word, as an editor that crashes."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    # Out

    async def send_raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def send(self, body: Any) -> None:
        """Write one frame."""
        self.sent.append(body)
        content = json.dumps(body, ensure_ascii=False).encode()
        await self.send_raw(b"Content-Length: %d\r\n\r\n" % len(content) + content)

    async def notify(self, method: str, params: Any = UNSET) -> None:
        """Send a notification."""
        await self.send(_body(method, params))

    async def start_request(self, method: str, params: Any = UNSET) -> PendingRequest:
        """Send a request and return at once."""
        if self._ended:
            raise BrokenStream(self._epitaph())
        request_id = next(self._ids)
        future = asyncio.get_running_loop().create_future()
        pending = PendingRequest(request_id, method, self, future, _name(method, params))
        self._pending[request_id] = pending
        await self.send({**_body(method, params), "id": request_id})
        return pending

    async def request(
        self, method: str, params: Any = UNSET, timeout: float = ANSWER_DEADLINE
    ) -> Any:
        """Send a request and return its result, or raise `RpcError`."""
        return await (await self.start_request(method, params)).result(timeout)

    async def request_error(
        self, method: str, params: Any = UNSET, timeout: float = ANSWER_DEADLINE
    ) -> RpcError:
        """Send a request that is expected to fail and return its error."""
        return await (await self.start_request(method, params)).error(timeout)

    # In

    def mark(self) -> int:
        """Return the place in the record after everything that has arrived."""
        return len(self.messages)

    def all(self, method: str, since: int = 0) -> list[Message]:
        """Return every notification and server request of this method so far."""
        return [message for message in self.messages[since:] if message.method == method]

    async def wait_for(
        self,
        method: str,
        predicate: Callable[[Any], bool] = lambda _: True,
        *,
        since: int = 0,
        timeout: float = ANSWER_DEADLINE,
    ) -> Message:
        """Return the first message of this method whose params fit, waiting if need be.

        Looks at what arrived after the mark `since`, which by default is everything.
        """

        def matches(message: Message) -> bool:
            return message.method == method and predicate(message.params)

        return await self.wait_until(matches, method, since=since, timeout=timeout)

    async def wait_until(
        self,
        matches: Callable[[Message], bool],
        what: str,
        *,
        since: int = 0,
        timeout: float = ANSWER_DEADLINE,
    ) -> Message:
        """Return the first message that fits, waiting if need be; `what` is for the failure."""
        for message in self.messages[since:]:
            if matches(message):
                return message
        if self._ended:
            raise BrokenStream(self._epitaph())
        waiter = _Waiter(matches, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            return await asyncio.wait_for(waiter.future, timeout)
        except TimeoutError:
            seen = [message.method for message in self.messages[since:] if message.method]
            raise TimeoutError(f"no {what} within {timeout:g} s, only {seen}") from None
        finally:
            self._waiters.remove(waiter)

    async def _read_frames(self) -> None:
        assert self.process.stdout is not None
        try:
            while (content := await _read_frame(self.process.stdout)) is not None:
                self._receive(json.loads(content))
        except (BrokenStream, ValueError) as error:
            self.broken = str(error)
        finally:
            self._ended = True
            self._abandon()

    def _receive(self, body: dict[str, Any]) -> None:
        pending = None
        if "method" not in body and isinstance(body.get("id"), int | str):
            pending = self._pending.pop(body["id"], None)
        message = Message(
            len(self.messages), time.monotonic(), body, pending.name if pending else None
        )
        self.messages.append(message)
        if pending is not None and not pending.future.done():
            pending.future.set_result(message)
        if message.kind == "request":
            task = asyncio.create_task(self._reply(message))
            self._replies.add(task)
            task.add_done_callback(self._replies.discard)
        for waiter in self._waiters:
            if not waiter.future.done() and waiter.matches(message):
                waiter.future.set_result(message)

    async def _reply(self, message: Message) -> None:
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message.body["id"]}
        handler = self.handlers.get(message.method or "")
        try:
            if handler is None:
                raise RpcError(-32601, "unknown method", None)
            result = handler(message.params)
            if inspect.isawaitable(result):
                result = await _awaited(result)
            if result is NO_ANSWER:
                return
            answer["result"] = result
        except RpcError as error:
            answer["error"] = {"code": error.code, "message": error.message}
        if not self._ended:
            await self.send(answer)

    async def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(65536):
            self.stderr += data

    def _abandon(self) -> None:
        error = BrokenStream(self._epitaph())
        futures = [pending.future for pending in self._pending.values()]
        for future in [*futures, *(waiter.future for waiter in self._waiters)]:
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen, also where no test waits for it any more
        self._pending.clear()

    def _epitaph(self) -> str:
        tail = bytes(self.stderr[-2000:]).decode("utf-8", "replace")
        return f"{self.broken or 'the server closed its output'}; stderr ends with:\n{tail}"

    # Reports

    def describe(self, secrets: Iterable[str] = ()) -> str:
        """Return the record and the end of stderr as text, with every secret masked."""
        lines = [f"{self.name}: {' '.join(self.command)}"]
        lines += [f"--> {json.dumps(body, ensure_ascii=False)}" for body in self.sent]
        start = self.messages[0].at if self.messages else 0.0
        lines += [
            f"<-- {message.index:3} {message.at - start:6.3f} "
            + (f"(answers {message.answers}) " if message.answers else "")
            + json.dumps(message.body, ensure_ascii=False)
            for message in self.messages
        ]
        lines.append(f"exit status {self.process.returncode}, broken: {self.broken}")
        lines.append("stderr:\n" + bytes(self.stderr[-8000:]).decode("utf-8", "replace"))
        return mask("\n".join(lines), secrets)


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value


_LOOKS_SECRET = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JWT
    r"|sandbox-(?:code|rt|device|verifier)-[\w-]+|sk-sandbox-[\w-]+"
    r"|(?<=state=)[\w%-]+|(?<=code=)[\w%-]+|(?<=code_challenge=)[\w%-]+"
)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without these secrets and without what looks like one."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    return _LOOKS_SECRET.sub("***", text)


def _name(method: str, params: Any) -> str:
    command = params.get("command") if isinstance(params, dict) else None
    return command if method == EXECUTE_COMMAND and isinstance(command, str) else method


def _body(method: str, params: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "method": method}
    return body if params is UNSET else {**body, "params": params}


async def _read_frame(stream: asyncio.StreamReader) -> bytes | None:
    """Return the next frame's content, or nothing at the end of the stream."""
    length: int | None = None
    first = True
    while True:
        line = await stream.readline()
        if not line and first:
            return None
        if line == b"\r\n":
            break
        name, colon, value = line.partition(b":")
        if not colon or not line.endswith(b"\r\n"):
            raise BrokenStream(f"not a header on stdout: {line[:200]!r}")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() != b"content-type":
            raise BrokenStream(f"an unknown header on stdout: {line[:200]!r}")
        first = False
    if length is None:
        raise BrokenStream("a frame without Content-Length")
    try:
        return await stream.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise BrokenStream("the last frame was cut short") from error
