"""The browser of this machine, and whether the person is likely to sit in front of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMOTE_VARIABLES = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_CONTAINER_VARIABLES = ("CODESPACES", "REMOTE_CONTAINERS", "KUBERNETES_SERVICE_HOST", "container")
_CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))

_OPENER = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.read()))"
_OPENER_SECONDS = 5.0


def is_local(environment: Mapping[str, str]) -> bool:
    """Say whether neither SSH nor a container stands between this process and the person."""
    variables = (*_REMOTE_VARIABLES, *_CONTAINER_VARIABLES)
    if any(environment.get(name) for name in variables):
        return False
    return not any(path.exists() for path in _CONTAINER_FILES)


async def open_browser(url: str) -> bool:
    """Ask the desktop to show `url`; return whether it said that it does.

    A Python of its own asks: it gets the address by its stdin, and what an opener prints, which
    may be the address, goes nowhere. Some openers go on as long as the browser does: then both
    are abandoned, and nobody waits for their end.
    """
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[bool] = loop.create_future()

    def tell(result: bool) -> None:
        if not opened.done():
            opened.set_result(result)

    def ask() -> None:
        try:
            result = subprocess.run(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-I", "-c", _OPENER],
                input=url.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                check=False,
            )
        except OSError:
            done = False
        else:
            done = result.returncode == 0
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, done)

    threading.Thread(target=ask, daemon=True).start()
    try:
        async with asyncio.timeout(_OPENER_SECONDS):
            return await opened
    except TimeoutError:
        return False
