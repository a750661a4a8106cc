"""Real editors in terminals: what is typed, what the screen has shown, what they answer.

Each editor runs in a pseudo-terminal of its own, with a HOME in the test's folder. Keys go to the
terminal as a person's do; `ask` looks inside through the editor's own remote interface.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.waiting import eventually
from support import parts
from support.lsp_client import clean_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

FOLDER = Path(__file__).resolve().parents[2] / "editors"
"""Where the clients stand."""

ROWS, COLUMNS = 40, 240

DEADLINE = 20.0
"""Seconds that an editor may take for anything: a ceiling against hangs."""

_ESCAPE_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-9;:?<>=!\"$' ]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()].|.)"
)


@dataclass
class Desk:
    """The browser of a person: notes each page that an editor opens, outside the test's folder."""

    folder: Path

    def __post_init__(self) -> None:
        script = self.folder / "xdg-open"
        page = self.folder / "page"
        script.write_text(f'#!/bin/sh\nprintf %s "$1" > "{page}.new" && mv "{page}.new" "{page}"\n')
        script.chmod(0o755)

    @property
    def path(self) -> str:
        """Return a PATH in which this browser is the first."""
        return f"{self.folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"

    async def opened(self) -> str:
        """Wait for a page to be opened, and return its address, once."""
        page = self.folder / "page"
        await eventually(page.exists, "a page that was opened", timeout=DEADLINE)
        address = page.read_text()
        page.unlink()
        return address

    def is_idle(self) -> bool:
        """Say whether no page was opened since."""
        return not (self.folder / "page").exists()


@dataclass
class Editor:
    """One editor in a terminal."""

    name: str
    process: asyncio.subprocess.Process
    terminal: int
    remote: Callable[[str], list[str]]
    """The command that has the editor evaluate an expression."""
    environment: dict[str, str]
    output: bytearray = field(default_factory=bytearray)
    """Everything that it has written to the terminal."""

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self.terminal, keys.encode())

    async def ask(self, expression: str) -> str:
        """Return what the editor makes of an expression."""
        process = await asyncio.create_subprocess_exec(
            *self.remote(expression),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
        )
        try:
            stdout, stderr = await asyncio.wait_for(process.communicate(), DEADLINE)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            raise RuntimeError(f"{self.name}: {expression}: {stderr.decode()}")
        return (stdout or stderr).decode().strip()  # Neovim 0.7 answers on stderr

    async def becomes(self, expression: str, expected: str) -> None:
        """Wait until an expression has this value."""
        value = ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                while value != expected:
                    value = await self.ask(expression)
        assert value == expected, self.shown()

    def shown(self, start: int = 0) -> str:
        """Return the text that went to the screen, without what places and colours it."""
        return _ESCAPE_SEQUENCE.sub(b"", bytes(self.output[start:])).decode("utf-8", "replace")

    async def shows(self, text: str, start: int = 0) -> None:
        """Wait until the screen has shown this text, after `start` bytes of output."""
        try:
            await eventually(lambda: text in self.shown(start), text, timeout=DEADLINE)
        except TimeoutError:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.shown(start)}") from None

    def _read(self) -> None:
        try:
            data = os.read(self.terminal, 65_536)
        except OSError:  # Linux says so when the other end is closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self.terminal)
        self.output += data


@contextlib.asynccontextmanager
async def _terminal(
    name: str,
    command: Sequence[str],
    remote: Callable[[str], list[str]],
    environment: dict[str, str],
    folder: Path,
) -> AsyncIterator[Editor]:
    """Run an editor in a terminal, and end it afterwards."""
    terminal, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            cwd=folder,
            env=environment,
            preexec_fn=_own_terminal,
        )
    finally:
        os.close(inner)
    editor = Editor(name, process, terminal, remote, environment)
    asyncio.get_running_loop().add_reader(terminal, editor._read)
    try:
        yield editor
    finally:
        await parts.end(process, DEADLINE)
        asyncio.get_running_loop().remove_reader(terminal)
        os.close(terminal)


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _environment(folder: Path, desk: Desk, **more: str) -> dict[str, str]:
    return clean_environment(folder, {"PATH": desk.path, "TERM": "xterm-256color"} | more)


@contextlib.asynccontextmanager
async def neovim(
    folder: Path, desk: Desk, server: Sequence[str], name: str = "nvim", **environment: str
) -> AsyncIterator[Editor]:
    """Run Neovim with the client, its LSP log at the most talkative level."""
    socket = folder / f"{name}.socket"
    settings = folder / f"{name}.lua"
    command_line = ", ".join(json.dumps(word) for word in server)
    settings.write_text(
        'require("vim.lsp.log").set_level("trace")\n'
        "vim.o.statusline = \"[%{v:lua.require'codex_auth'.statusline()}]\"\n"
        "vim.o.laststatus, vim.o.more = 2, false\n"
        f"require('codex_auth').setup({{ cmd = {{ {command_line} }} }})\n"
    )
    program = str(parts.nvim())
    plugin = f"set runtimepath^={FOLDER / 'nvim'}"
    command = [program, "--listen", str(socket), "--cmd", plugin, "-S", str(settings)]

    def remote(expression: str) -> list[str]:
        return [
            program,
            "--server",
            str(socket),
            "--remote-expr",
            f"luaeval({_quoted(expression)})",
        ]

    env = _environment(folder, desk, **environment)
    async with _terminal(name, command, remote, env, folder) as editor:
        await eventually(socket.exists, "the editor's socket", timeout=DEADLINE)
        yield editor


@contextlib.asynccontextmanager
async def emacs(
    folder: Path, desk: Desk, server: Sequence[str], name: str = "emacs", **environment: str
) -> AsyncIterator[Editor]:
    """Run Emacs with the client."""
    socket = folder / f"{name}.socket"
    settings = folder / f"{name}.el"
    command_line = " ".join(json.dumps(word) for word in server)
    settings.write_text(
        f'(setq server-socket-dir "{folder}/" server-name "{socket.name}")\n'
        '(setq inhibit-startup-screen t browse-url-generic-program "xdg-open"\n'
        "      browse-url-browser-function #'browse-url-generic)\n"
        f"(setq codex-auth-command '({command_line}))\n"
        "(server-start)\n(codex-auth-mode 1)\n"
    )
    client = str(FOLDER / "emacs" / "codex-auth.el")
    quick = "(setq native-comp-deferred-compilation nil native-comp-jit-compilation nil)"
    command = [str(parts.emacs()), "-Q", "-nw", "--eval", quick, "-l", client, "-l", str(settings)]

    def remote(expression: str) -> list[str]:
        return ["emacsclient", "-s", str(socket), "--eval", expression]

    # From an xterm Emacs would ask what it can do, and take the first keys for the answer.
    env = _environment(folder, desk, TERM="linux", **environment)
    async with _terminal(name, command, remote, env, folder) as editor:
        await eventually(socket.exists, "the editor's socket", timeout=DEADLINE)
        yield editor


def _quoted(text: str) -> str:
    """Return the text as a string literal of Vim's script language."""
    return "'" + text.replace("'", "''") + "'"
