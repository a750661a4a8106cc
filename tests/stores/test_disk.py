"""What the systems that are not here want for a file to be on the disk; played, not run there."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.stores import disk
from codex_auth_lsp.stores.replacement import replace_durably

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "auth.json"
    path.write_bytes(b"old")
    return path


@pytest.mark.parametrize("takes_it", [True, False])
def test_macos_flushes_the_drive_and_syncs_where_it_cannot(path, monkeypatch, takes_it):
    """(S5) Its `fsync` leaves the content in the drive's memory; some file systems have no more."""
    calls: list[object] = []

    def plain_sync(descriptor: int) -> None:
        calls.append("fsync")
        genuine(descriptor)

    def full_sync(_descriptor: int, command: int) -> None:
        calls.append(command)
        if not takes_it:
            raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    genuine = os.fsync
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", full_sync)
    monkeypatch.setattr(os, "fsync", plain_sync)
    with path.open("r+b") as file:
        disk.sync(file.fileno())

    assert calls == ([51] if takes_it else [51, "fsync"])


@pytest.mark.parametrize("opened", [0, 3, 100])
def test_windows_waits_a_moment_for_who_has_the_file_open(path, monkeypatch, opened):
    """(S5) A virus scanner looks at every new file; who never lets go is an error."""
    pauses = []
    genuine = type(path).replace

    def refuse(source: Path, target: Path) -> Path:
        if len(pauses) < opened:
            raise PermissionError(errno.EACCES, "another program uses it")
        return genuine(source, target)

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(type(path), "replace", refuse)
    monkeypatch.setattr(disk.time, "sleep", pauses.append)
    if opened == 100:
        with pytest.raises(PermissionError):
            replace_durably(path, b"new")
    else:
        replace_durably(path, b"new")

    assert path.read_bytes() == (b"old" if opened == 100 else b"new")
    assert len(pauses) == (9 if opened == 100 else opened)
    assert [entry.name for entry in path.parent.iterdir()] == ["auth.json"]
