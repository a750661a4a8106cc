"""A pseudo-terminal with a program in it, which a test reads and types at as a person does."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from support import parts

try:
    import fcntl
    import pty
    import termios
except ImportError:  # Windows
    pty = None

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

EXISTS = pty is not None
DEADLINE = 15.0
"""Seconds that something has to be shown in: a ceiling against hangs."""


@dataclass
class Terminal:
    """One with a running program."""

    process: asyncio.subprocess.Process
    descriptor: int
    received: bytearray = field(default_factory=bytearray)

    @classmethod
    @asynccontextmanager
    async def running(
        cls, *command: str, folder: Path, environment: Mapping[str, str]
    ) -> AsyncIterator[Terminal]:
        """Run a command whose terminal it is, for the time of a block."""
        master, slave = pty.openpty()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=folder,
                env=environment,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )
            terminal = cls(process, master)
            os.set_blocking(master, False)
            loop = asyncio.get_running_loop()
            loop.add_reader(master, terminal._read)
            try:
                yield terminal
            finally:
                loop.remove_reader(master)
                await parts.end(process, grace=0)
        finally:
            os.close(slave)  # so long, that what it is set to can be looked at
            os.close(master)

    @property
    def shown(self) -> str:
        """Return what the screen has shown until now."""
        return self.received.decode(errors="replace").replace("\r\n", "\n")

    @property
    def shows_typing(self) -> bool:
        """Return whether the terminal is set to echo."""
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    async def until(self, pattern: str) -> re.Match[str]:
        """Wait until the screen has shown what matches."""
        end = time.monotonic() + DEADLINE
        while (found := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < end, self.shown
            await asyncio.sleep(0.01)
        return found

    async def until_typing_is_shown(self, expected: bool) -> None:
        """Wait until the terminal is set so."""
        end = time.monotonic() + DEADLINE
        while self.shows_typing is not expected:
            assert time.monotonic() < end, self.shown
            await asyncio.sleep(0.01)

    async def type(self, text: str) -> None:
        """Type or paste, as fast as the terminal takes it."""
        left = text.encode()
        while left:
            try:
                left = left[os.write(self.descriptor, left) :]
            except BlockingIOError:
                await asyncio.sleep(0.01)

    def _read(self) -> None:
        try:
            self.received += os.read(self.descriptor, 65_536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self.descriptor)
