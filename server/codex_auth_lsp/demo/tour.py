"""The subcommand `demo`: what the tour needs around it, and the promise to leave nothing behind.

The sandbox runs in this process, everything else as the programs that people run. All that is
written stands in one temporary folder; it is gone at the end, and so is every process, whether
the tour was told to the end, failed, or was stopped.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.demo.failure import DemoFailed
from codex_auth_lsp.demo.person import Person, has_browser
from codex_auth_lsp.demo.programs import Programs
from codex_auth_lsp.demo.screen import Screen, Style
from codex_auth_lsp.demo.story import Story
from codex_auth_lsp.desktop import is_local, open_browser
from codex_auth_lsp.sandbox.issuer import SandboxIssuer

if TYPE_CHECKING:
    from collections.abc import Mapping

READING_SECONDS = 0.8
"""How long a person may look at each step."""

_STOPPED = 130


def run_demo() -> int:
    """Give the tour; return the exit status."""
    clock = SystemClock()
    begun = clock.monotonic()
    screen = Screen(sys.stdout, Style.of(sys.stdout, os.environ))
    try:
        with tempfile.TemporaryDirectory(prefix="codex-auth-lsp-demo-") as folder:
            asyncio.run(_tell(screen, Path(folder), os.environ, clock))
    except BrokenPipeError:
        raise  # nobody reads any more
    except (DemoFailed, OSError) as exc:
        sys.stderr.write(f"codex-auth-lsp: the demo ends early: {exc}\n")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("codex-auth-lsp: the demo was stopped; nothing is left behind\n")
        return _STOPPED
    screen.end(
        f"Done in {clock.monotonic() - begun:.1f} s. Servers, sandbox and folder are gone again.",
        "Next: README.md to install it, protocol.md to write a client for your editor,",
        "      codex-auth-lsp sandbox to sign in to the sandbox from your own programs.",
    )
    return 0


async def _tell(
    screen: Screen, folder: Path, environment: Mapping[str, str], clock: SystemClock
) -> None:
    _stop_on_signals()
    asks = has_browser(
        environment,
        interactive=os.isatty(0) and sys.stdout.isatty(),
        local=is_local(environment),
    )
    person = Person(open_browser if asks else None)
    async with SandboxIssuer.start() as issuer:
        programs = Programs(folder, issuer.url, environment)
        programs.make_home()
        pause = READING_SECONDS if sys.stdout.isatty() else 0.0
        await Story(screen, programs, issuer, person, clock, pause).tell()


def _stop_on_signals() -> None:
    """Let a closed terminal and a polite kill end the tour as Ctrl-C does, with all tidied up."""
    task = asyncio.current_task()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if task is None or number is None:
            continue
        try:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        except NotImplementedError:
            return  # Windows has neither
