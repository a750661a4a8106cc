"""What the systems that are not here want for a file to be on the disk; played, not run there."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from pathlib import Path

import pytest

from codex_auth_lsp.stores import disk
from codex_auth_lsp.stores.replacement import replace_durably


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


def test_file_that_names_no_size_is_read_to_its_end():
    """As those of `/proc`: what is read is all that there is, or an error."""
    path = Path("/proc/self/limits")

    assert disk.read_regular_file(path, 100_000) == path.read_bytes()
    with pytest.raises(OSError, match="too large"):
        disk.read_regular_file(path, 100)


def test_room_is_written_where_the_system_gives_none_beforehand(tmp_path, monkeypatch):
    """On macOS: the zeros that are written take it."""
    monkeypatch.delattr(os, "posix_fallocate")
    with (tmp_path / "room").open("w+b") as file:
        disk.allocate(file.fileno(), 5000)

    assert (tmp_path / "room").read_bytes() == bytes(5000)


def test_file_is_private_where_no_mode_can_be_set_on_an_open_one(path, monkeypatch):
    """It is made as such."""
    monkeypatch.delattr(os, "fchmod")
    replace_durably(path, b"new")

    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
