"""The third-party parts of the tests: which are on this machine, and where.

npm's parts stand in `tests/parts/node_modules` (`npm ci`), Debian's are listed in
`tests/parts/debian.txt`. A missing part skips the tests that name it, and fails them under CI=true.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).resolve().parents[1] / "parts"
"""Where the parts' manifests and Node scripts stand."""

NPM_REMEDY = "install it with `npm ci --prefix tests/parts`"
DEBIAN_REMEDY = "install it with `sudo make parts`"
NODE_REMEDY = "install Node 20 or newer"
OLD_PYTHON_REMEDY = "install it, with pyenv or uv"
CLIENT_REMEDY = "install them with `npm ci --prefix vscode-client`"

_PLATFORMS = {"Linux": "linux", "Darwin": "darwin", "Windows": "win32"}
_MACHINES = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def node_modules() -> Path | None:
    """Return the folder of npm's parts."""
    folder = FOLDER / "node_modules"
    return folder if folder.is_dir() else None


def npm_package(name: str) -> Path | None:
    """Return the folder of one of npm's parts."""
    folder = FOLDER / "node_modules" / name
    return folder if (folder / "package.json").is_file() else None


def client_bundler() -> Path | None:
    """Return the bundler of the VS Code client, which is there when all of its packages are."""
    manifest = FOLDER.parents[1] / "vscode-client" / "node_modules" / "esbuild" / "package.json"
    return manifest if manifest.is_file() else None


def codex_binary() -> Path | None:
    """Return the Codex CLI's native program, without npm's launcher that would start it."""
    target = f"codex-{_PLATFORMS.get(platform.system())}-{_MACHINES.get(platform.machine())}"
    package = npm_package(f"@openai/{target}")
    if package is None:
        return None
    name = "codex.exe" if platform.system() == "Windows" else "codex"
    return next(package.glob(f"vendor/*/bin/{name}"), None)


def node() -> Path | None:
    """Return the Node program."""
    return _program("node")


def chromium() -> Path | None:
    """Return the Chromium program."""
    return _program("chromium")


def strace() -> Path | None:
    """Return the strace program."""
    return _program("strace")


def nvim() -> Path | None:
    """Return the Neovim program."""
    return _program("nvim")


def emacs() -> Path | None:
    """Return the Emacs program."""
    return _program("emacs")


def newer_editor(name: str) -> Path | None:
    """Return an editor of a newer Debian, which `tests/parts/newer_editors.sh` has unpacked."""
    program = FOLDER / "newer" / "bin" / name
    return program if program.is_file() else None


def old_python(version: str) -> Path | None:
    """Return a Python of this version that works: beside the one that runs this, or on the PATH."""
    ours = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    beside = ours.parents[2].glob(f"{version}.*/bin/python3")  # as pyenv and uv lay them
    on_path = [Path(folder, f"python{version}") for folder in os.get_exec_path()]
    found = [path for path in (*beside, *on_path) if path.is_file()]
    return next((path for path in found if _said_version(path) == version), None)


def _said_version(python: Path) -> str:
    """Return the version that it says; one of pyenv's shims says none where it leads nowhere."""
    words = [python, "-I", "-c", "import sys; print('{}.{}'.format(*sys.version_info))"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


@dataclass(frozen=True, slots=True)
class _Need:
    """One thing that a part is made of."""

    name: str
    find: Callable[[], Path | None]
    remedy: str


_NODE = _Need("node", node, NODE_REMEDY)
_NPM = _Need("npm", lambda: _program("npm"), NODE_REMEDY)


def _debian_program(name: str) -> _Need:
    return _Need(name, lambda: _program(name), DEBIAN_REMEDY)


PARTS: dict[str, tuple[_Need, ...]] = {
    "npm": (_NODE, _NPM),
    **{
        f"python{version}": (
            _Need(f"Python {version}", partial(old_python, version), OLD_PYTHON_REMEDY),
        )
        for version in ("3.8", "3.9", "3.10")
    },
    "client": (_NODE, _NPM, _Need("the client's packages", client_bundler, CLIENT_REMEDY)),
    "codex": (_Need("codex", codex_binary, NPM_REMEDY),),
    "oidc-provider": (
        _NODE,
        _Need("oidc-provider", lambda: npm_package("oidc-provider"), NPM_REMEDY),
    ),
    "chromium": (
        _Need("chromium", chromium, DEBIAN_REMEDY),
        _NODE,
        _Need("playwright-core", lambda: npm_package("playwright-core"), NPM_REMEDY),
    ),
    "strace": (_Need("strace", strace, DEBIAN_REMEDY),),
    "bus": (_debian_program("dbus-daemon"),),
    "keyring": tuple(
        _debian_program(name) for name in ("dbus-daemon", "gnome-keyring-daemon", "secret-tool")
    ),
    "old-neovim": (_Need("nvim", nvim, DEBIAN_REMEDY),),
    "neovim": (_Need("newer nvim", lambda: newer_editor("nvim"), DEBIAN_REMEDY),),
    "newer-emacs": (_Need("newer emacs", lambda: newer_editor("emacs"), DEBIAN_REMEDY),),
    "emacs": (_Need("emacs", emacs, DEBIAN_REMEDY), _debian_program("emacsclient")),
    "faketime": (_debian_program("faketime"),),
    "luacheck": (_debian_program("luacheck"),),
    "display": tuple(_debian_program(name) for name in ("Xvfb", "xdotool")),
}
"""Every name that `pytest.mark.part` knows."""


def require(part_name: str) -> None:
    """Skip the test that runs, or fail it under CI=true, unless the part is there."""
    for need in PARTS[part_name]:
        if need.find() is None:
            message = f"part missing: {need.name}; {need.remedy}"
            if os.environ.get("CI") == "true":
                pytest.fail(message, pytrace=False)
            pytest.skip(message)


def check_marker(item: pytest.Item) -> None:
    """Require what the test's `part` markers name; for `pytest_runtest_setup`."""
    for marker in item.iter_markers("part"):
        for part_name in marker.args:
            require(part_name)


async def end(process: asyncio.subprocess.Process, grace: float) -> int:
    """End a process of ours by its own handle: ask, and after `grace` seconds no longer ask."""
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), grace)
        except TimeoutError:
            process.kill()
    return await process.wait()
