"""A provider's credential command: one run for all who wait, and its output kept for a while.

The program is started without a shell and without stdin, in a process group of its own that ends
with its deadline or when nobody waits any more. It comes from the user's configuration: relative
names are those of CODEX_HOME, since the working directory of a language server is a workspace.
What it prints is a credential: neither stdout nor stderr is ever told or logged.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.errors import AuthError, CredentialCommandFailed, ShuttingDown
from codex_auth_lsp.providers.plain import plain
from codex_auth_lsp.providers.request_credential import fits_header
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.model_providers import CommandSettings

MAXIMUM_OUTPUT = 64 * 1024
"""Bytes that a command may print: far above any token."""

REAP_SECONDS = 2.0
"""How long a process that was ended may take to be gone."""

_CHUNK = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Printed:
    command: CommandSettings
    environment: Mapping[str, str] = field(repr=False)
    token: Secret
    at: float


class _Run:
    def __init__(
        self,
        command: CommandSettings,
        environment: Mapping[str, str],
        task: asyncio.Task[Secret],
    ) -> None:
        self.command = command
        self.environment = environment
        self.task = task
        self.waiting = 0


class CommandRunner:
    """Runs the commands of all providers, and knows what they printed last."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._printed: dict[str, _Printed] = {}
        self._runs: dict[str, _Run] = {}
        self._closed = False

    def _cached(
        self, provider_id: str, command: CommandSettings, environment: Mapping[str, str]
    ) -> Secret | None:
        """Return what the command printed, while it may be used."""
        printed = self._printed.get(provider_id)
        if printed is None or (printed.command, printed.environment) != (command, environment):
            return None
        age = self._clock.monotonic() - printed.at
        interval = command.refresh_interval_ms / 1000
        return printed.token if command.refresh_interval_ms == 0 or age < interval else None

    def forget(self, provider_id: str) -> None:
        """Run the command anew the next time, since the provider refused what it printed."""
        self._printed.pop(provider_id, None)

    async def run(
        self, provider_id: str, command: CommandSettings, environment: Mapping[str, str]
    ) -> Secret:
        """Return the token: a kept one, that of the run under way, or that of a new run.

        Raises:
            CredentialCommandFailed: The command gave none.
            ShuttingDown: The server ends.
        """
        found = self._cached(provider_id, command, environment)
        if found is not None:
            return found
        if self._closed:
            raise ShuttingDown
        run = self._runs.get(provider_id)
        if run is None or (run.command, run.environment) != (command, environment):
            task = asyncio.ensure_future(self._start(provider_id, command, environment))
            run = self._runs[provider_id] = _Run(command, environment, task)
            task.add_done_callback(lambda _: self._ended(provider_id, run))
        run.waiting += 1
        try:
            return await asyncio.shield(run.task)
        except asyncio.CancelledError:
            if run.task.cancelled():
                raise ShuttingDown from None
            raise
        finally:
            run.waiting -= 1
            if run.waiting == 0 and not run.task.done():
                self._ended(provider_id, run)
                run.task.cancel()

    async def close(self) -> None:
        """End what runs."""
        self._closed = True
        tasks = [run.task for run in self._runs.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, provider_id: str, run: _Run) -> None:
        if self._runs.get(provider_id) is run:
            del self._runs[provider_id]
        if run.task.done() and not run.task.cancelled():
            run.task.exception()  # told to whoever still waits

    async def _start(
        self, provider_id: str, command: CommandSettings, environment: Mapping[str, str]
    ) -> Secret:
        try:
            token = await _run(command, environment, self._folder)
        except CredentialCommandFailed as exc:
            raise _named(provider_id, exc) from exc.__cause__
        self._printed[provider_id] = _Printed(command, environment, token, self._clock.monotonic())
        return token


def _named(provider_id: str, error: AuthError) -> CredentialCommandFailed:
    return CredentialCommandFailed(
        f"The command of the provider `{plain(provider_id)}` {error.message}",
        provider_id=provider_id,
    )


async def _run(command: CommandSettings, environment: Mapping[str, str], home: Path) -> Secret:
    """Return what the command prints; errors end a sentence that begins with its name."""
    folder = home / command.cwd if command.cwd is not None else home
    program = _program(command.command, environment, folder)
    if program is None:
        raise CredentialCommandFailed("is not there, or cannot be executed.")
    options: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *command.args,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env=dict(environment),
            **options,
        )
    except (OSError, ValueError) as exc:  # ValueError: a NUL in an argument
        raise CredentialCommandFailed("cannot be started.") from exc
    ended = False
    try:
        async with asyncio.timeout(command.timeout_ms / 1000):
            output = await _output(process)
            status = await process.wait()
        ended = True
    except TimeoutError as exc:
        seconds = command.timeout_ms / 1000
        raise CredentialCommandFailed(
            f"took longer than the {seconds:g} s that its `timeout_ms` allows."
        ) from exc
    finally:
        if not ended:
            await _end(process)
    return _token(output, status)


async def _output(process: asyncio.subprocess.Process) -> bytes:
    output = bytearray()
    while process.stdout is not None and (chunk := await process.stdout.read(_CHUNK)):
        output += chunk
        if len(output) > MAXIMUM_OUTPUT:
            raise CredentialCommandFailed(f"printed more than {MAXIMUM_OUTPUT // 1024} KiB.")
    return bytes(output)


def _token(output: bytes, status: int) -> Secret:
    if status != 0:
        how = f"ended with status {status}" if status > 0 else "was ended by a signal"
        raise CredentialCommandFailed(f"{how}; what it says can be seen when it is run by hand.")
    try:
        token = Secret(output.decode("utf-8").strip())
    except UnicodeDecodeError:
        raise CredentialCommandFailed("printed something that is no text.") from None
    if not token:
        raise CredentialCommandFailed("printed nothing.")
    if not fits_header(token):
        raise CredentialCommandFailed("printed more than one line, or what is no token.")
    return token


def _program(command: str, environment: Mapping[str, str], folder: Path) -> str | None:
    """Return the program's path; only absolute folders of PATH are looked through."""
    separators = {os.sep, os.altsep or os.sep}
    if any(separator in command for separator in separators):
        return shutil.which(str(folder / command))
    folders = environment.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(name for name in folders if Path(name).is_absolute())
    return shutil.which(command, path=path) if path else None


async def _end(process: asyncio.subprocess.Process) -> None:
    """End what is left of the process and of those that it started."""
    if sys.platform != "win32":
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # all of them have ended
    elif process.returncode is None:
        process.kill()
    try:
        await asyncio.wait_for(process.wait(), REAP_SECONDS)
    except TimeoutError:
        pass  # the kernel keeps it; nobody can do more
    finally:
        # A child that left the group may hold the other end of the pipe for ever: ours is closed.
        process._transport.close()  # type: ignore[attr-defined]
