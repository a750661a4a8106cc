"""What is shipped is the same, byte for byte, wherever, whenever and by whomever it is made.

So that anybody can make it anew from the sources and compare.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
CLIENT = ROOT / "vscode-client"

EPOCH = "SOURCE_DATE_EPOCH"

SECONDS = 100.0
"""How long one build may take: a ceiling against hangs."""


@dataclass(frozen=True)
class Builder:
    """Somebody who builds: where, how old the files of the checkout are, and what is set there."""

    folder: str
    modified: int
    umask: int
    environment: dict[str, str]


BUILDERS = (
    Builder("a", 1_000_000_000, 0o022, {"TZ": "UTC", "LANG": "C.UTF-8"}),
    Builder("of another/one's", 1_700_000_001, 0o077, {"TZ": "Asia/Tokyo", "LANG": "tr_TR.UTF-8"}),
)


def made(
    tmp_path: Path, take: Callable[[Path], None], words: list[str], product: str, **options: str
) -> list[Path]:
    """Build with each builder in a copy of the sources, and return what was made."""
    found = []
    for builder in BUILDERS:
        folder = tmp_path / builder.folder / "checkout"
        folder.mkdir(parents=True)
        take(folder)
        for path in folder.rglob("*"):
            if "node_modules" not in path.parts and path.is_file():
                path.chmod(0o666 & ~builder.umask)
                os.utime(path, (builder.modified, builder.modified))
        environment = {name: value for name, value in os.environ.items() if name != EPOCH}
        subprocess.run(
            words,
            cwd=folder,
            env=environment | builder.environment | options,
            umask=builder.umask,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
        found += folder.glob(product)
    return found


WHEEL = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]

TIMES = pytest.mark.parametrize(
    ("epoch", "year"), [({}, 2020), ({EPOCH: "1767225600"}, 2026)], ids=["usual time", "own time"]
)


def take_server(folder: Path) -> None:
    """Copy what a wheel is made of."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "server", folder / "server", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)


def take_client(folder: Path) -> None:
    """Copy what a `.vsix` is made of; what npm has installed is linked, file by file."""
    made_here = shutil.ignore_patterns("node_modules", "*.vsix", "dist", "out", "server", "test")
    shutil.copytree(CLIENT, folder, ignore=made_here, dirs_exist_ok=True)
    shutil.copytree(
        CLIENT / "node_modules", folder / "node_modules", symlinks=True, copy_function=_link
    )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def years(archive: Path) -> set[int]:
    with zipfile.ZipFile(archive) as opened:
        return {member.date_time[0] for member in opened.infolist()}


@TIMES
def test_wheel_is_the_same_elsewhere_and_later(tmp_path: Path, epoch, year):
    """Its files have the time that is asked for, or one that is always the same."""
    one, other = made(tmp_path, take_server, WHEEL, "dist/*.whl", **epoch)

    assert one.read_bytes() == other.read_bytes()
    assert years(one) == {year}


@pytest.mark.part("client")
@TIMES
def test_extension_is_the_same_elsewhere_and_later(tmp_path: Path, epoch, year):
    """Whatever the zone, the modes and the times of the checkout's files are."""
    words = ["npm", "run", "--silent", "package"]
    one, other = made(tmp_path, take_client, words, "codex-auth.vsix", **epoch)

    assert one.read_bytes() == other.read_bytes()
    assert years(one) == {year}


def test_server_in_the_extension_is_the_same_elsewhere_and_later(tmp_path: Path):
    """With all that it depends on, out of one `.venv`."""
    copies = []
    for builder in BUILDERS:
        folder = tmp_path / builder.folder / "server"
        folder.parent.mkdir(parents=True)
        subprocess.run(
            [sys.executable, CLIENT / "scripts" / "bundle_server.py", folder],
            env=os.environ | builder.environment,
            umask=builder.umask,
            check=True,
            timeout=SECONDS,
        )
        files = {path for path in folder.rglob("*") if path.is_file()}
        copies.append({path.relative_to(folder): path.read_bytes() for path in files})

    assert copies[0] == copies[1]
    assert copies[0] != {}
