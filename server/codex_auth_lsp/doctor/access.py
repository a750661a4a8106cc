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
    return os.path.lexists(folder) and not os.access(folder, _USABLE_FOLDER)


def opening(path: Path) -> Remediation:
    """Return what gives a file back to this user, or the folder of it where that is closed."""
    if os.name == "nt":
        return Remediation(f"Give yourself the right to read and write {path}")
    mode = "u+rw"
    if is_closed(path.parent):
        path = path.parent
    if path.is_dir():
        mode = "u+rwx"
    try:
        is_mine = path.stat().st_uid == os.geteuid()
    except OSError:
        is_mine = True  # nobody can tell
    whose = "" if is_mine else f'sudo chown "$USER" {quote(str(path))} && '
    return Remediation(f"Run: {whose}chmod {mode} {quote(str(path))}")
