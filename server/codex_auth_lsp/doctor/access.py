"""Whether this user may read and write a file, and the command that mends it."""

from __future__ import annotations

import os
from shlex import quote
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import Remediation

if TYPE_CHECKING:
    from pathlib import Path

_USABLE_FOLDER = os.R_OK | os.X_OK


def is_closed(folder: Path) -> bool:
    """Say whether a folder is there and this user may not look into it."""
    return folder.is_dir() and not os.access(folder, _USABLE_FOLDER)


def may_be_read(path: Path) -> bool:
    """Say whether access is not what keeps this user from a file, which may also be missing."""
    try:
        return os.access(path, os.R_OK) or not (is_closed(path.parent) or path.exists())
    except OSError:
        return False


def opening(path: Path) -> Remediation:
    """Return what gives a file back to this user, or the folder of it where that is closed."""
    if os.name == "nt":
        return Remediation(f"Give yourself the right to read and write {path}")
    if is_closed(path.parent):
        path = path.parent
    return _command("u+rwx" if path.is_dir() else "u+rw", path)


def writing(file: Path, home: Path) -> Remediation | None:
    """Return what lets this user write a login, None where its folders can be written.

    Both the file's own folder and CODEX_HOME, where the locks are, must be.
    """
    for folder in (home, file.resolve().parent):
        if not folder.is_dir() or os.access(folder, os.W_OK):
            continue
        if os.name == "nt":
            return Remediation(f"Give yourself the right to write into {folder}")
        if folder.stat().st_mode & 0o200 and _is_mine(folder):
            return Remediation(
                f"Let the disk of {folder} be written, or name another folder with --codex-home or "
                "CODEX_HOME"
            )
        return _command("u+w", folder)
    return None


def _command(mode: str, path: Path) -> Remediation:
    whose = "" if _is_mine(path) else f'sudo chown "$USER" {quote(str(path))} && '
    return Remediation(f"Run: {whose}chmod {mode} {quote(str(path))}")


def _is_mine(path: Path) -> bool:
    try:
        return path.stat().st_uid == os.geteuid()
    except OSError:
        return True  # nobody can tell
