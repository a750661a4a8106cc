"""The sandbox issuer as a real process, and what a test may ask of it.

`Sandbox` starts `codex-auth-lsp sandbox --json` once and talks to its control endpoints over HTTP,
as any editor author could. It holds no state of its own: `reset` makes it new for the next test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from support.lsp_client import clean_environment

if TYPE_CHECKING:
    from pathlib import Path

START_DEADLINE = 20.0
"""Seconds until the sandbox must have said where it listens."""

ANSWER_DEADLINE = 10.0
"""Seconds until the sandbox must have answered a control request."""


@dataclass
class Sandbox:
    """One running sandbox."""

    process: subprocess.Popen[bytes]
    announcement: dict[str, Any]
    """The line that it printed at the start."""

    @property
    def issuer(self) -> str:
        return str(self.announcement["issuer"])

    @classmethod
    def start(cls, folder: Path) -> Sandbox:
        """Spawn it in `folder` and wait for the line that tells its address."""
        log = (folder / "sandbox.log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "codex_auth_lsp", "sandbox", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env=clean_environment(folder),
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.wait(START_DEADLINE)
            raise RuntimeError(
                f"the sandbox ended with status {process.returncode}: "
                + (folder / "sandbox.log").read_text()
            )
        return cls(process, json.loads(line))

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(ANSWER_DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
