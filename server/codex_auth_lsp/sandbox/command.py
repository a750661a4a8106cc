"""The subcommand `sandbox`: runs the embedded issuer until it is told to stop.

It says on stdout where it listens and how to try it, for people or as one line of JSON. The Codex
folder that it names is private, its own, and gone at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from codex_auth_lsp.sandbox.issuer import SandboxIssuer

_PROGRAM = "codex-auth-lsp"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="listen here (default: a free port)"
    )
    parser.add_argument(
        "--host",
        type=_host,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="listen on this loopback address (default: 127.0.0.1)",
    )
    parser.add_argument("--json", action="store_true", help="say where in one line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Run until Ctrl-C or SIGTERM; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="codex-sandbox-") as codex_home:
        try:
            asyncio.run(_serve(arguments.host, arguments.port, arguments.json, codex_home))
        except OSError as exc:
            where = f"{arguments.host}, port {arguments.port}"
            sys.stderr.write(
                f"{_PROGRAM}: the sandbox cannot listen on {where}: {exc.strerror}; "
                "without --port it takes a free one.\n"
            )
            return 1
        except KeyboardInterrupt:
            pass
    return 0


async def _serve(host: str, port: int, as_json: bool, codex_home: str) -> None:
    from codex_auth_lsp.sandbox.issuer import SandboxIssuer

    stop = asyncio.Event()
    _on_signals(stop)
    async with SandboxIssuer.start(host=host, port=port) as issuer:
        facts = _facts(issuer, codex_home)
        _keep_credentials_here(codex_home, facts["modelBaseUrl"])
        sys.stdout.write(json.dumps(facts) + "\n" if as_json else _for_people(facts))
        sys.stdout.flush()
        await stop.wait()


def _keep_credentials_here(codex_home: str, model_base_url: str) -> None:
    """Let the folder send credentials to the sandbox's models, never to the real ones."""
    config = f"openai_base_url = {json.dumps(model_base_url)}\n"
    Path(codex_home, "config.toml").write_text(config, encoding="utf-8")


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C arrives as KeyboardInterrupt
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _facts(sandbox: SandboxIssuer, codex_home: str) -> dict[str, Any]:
    from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID

    issuer = sandbox.url
    return {
        "issuer": issuer,
        "clientId": CODEX_CLIENT_ID,
        "codexHome": codex_home,
        "command": [*_program(), "--issuer", issuer, "--codex-home", codex_home],
        "modelBaseUrl": f"{issuer}/v1",
        "apiKey": sandbox.state.api_key,
        "control": f"{issuer}/sandbox",
    }


def _program() -> Sequence[str]:
    """Return how this program is started where the example command is pasted."""
    found = shutil.which(_PROGRAM)
    return [_PROGRAM] if found else [sys.executable, "-I", "-m", "codex_auth_lsp"]


def _for_people(facts: dict[str, Any]) -> str:
    language_server = shlex.join(facts["command"])
    return f"""\
The sandbox issuer is running. Nobody there is real, and nothing leaves this computer.

  Issuer         {facts["issuer"]}
  Client id      {facts["clientId"]}
  Models         {facts["modelBaseUrl"]}
  API key        {facts["apiKey"]} (good at these models alone)
  Control        {facts["control"]} (lists what a test can do)
  Codex folder   {facts["codexHome"]} (removed at the end)

Sign in to it from a terminal:
  {language_server} login

Let an editor use it as its language server:
  {language_server}

Sign in with the Codex CLI:
  CODEX_HOME={shlex.quote(facts["codexHome"])} codex login --device-auth \\
    --experimental_issuer {facts["issuer"]}

Press Ctrl-C to stop.
"""


def _host(text: str) -> str:
    from codex_auth_lsp.sandbox.issuer import loopback_address

    try:
        return loopback_address(text)
    except ValueError:
        raise argparse.ArgumentTypeError("the sandbox listens on loopback only") from None


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
