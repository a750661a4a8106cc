"""The bench of the end-to-end tests: real processes, a sandbox issuer, a clean environment.

Every test is followed by two examinations: `promises` reads each client's record for what must hold
in every conversation, and the secrets guard searches every output for what must not be there.
"""

from __future__ import annotations

import asyncio
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import pytest

from e2e.logins import Browser
from e2e.promises import broken_promises, status_changes, without_revision
from e2e.shapes import CodexHome
from support.lsp_client import UNSET, LanguageClient, clean_environment, mask, server_command
from support.read_only import read_only
from support.sandbox import Sandbox
from support.secrets_guard import SecretsGuard, process_arguments

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path

CLIENTS = pytest.StashKey[list[LanguageClient]]()
GUARD = pytest.StashKey[SecretsGuard]()

COMMAND_DEADLINE = 30.0
"""Seconds that a subcommand may take: a ceiling against hangs."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Add what every client saw to the report of a failed test, with the secrets masked."""
    report = yield
    if report.failed:
        guard = item.stash.get(GUARD, SecretsGuard())
        for client in item.stash.get(CLIENTS, []):
            guard.learn(client)
            report.sections.append((f"record of {client.name}", client.describe(guard.secrets)))
        for name, output in guard.outputs:
            text = mask(output.decode("utf-8", "replace"), guard.secrets)
            report.sections.append((f"output of {name}", text))
    return report


@pytest.fixture
def guard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SecretsGuard]:
    """Search every output of the test for secrets when all is over."""
    guard = SecretsGuard()
    clients: list[LanguageClient] = []
    request.node.stash[GUARD] = guard
    request.node.stash[CLIENTS] = clients
    yield guard
    for client in clients:
        guard.learn(client)
    for folder in tmp_path.iterdir():
        guard.add_login_file(folder / "auth.json")
    found = guard.findings(clients, [tmp_path])
    assert found == []


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Run one sandbox for the whole session."""
    sandbox = Sandbox.start(tmp_path_factory.mktemp("sandbox"))
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(sandbox_process: Sandbox, guard: SecretsGuard) -> Iterator[Sandbox]:
    """Offer the sandbox as new; what it minted is added to the guard when the test is over."""
    sandbox_process.reset()
    yield sandbox_process
    for kind, value in sandbox_process.secrets():
        guard.add(value, kind)


@pytest.fixture
def browser(sandbox: Sandbox, guard: SecretsGuard) -> Browser:
    """Play the person with a browser."""
    return Browser(guard)


@pytest.fixture
def home(tmp_path: Path, guard: SecretsGuard) -> CodexHome:
    """Offer an empty Codex folder."""
    path = tmp_path / "codex"
    path.mkdir(mode=0o700)
    return CodexHome(path, guard)


class Starter:
    """Starts language servers for one test."""

    def __init__(self, folder: Path, home: CodexHome, clients: list[LanguageClient]) -> None:
        self._folder = folder
        self._home = home
        self.clients = clients

    async def process(
        self,
        *,
        home: Path | None = UNSET,
        issuer: str | Sandbox | None = None,
        environment: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        log_level: str | None = "DEBUG",
        prefix: tuple[str, ...] = (),
    ) -> LanguageClient:
        """Start a server that has not been spoken to; by default it uses the test's folder."""
        client = await LanguageClient.start(
            self._folder,
            home=self._home.path if home is UNSET else home,
            issuer=issuer.issuer if isinstance(issuer, Sandbox) else issuer,
            environment=environment,
            arguments=arguments,
            log_level=log_level,
            name=f"client {len(self.clients) + 1}",
            prefix=prefix,
        )
        self.clients.append(client)
        return client

    async def __call__(
        self,
        issuer: str | Sandbox | None = None,
        *,
        auth: Mapping[str, Any] | None = UNSET,
        window: Mapping[str, Any] | None = None,
        handlers: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> LanguageClient:
        """Start a server and initialize it; wait for its first status where one is promised."""
        client = await self.process(issuer=issuer, **options)
        client.handlers.update(handlers or {})
        await client.initialize(auth, window=window)
        if client.auth is not None:
            await client.wait_for("auth/statusChanged")
        return client


@pytest.fixture
async def start(
    request: pytest.FixtureRequest, tmp_path: Path, home: CodexHome, guard: SecretsGuard
) -> AsyncIterator[Starter]:
    """Start language servers; afterwards end them and hold them to every client's promises."""
    clients = request.node.stash[CLIENTS]
    yield Starter(tmp_path, home, clients)
    broken = []
    for client in clients:
        arguments = process_arguments(client.process.pid)
        guard.add_output(f"the command line of {client.name}", arguments)
        try:
            broken += await _settle(client)
            await client.close()
        except Exception as error:  # noqa: BLE001 - every other client still has to be ended
            broken.append(f"{client.name} did not end as it should: {error!r}")
            await client.kill()
        broken += broken_promises(client)
    assert broken == []


async def _settle(client: LanguageClient) -> list[str]:
    """Check that the state which the server tells is the one that it announced last."""
    if not client.initialized or client.auth is None or client.process.returncode is not None:
        return []
    if client._closed or client.broken:
        return []
    status = without_revision(await client.request("auth/status", {}))

    def announced() -> bool:
        changes = status_changes(client)
        return bool(changes) and without_revision(changes[-1]["status"]) == status

    for _ in range(100):
        if announced():
            return []
        await asyncio.sleep(0.01)
    return [f"{client.name}: the state that auth/status told was never announced"]


@dataclass(frozen=True)
class Outcome:
    """How a subcommand ended."""

    returncode: int
    stdout: str
    stderr: str


class CommandLine:
    """Runs `codex-auth-lsp` as a person does in a terminal."""

    def __init__(self, folder: Path, home: CodexHome, guard: SecretsGuard) -> None:
        self._folder = folder
        self._home = home
        self._guard = guard

    async def spawn(
        self,
        *arguments: str,
        issuer: str | Sandbox | None = None,
        home: Path | None = UNSET,
        environment: Mapping[str, str] | None = None,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> asyncio.subprocess.Process:
        """Start a subcommand with pipes for all three streams."""
        command = server_command(
            home=self._home.path if home is UNSET else home,
            issuer=issuer.issuer if isinstance(issuer, Sandbox) else issuer,
            log_level=None,
            arguments=arguments,
        )
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
            cwd=self._folder,
            env=clean_environment(self._folder, environment),
        )

    async def __call__(self, *arguments: str, stdin: bytes = b"", **options: Any) -> Outcome:
        """Run a subcommand to its end; its output is searched for secrets."""
        process = await self.spawn(*arguments, **options)
        try:
            stdout, stderr = await asyncio.wait_for(process.communicate(stdin), COMMAND_DEADLINE)
        except TimeoutError:
            process.kill()
            await process.communicate()
            raise
        name = " ".join(arguments) or "the command"
        stdout, stderr = stdout or b"", stderr or b""  # where they went elsewhere
        self._guard.add_output(f"stdout of {name}", stdout)
        self._guard.add_output(f"stderr of {name}", stderr)
        assert process.returncode is not None
        return Outcome(process.returncode, stdout.decode(), stderr.decode())


@pytest.fixture
def command_line(tmp_path: Path, home: CodexHome, guard: SecretsGuard) -> CommandLine:
    """Run subcommands with a clean environment on the test's folder."""
    return CommandLine(tmp_path, home, guard)


@pytest.fixture
def make_read_only(home: CodexHome) -> Iterator[Callable[[], None]]:
    """Offer to make the Codex folder one that cannot be written, also not by root."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(read_only(home.path))
