"""Real editors in terminals: what is typed, what the screen has shown, what they answer.

Each editor runs in a pseudo-terminal of its own, with a HOME in the test's folder. Keys go to the
terminal as a person's do; `ask` looks inside through the editor's own remote interface. What a
person does in each of them is said here once, so that a test need not know which one it has.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import termios
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from e2e.waiting import eventually
from support import parts
from support.lsp_client import clean_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

FOLDER = Path(__file__).resolve().parents[2] / "editors"
"""Where the clients stand."""

ROWS, COLUMNS = 40, 400

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
class Editor(ABC):
    """One editor with its client, in a terminal."""

    sign_in_command: ClassVar[str]
    """What a remedy calls the sign-in."""

    program: Path
    folder: Path
    server: Sequence[str]
    """The command line of the language server."""
    environment: dict[str, str]
    name: str
    terminal: int = -1
    output: bytearray = field(default_factory=bytearray)
    """Everything that it has written to the terminal."""

    @property
    def socket(self) -> Path:
        """Return where it is asked."""
        return self.folder / f"{self.name}.socket"

    @abstractmethod
    def command_line(self) -> list[str]:
        """Write the settings; return the command that starts the editor with them."""

    @abstractmethod
    def remote(self, expression: str) -> list[str]:
        """Return the command that has the editor evaluate an expression."""

    @abstractmethod
    def command(self, name: str) -> int:
        """Type one of the client's commands; return how much was on the screen before."""

    @abstractmethod
    async def sign_in(self, method: str) -> int:
        """Sign in by this method; return how much was on the screen before."""

    @abstractmethod
    async def who(self) -> str:
        """Return what the status line says of the sign-in."""

    @abstractmethod
    def open_page(self) -> None:
        """Press the keys that open the page of the prompt, the cursor being on it."""

    @abstractmethod
    async def prompt(self) -> str:
        """Return what the prompt says; nothing where there is none."""

    @abstractmethod
    async def messages(self) -> str:
        """Return all that was told."""

    @abstractmethod
    async def memory(self) -> str:
        """Return what stands in buffers, histories, registers and logs."""

    @abstractmethod
    async def has_restart_planned(self) -> bool:
        """Say whether a timer will start a server."""

    @abstractmethod
    async def pid(self) -> int:
        """Return the process that has started the server."""

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
        return stdout.decode().strip()

    async def says(self, words: str) -> None:
        """Wait until the status line says this of the sign-in."""
        said = ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                while said != words:
                    said = await self.who()
        assert said == words, self.shown()

    async def prompts(self, text: str) -> None:
        """Wait until the prompt says this; with no text, until there is none."""
        prompt = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE):
                while prompt is None or (text not in prompt if text else prompt):
                    prompt = await self.prompt()
        assert prompt is not None
        assert text in prompt if text else not prompt, self.shown()

    def shown(self, start: int = 0) -> str:
        """Return the text that went to the screen, without what places and colours it."""
        return _ESCAPE_SEQUENCE.sub(b"", bytes(self.output[start:])).decode("utf-8", "replace")

    async def shows(self, text: str, start: int = 0) -> None:
        """Wait until the screen has shown this text, after `start` bytes of output."""
        try:
            await eventually(lambda: text in self.shown(start), text, timeout=DEADLINE)
        except TimeoutError:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.shown(start)}") from None

    async def servers(self) -> list[int]:
        """Return the language servers that it runs."""
        pid = await self.pid()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [child for child in map(int, children) if _is_server(child)]

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Run the editor in a terminal, and end it afterwards."""
        self.terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        try:
            process = await asyncio.create_subprocess_exec(
                *self.command_line(),
                stdin=inner,
                stdout=inner,
                stderr=inner,
                cwd=self.folder,
                env=self.environment,
                preexec_fn=_own_terminal,
            )
        finally:
            os.close(inner)
        asyncio.get_running_loop().add_reader(self.terminal, self._read)
        try:
            await eventually(self._listens, "the editor's socket", timeout=DEADLINE)
            yield
        finally:
            await parts.end(process, DEADLINE)
            asyncio.get_running_loop().remove_reader(self.terminal)
            os.close(self.terminal)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def _read(self) -> None:
        try:
            data = os.read(self.terminal, 65_536)
        except OSError:  # Linux says so when the other end is closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self.terminal)
        self.output += data


def _own_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _is_server(pid: int) -> bool:
    try:
        return b"codex_auth_lsp" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


class Neovim(Editor):
    """Neovim, its LSP log at the most talkative level."""

    sign_in_command = ":CodexSignIn"
    _COMMANDS: ClassVar = {
        "sign-in": "CodexSignIn",
        "cancel": "CodexCancel",
        "paste": "CodexPaste",
        "sign-out": "CodexSignOut",
        "status": "CodexStatus",
    }

    def command_line(self) -> list[str]:
        """Write the settings; return the command that starts the editor with them."""
        settings = self.folder / f"{self.name}.lua"
        words = ", ".join(json.dumps(word) for word in self.server)
        settings.write_text(
            'vim.lsp.log.set_level("trace")\n'
            "local defer = vim.defer_fn\n"
            "Planned = 0\n"
            "vim.defer_fn = function(action, delay)\n"
            "  if delay == 10000 then return defer(action, delay) end\n"  # a server is given up
            "  Planned = Planned + 1\n"
            "  return defer(function() Planned = Planned - 1 action() end, delay)\n"
            "end\n"
            "vim.o.statusline = \"[%{v:lua.require'codex_auth'.statusline()}]\"\n"
            "vim.o.laststatus, vim.o.more = 2, false\n"
            f"require('codex_auth').setup({{ cmd = {{ {words} }} }})\n"
        )
        plugin = f"set runtimepath^={FOLDER / 'nvim'}"
        listen = ["--listen", str(self.socket)]
        return [str(self.program), *listen, "--cmd", plugin, "-S", str(settings)]

    def remote(self, expression: str) -> list[str]:
        """Return the command that has the editor evaluate an expression of Lua."""
        quoted = expression.replace("'", "''")
        call = ["--remote-expr", f"luaeval('{quoted}')"]
        return [str(self.program), "--server", str(self.socket), *call]

    def command(self, name: str) -> int:
        """Type one of the client's commands; return how much was on the screen before."""
        start = len(self.output)
        self.type(f":{self._COMMANDS[name]}\r")
        return start

    async def sign_in(self, method: str) -> int:
        """Sign in by this method; return how much was on the screen before."""
        start = len(self.output)
        self.type(f":CodexSignIn {method}\r")
        return start

    async def who(self) -> str:
        """Return what the status line says of the sign-in."""
        return await self.ask("require('codex_auth').statusline()")

    def open_page(self) -> None:
        """Press the keys that open the page of the prompt, the cursor being on it."""
        self.type("gx")

    async def prompt(self) -> str:
        """Return what the prompt says; nothing where there is none."""
        lines = "vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(0), 0, -1, false)"
        return await self.ask(
            f"#vim.api.nvim_list_wins() > 1 and table.concat({lines}, '\\n') or ''"
        )

    async def messages(self) -> str:
        """Return all that was told."""
        return await self.ask("vim.fn.execute('messages')")

    async def memory(self) -> str:
        """Return what stands in buffers, histories, registers and logs."""
        log = Path(await self.ask("vim.lsp.log.get_filename()")).read_text()
        return log + await self.ask("vim.fn.execute('messages | history all | registers | ls!')")

    async def has_restart_planned(self) -> bool:
        """Say whether a timer will start a server."""
        return await self.ask("Planned") != "0"

    async def pid(self) -> int:
        """Return the process that has started the server."""
        return int(await self.ask("vim.fn.getpid()"))


class Emacs(Editor):
    """Emacs in a terminal."""

    sign_in_command = "M-x codex-auth-sign-in"
    _METHODS: ClassVar = {
        "browser": "Sign in with ChatGPT",
        "deviceCode": "Sign in with a device code",
        "apiKey": "Sign in with an API key",
    }

    def command_line(self) -> list[str]:
        """Write the settings; return the command that starts the editor with them."""
        settings = self.folder / f"{self.name}.el"
        words = " ".join(json.dumps(word) for word in self.server)
        settings.write_text(
            f'(setq server-socket-dir "{self.folder}/" server-name "{self.socket.name}")\n'
            '(setq inhibit-startup-screen t browse-url-generic-program "xdg-open"\n'
            "      suggest-key-bindings nil extended-command-suggest-shorter nil\n"
            "      browse-url-browser-function #'browse-url-generic)\n"
            f"(setq codex-auth-command '({words}))\n"
            "(server-start)\n(codex-auth-mode 1)\n"
        )
        quick = "(setq native-comp-deferred-compilation nil native-comp-jit-compilation nil)"
        client = str(FOLDER / "emacs" / "codex-auth.el")
        loads = ["--eval", quick, "-l", client, "-l", str(settings)]
        return [str(self.program), "-Q", "-nw", *loads]

    def remote(self, expression: str) -> list[str]:
        """Return the command that has the editor evaluate an expression of Lisp."""
        return ["emacsclient", "-s", str(self.socket), "--eval", expression]

    def command(self, name: str) -> int:
        """Type one of the client's commands; return how much was on the screen before."""
        start = len(self.output)
        redraw = "\x0c"  # else a message that stands there already is not written once more
        self.type(f"{redraw}\x1bxcodex-auth-{name}\r")
        return start

    async def sign_in(self, method: str) -> int:
        """Sign in by this method; return how much was on the screen before."""
        start = self.command("sign-in")
        title = self._METHODS[method]
        await self.shows(title, start)
        number = re.search(rf"(\d)\W*{title}", self.shown(start))
        assert number is not None
        self.type(number[1])
        return start

    async def who(self) -> str:
        """Return what the mode line says of the sign-in."""
        return (await self.ask("(codex-auth-mode-line)")).strip('" []')

    def open_page(self) -> None:
        """Press the keys that open the page of the prompt, the cursor being on it."""
        self.type("\x03\r")

    async def prompt(self) -> str:
        """Return what the prompt says; nothing where there is none."""
        text = await self.ask(
            "(if (get-buffer codex-auth--buffer)"
            ' (with-current-buffer codex-auth--buffer (buffer-string)) "")'
        )
        return "" if text == '""' else text

    async def messages(self) -> str:
        """Return all that was told."""
        return await self.ask('(with-current-buffer "*Messages*" (buffer-string))')

    async def memory(self) -> str:
        """Return what stands in buffers, histories, registers and logs."""
        buffers = (
            "(mapconcat (lambda (buffer) (with-current-buffer buffer"
            " (concat (buffer-name) (buffer-substring-no-properties (point-min) (point-max)))))"
            ' (buffer-list) "|")'
        )
        keys = "(concat (seq-filter #'characterp (recent-keys)))"
        histories = f"minibuffer-history extended-command-history kill-ring {keys}"
        return await self.ask(f'(concat {buffers} (format "%S" (list {histories})))')

    async def has_restart_planned(self) -> bool:
        """Say whether a timer will start a server."""
        starts = "(lambda (timer) (eq (timer--function timer) #'codex-auth--start))"
        return await self.ask(f"(seq-some {starts} timer-list)") != "nil"

    async def pid(self) -> int:
        """Return the process that has started the server."""
        return int(await self.ask("(emacs-pid)"))


EDITORS = {
    "neovim": (Neovim, lambda: parts.newer_editor("nvim")),
    "emacs": (Emacs, parts.emacs),
    "newer-emacs": (Emacs, lambda: parts.newer_editor("emacs")),
}
"""The editors that have a client, by the names of `pytest.mark.part`, and where they are."""


@contextlib.asynccontextmanager
async def editor(
    part: str,
    folder: Path,
    desk: Desk,
    server: Sequence[str],
    name: str = "editor",
    **environment: str,
) -> AsyncIterator[Editor]:
    """Run an editor with its client; `name` tells two in one folder apart."""
    kind, find = EDITORS[part]
    program = find()
    assert program is not None  # the test's marker has seen to it
    # From an xterm Emacs would ask what it can do, and take the first keys for the answer.
    variables = {"PATH": desk.path, "TERM": "linux"} | environment
    one = kind(program, folder, server, clean_environment(folder, variables), name)
    async with one.run():
        yield one
