"""The servers that are measured, each behind a small adapter: how it starts, what it is asked.

A further one that speaks JSON-RPC over its pipes is one more entry.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support import codex_cli, parts
from support.lsp_client import clean_environment, server_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OURS, PYGLS, CODEX, COPILOT = "codex-auth-lsp", "minimal pygls", "codex app-server", "copilot"

BENCH = Path(__file__).parent

COPILOT_PACKAGE = "@github/copilot-language-server"

API_KEY = "sk-example-for-a-bench"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server: its command and environment on a folder, its words, and what a request is."""

    name: str
    command: Callable[[Path], list[str]]
    environment: Callable[[Path], Mapping[str, str]]
    initialize: dict[str, Any]
    initialized: str
    method: str
    """The request that asks for the state of sign-in."""
    params: dict[str, Any] | None
    framed: bool = True
    """Whether messages have LSP's header; else each is a line."""
    says_shutdown: bool = True

    def encode(self, message: dict[str, Any]) -> bytes:
        """Return the bytes of a message."""
        body = json.dumps(message, separators=(",", ":")).encode()
        return b"Content-Length: %d\r\n\r\n%b" % (len(body), body) if self.framed else body + b"\n"

    def request(self, number: int) -> bytes:
        """Return the bytes of a request for the state of sign-in."""
        params = {} if self.params is None else {"params": self.params}
        return self.encode({"jsonrpc": "2.0", "id": number, "method": self.method, **params})


def all_peers() -> list[Peer]:
    """Return the servers that are on this machine, ours first."""
    return [
        peer
        for peer, is_there in (
            (_ours(), True),
            (_pygls(), True),
            (_codex(), parts.codex_binary() is not None),
            (_copilot(), copilot_binary() is not None),
        )
        if is_there
    ]


def store_login(home: Path) -> None:
    """Store an API key as the Codex CLI does, so that every server has somebody signed in."""
    home.mkdir(mode=0o700, exist_ok=True)
    login = {"auth_mode": "apikey", "OPENAI_API_KEY": API_KEY}
    (home / "auth.json").write_text(json.dumps(login, indent=2))
    (home / "auth.json").chmod(0o600)


_AUTH = {"experimental": {"auth": {"loginPrompt": True}}}


def _ours() -> Peer:
    return Peer(
        OURS,
        lambda folder: server_command(home=folder / "codex", log_level=None),
        clean_environment,
        {"processId": None, "rootUri": None, "capabilities": _AUTH},
        "initialized",
        "auth/status",
        None,
    )


def _pygls() -> Peer:
    return Peer(
        PYGLS,
        lambda _: [sys.executable, "-I", str(BENCH / "minimal_pygls.py")],
        clean_environment,
        {"processId": None, "rootUri": None, "capabilities": {}},
        "initialized",
        "auth/status",
        {},
    )


def _codex() -> Peer:
    return Peer(
        CODEX,
        lambda _: [str(parts.codex_binary()), "app-server"],
        lambda folder: codex_cli.clean_environment(folder / "codex", folder),
        {"clientInfo": {"name": "bench", "title": "bench", "version": "1"}},
        "initialized",
        "account/read",
        {},
        framed=False,
        says_shutdown=False,
    )


def _copilot() -> Peer:
    return Peer(
        COPILOT,
        lambda _: [str(copilot_binary()), "--stdio"],
        clean_environment,
        {
            "processId": None,
            "rootUri": None,
            "capabilities": {},
            "initializationOptions": {
                "editorInfo": {"name": "bench", "version": "1"},
                "editorPluginInfo": {"name": "bench", "version": "1"},
            },
        },
        "initialized",
        "checkStatus",
        {},
    )


def copilot_binary() -> Path | None:
    """Return Copilot's native program, which `make bench` installs when it is asked to."""
    modules = parts.FOLDER.parents[1] / ".cache" / "bench" / "node_modules"
    return next(modules.glob(f"{COPILOT_PACKAGE}-*/copilot-language-server*"), None)
