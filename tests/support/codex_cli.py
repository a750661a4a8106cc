"""Drivers of the real Codex CLI 0.169.0: its commands, and its app-server.

Both run in an environment of their own and reach loopback addresses alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import tempfile
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from support import parts
from support.proxies import closed_proxies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from support.sandbox import Sandbox

COMMAND_DEADLINE = 20.0
"""Seconds that a command may take: the 10 s that it gives a revocation, and start and end."""

ANSWER_DEADLINE = 20.0
"""Seconds that the app-server may take to answer or to notify: a ceiling against hangs."""

EXIT_DEADLINE = 10.0
"""Seconds that the app-server may take to end after its stdin was closed."""

LONGEST_LINE = 4 * 1024 * 1024
"""Bytes of the longest message that the app-server is expected to send."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_USER_CODE = re.compile(r"\b[A-Z0-9]{4}-[A-Z0-9]{4,5}\b")

QUIET_FEATURES = ("apps", "plugins", "remote_plugin", "system_proxy_fallback")
"""Features that call chatgpt.com and GitHub of their own accord (observed on 0.169.0)."""


def clean_environment(home: Path, user_home: Path, issuer: str | None = None) -> dict[str, str]:
    """Return an environment in which Codex finds its folder and an issuer, and nothing else.

    `home` is CODEX_HOME; databases and the like go to `user_home`, so `home` keeps the login.
    """
    environment = {
        "PATH": os.defpath,
        "LANG": "C.UTF-8",
        "HOME": str(user_home),
        "TMPDIR": str(user_home),
        "CODEX_HOME": str(home),
        "CODEX_SQLITE_HOME": str(user_home),
        "BROWSER": "/bin/true",
        **closed_proxies(),
    }
    if issuer is not None:
        # The commands know no issuer for a browser login; refresh and revocation they take from
        # these variables, in spite of `oauth_provenance` in the stored login.
        environment |= {
            "CODEX_APP_SERVER_LOGIN_ISSUER": issuer,
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{issuer}/oauth/token",
            "CODEX_REVOKE_TOKEN_URL_OVERRIDE": f"{issuer}/oauth/revoke",
        }
    return environment


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class CodexCli:
    """The `codex` command on one CODEX_HOME; everything that it says stands on stderr."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables on top of the clean environment."""
    issuer: str | None = None
    """Where tokens are revoked; without it a revocation fails at once."""
    prefix: tuple[str, ...] = ()
    """A command that runs the CLI, such as one that shows it another `/etc`."""

    async def login_status(self) -> Finished:
        """Ask for the login: exit 0 with one, 1 without."""
        return await self.run("login", "status")

    async def login_with_api_key(self, api_key: str) -> Finished:
        """Store a key, which the CLI neither checks nor shows."""
        return await self.run("login", "--with-api-key", stdin=api_key)

    async def logout(self) -> Finished:
        """Revoke a ChatGPT login's refresh token where that is possible, and delete the login."""
        return await self.run("logout")

    @asynccontextmanager
    async def device_login(self, sandbox: Sandbox) -> AsyncIterator[DeviceLogin]:
        """Run `codex login --device-auth` against a sandbox until it has shown its code."""
        arguments = ("--experimental_issuer", sandbox.issuer)
        arguments += ("--experimental_client-id", sandbox.client_id)
        with tempfile.TemporaryDirectory(prefix="codex-user-") as user_home:
            process = await asyncio.create_subprocess_exec(
                _program(),
                *("login", "--device-auth", *arguments),
                env=clean_environment(self.home, Path(user_home), sandbox.issuer),
                cwd=user_home,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                yield await DeviceLogin.read(process)
            finally:
                await parts.end(process, grace=0)

    async def run(self, *arguments: str, stdin: str = "") -> Finished:
        """Run one command to its end."""
        with tempfile.TemporaryDirectory(prefix="codex-user-") as user_home:
            environment = clean_environment(self.home, Path(user_home), self.issuer)
            process = await asyncio.create_subprocess_exec(
                *self.prefix,
                _program(),
                *arguments,
                env={**environment, **self.environment},
                cwd=user_home,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                stdout, stderr = await asyncio.wait_for(
                    process.communicate(stdin.encode()), COMMAND_DEADLINE
                )
            finally:
                await parts.end(process, grace=0)
        return Finished(await process.wait(), stdout.decode(), stderr.decode())


@dataclass(slots=True)
class DeviceLogin:
    """A `codex login --device-auth` that waits for the person."""

    process: asyncio.subprocess.Process
    user_code: str
    shown: str

    @classmethod
    async def read(cls, process: asyncio.subprocess.Process) -> DeviceLogin:
        """Read its output until the code stands there."""
        assert process.stdout is not None
        shown = ""
        async with asyncio.timeout(COMMAND_DEADLINE):
            while (found := _USER_CODE.search(_COLOURS.sub("", shown))) is None:
                chunk = await process.stdout.read(65_536)
                if not chunk:
                    raise EOFError(f"it ended without a code: {shown}")
                shown += chunk.decode()
        return cls(process, found[0], shown)

    async def finished(self) -> Finished:
        """Return how it ended; its two outputs are one."""
        rest, _ = await asyncio.wait_for(self.process.communicate(), COMMAND_DEADLINE)
        output = self.shown + rest.decode()
        return Finished(await self.process.wait(), output, output)


def _program() -> str:
    program = parts.codex_binary()
    if program is None:
        raise FileNotFoundError(f"the Codex CLI is missing; {parts.NPM_REMEDY}")
    return str(program)


class AppServerError(Exception):
    """The app-server answered a request with an error."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {code} {message[:200]}")
        self.code = code
        self.message = message


class ChatGptLogin(NamedTuple):
    """A browser login that waits for the person."""

    login_id: str
    auth_url: str


class AppServer:
    """`codex app-server` on one CODEX_HOME: newline-delimited JSON, without a `jsonrpc` field.

    It listens for a browser's callback on 127.0.0.1:1455, else 1457, and asks a holder of 1455 to
    go by `GET /cancel`: no other login may wait there at the same time.
    """

    def __init__(self, process: asyncio.subprocess.Process, backend: ChatGptBackend) -> None:
        self.backend = backend
        self.notifications: list[dict[str, Any]] = []
        """Every notification in the order of arrival."""
        self._process = process
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._unseen: defaultdict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self._stderr = bytearray()
        self._readers = asyncio.gather(self._read_messages(), self._read_stderr())

    @classmethod
    @asynccontextmanager
    async def start(
        cls, home: Path, issuer: str, environment: Mapping[str, str] | None = None
    ) -> AsyncIterator[AppServer]:
        """Run an app-server that signs in at `issuer`, and end it."""
        async with ChatGptBackend.start() as backend:
            with tempfile.TemporaryDirectory(prefix="codex-user-") as user_home:
                process = await asyncio.create_subprocess_exec(
                    _program(),
                    "app-server",
                    *("-c", f"chatgpt_base_url={json.dumps(backend.url)}"),
                    *(word for name in QUIET_FEATURES for word in ("--disable", name)),
                    env={
                        **clean_environment(home, Path(user_home), issuer),
                        **(environment or {}),
                    },
                    cwd=user_home,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=LONGEST_LINE,
                )
                server = cls(process, backend)
                try:
                    yield server
                finally:
                    await server.close()

    @property
    def stderr(self) -> str:
        """Return what it wrote to stderr until now."""
        return self._stderr.decode("utf-8", "replace")

    async def initialize(self, client_name: str = "codex_auth_tests") -> Any:
        """Shake hands; `client_name` becomes the `originator` of its sign-ins."""
        client_info = {"name": client_name, "title": "Tests", "version": "1"}
        result = await self.request("initialize", {"clientInfo": client_info})
        await self._send({"method": "initialized"})
        return result

    async def request(self, method: str, params: Any = None) -> Any:
        """Return the result of a request, or raise `AppServerError`."""
        number = next(self._numbers)
        answer_future = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method}
        await self._send(message if params is None else {**message, "params": params})
        try:
            answer = await asyncio.wait_for(answer_future, ANSWER_DEADLINE)
        except TimeoutError:
            raise TimeoutError(f"no answer to {method}; stderr: {self.stderr}") from None
        if "error" in answer:
            raise AppServerError(method, answer["error"]["code"], answer["error"]["message"])
        return answer["result"]

    async def wait_notification(self, method: str) -> Any:
        """Return the params of the next notification of `method` that was not yet waited for."""
        try:
            return await asyncio.wait_for(self._unseen[method].get(), ANSWER_DEADLINE)
        except TimeoutError:
            seen = [notification["method"] for notification in self.notifications]
            raise TimeoutError(f"no {method}, only {seen}; stderr: {self.stderr}") from None

    async def start_chatgpt_login(self) -> ChatGptLogin:
        """Start a browser login; its end comes as `account/login/completed`."""
        result = await self.request("account/login/start", {"type": "chatgpt"})
        return ChatGptLogin(result["loginId"], result["authUrl"])

    async def close(self) -> int:
        """Close its stdin, which ends it, and return its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), EXIT_DEADLINE)
        except TimeoutError:
            await parts.end(self._process, grace=2)
        await self._readers
        return await self._process.wait()

    async def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        await self._process.stdin.drain()

    async def _read_messages(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = json.loads(line)
            if "method" not in message:
                answer_future = self._answers.pop(message["id"])
                if not answer_future.done():
                    answer_future.set_result(message)
            elif "id" not in message:
                self.notifications.append(message)
                self._unseen[message["method"]].put_nowait(message.get("params"))
        for answer_future in self._answers.values():
            if not answer_future.done():
                answer_future.set_exception(EOFError(f"the app-server ended: {self.stderr}"))

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(65_536):
            self._stderr += chunk


class ChatGptBackend:
    """A stand-in for chatgpt.com that answers `GET /backend-api/wham/accounts/check` alone.

    After a ChatGPT login and at `account/read` the app-server looks there for the account's
    workspace, and calls a login failed without it although `auth.json` is written.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        """Every request line."""
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[ChatGptBackend]:
        """Listen on a free loopback port."""
        backend = cls()
        server = await asyncio.start_server(backend._answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            backend.url = f"http://127.0.0.1:{port}/backend-api/"
            yield backend

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request_line, *field_lines = head.rstrip().split("\r\n")
            self.requests.append(request_line)
            fields = {name.lower(): value.strip() for name, _, value in
                      (line.partition(":") for line in field_lines)}  # fmt: skip
            account_id = fields.get("chatgpt-account-id")
            known = request_line.startswith("GET /backend-api/wham/accounts/check ") and account_id
            body = json.dumps(_accounts(account_id) if known else {}).encode()
            status = "200 OK" if known else "404 Not Found"
            writer.write(
                f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def _accounts(account_id: str | None) -> dict[str, Any]:
    account = {
        "id": account_id,
        "plan_type": "plus",
        "name": "Workspace of the tests",
        "structure": "workspace",
        # It must be an HTTPS origin. "NO_CONSTRAINT" would stand for the origin asked, which is
        # plain HTTP here; nothing calls this one during a login.
        "workspace_backend_origin": "https://127.0.0.1:9",
        "account_routing_override": "NO_CONSTRAINT",
    }
    return {
        "accounts": [account],
        "account_ordering": [account_id],
        "default_account_id": account_id,
    }
