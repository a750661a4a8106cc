"""The browser of this machine, and what can be seen of where the person sits."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.login_method import ServerFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

_REMOTE_VARIABLES = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_CONTAINER_VARIABLES = ("CODESPACES", "REMOTE_CONTAINERS", "KUBERNETES_SERVICE_HOST", "container")
_CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))

_OPENER = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.read()))"
_WSL_VARIABLES = ("WSL_DISTRO_NAME", "WSL_INTEROP")
_SCREEN_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY")
_OPENERS = (
    "xdg-open",
    "x-www-browser",
    "gnome-open",
    "gio",
    "wslview",
    "firefox",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "epiphany",
    "konqueror",
)
_WINDOWS_DRIVES = "/mnt/"  # under WSL; asking there costs milliseconds a file

_OPENER_SECONDS = 5.0
_MAXIMUM_OPENERS = 8  # that go on as long as their browser does

_openers = 0


def is_local(environment: Mapping[str, str]) -> bool:
    """Say whether neither SSH nor a container stands between this process and the person."""
    facts = read_server_facts(environment)
    return not (facts.ssh or facts.container or facts.codespaces)


def read_server_facts(
    environment: Mapping[str, str], *, root: Path = Path("/"), platform: str = sys.platform
) -> ServerFacts:
    """Return what the variables and a few files say of this machine; takes no millisecond.

    Whether ports are taken is not looked at.
    """
    has_desktop = platform != "linux"
    files = (root / path.relative_to("/") for path in _CONTAINER_FILES)
    codespaces = bool(environment.get("CODESPACES"))
    container = any(environment.get(name) for name in _CONTAINER_VARIABLES)
    return ServerFacts(
        ssh=any(environment.get(name) for name in _REMOTE_VARIABLES),
        wsl=any(environment.get(name) for name in _WSL_VARIABLES) or _is_wsl_kernel(root),
        container=not codespaces and (container or any(path.exists() for path in files)),
        codespaces=codespaces,
        has_screen=has_desktop or any(environment.get(name) for name in _SCREEN_VARIABLES),
        has_browser=has_desktop or _has_opener(environment),
    )


def _is_wsl_kernel(root: Path) -> bool:
    try:
        return "microsoft" in (root / "proc/sys/kernel/osrelease").read_text("utf-8").lower()
    except (OSError, ValueError):
        return False


def _has_opener(environment: Mapping[str, str]) -> bool:
    if environment.get("BROWSER"):
        return True
    folders = [
        folder
        for folder in environment.get("PATH", "").split(os.pathsep)
        if folder and not folder.startswith(_WINDOWS_DRIVES)
    ]
    return any(os.access(f"{folder}/{name}", os.X_OK) for folder in folders for name in _OPENERS)


def _absolute_folders(path: str) -> str:
    return os.pathsep.join(name for name in path.split(os.pathsep) if Path(name).is_absolute())


async def open_browser(url: str) -> bool:
    """Ask the desktop to show `url`; return whether it said that it does.

    A Python of its own asks: it gets the address by its stdin, and what an opener prints, which
    may be the address, goes nowhere. Some openers go on as long as the browser does: then both
    are abandoned, and nobody waits for their end.
    """
    global _openers
    if _openers >= _MAXIMUM_OPENERS:
        return False
    _openers += 1  # at once, not only when the thread has begun
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[bool] = loop.create_future()

    def tell(result: bool) -> None:
        if not opened.done():
            opened.set_result(result)

    def ask() -> None:
        global _openers
        try:
            # A workspace is the working directory, and may be found by a relative PATH.
            result = subprocess.run(  # noqa: S603 - our own interpreter and program
                [sys.executable, "-I", "-c", _OPENER],
                input=url.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd=Path(sys.executable).anchor,
                env={**os.environ, "PATH": _absolute_folders(os.environ.get("PATH", os.defpath))},
                check=False,
            )
        except OSError:
            done = False
        else:
            done = result.returncode == 0
        _openers -= 1
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, done)

    threading.Thread(target=ask, daemon=True).start()
    try:
        async with asyncio.timeout(_OPENER_SECONDS):
            return await opened
    except TimeoutError:
        return False
