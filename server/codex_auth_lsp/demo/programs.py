"""The tour's programs: this package as separate processes, on a Codex folder of the tour's own."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.demo.failure import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RUN_SECONDS = 20.0
"""How long a subcommand may take; a logout gives the revocation up to ten."""

_NOT_PASSED_ON = ("CODEX_", "OPENAI_")


def child_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the person's environment without what would mix their own sign-in into the tour."""
    return {
        name: value for name, value in environment.items() if not name.startswith(_NOT_PASSED_ON)
    }


@dataclass(frozen=True)
class Programs:
    """How this package is started; everything that it writes stays in `folder`."""

    folder: Path
    issuer: str
    environment: Mapping[str, str]

    @property
    def home(self) -> Path:
        """The Codex folder that all of them share."""
        return self.folder / "codex"

    def make_home(self) -> None:
        """Make the Codex folder, with a `config.toml` that looks for models at the sandbox."""
        self.home.mkdir(mode=0o700)
        config = f'openai_base_url = "{self.issuer}/v1"\n'
        (self.home / "config.toml").write_text(config, encoding="utf-8")

    def command(self, *arguments: str) -> list[str]:
        """Return a command line; without arguments, that of the language server."""
        options = ("--codex-home", str(self.home), "--issuer", self.issuer)
        return [sys.executable, "-I", "-m", "codex_auth_lsp", *options, *arguments]

    async def run(self, *arguments: str) -> str:
        """Run a subcommand to its end and return what it said on stdout.

        Raises:
            DemoFailed: It failed, or did not end in time.
        """
        name = " ".join(arguments)
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(self.environment),
            cwd=self.folder,
        )
        try:
            async with asyncio.timeout(RUN_SECONDS):
                stdout, stderr = await process.communicate()
        except TimeoutError:
            raise DemoFailed(f"`codex-auth-lsp {name}` did not end in time.") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise DemoFailed(f"`codex-auth-lsp {name}` failed{last_line(stderr)}")
        return stdout.decode("utf-8", "replace").strip()


def last_line(stderr: bytes) -> str:
    """Return the last thing that a program said, as the end of a sentence."""
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1].strip()}" if lines else "."
