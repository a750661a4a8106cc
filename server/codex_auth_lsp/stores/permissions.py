"""Who else may read or replace a file with a login in it; told, and not changed.

A file is the matter of its owner alone (the Codex CLI makes it with mode 0600), and so is putting
another one in its place. A folder that its group may write is no trouble: many systems give every
person a group of their own. Windows keeps other records, and is not looked at.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.errors import Remediation

if TYPE_CHECKING:
    from pathlib import Path

CODE = "storePermissions"

_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


def permission_notices(path: Path) -> tuple[Notice, ...]:
    """Return what is wrong with the permissions of a file, which is no link, and of its folder."""
    if os.name == "nt":
        return ()
    try:
        file_mode, folder_mode = path.stat().st_mode, path.parent.stat().st_mode
    except OSError:
        return ()  # gone since it was read
    notices = []
    if file_mode & _OTHERS_MAY:
        notices.append(
            _notice(
                "file",
                f"Other people on this computer may use the login in {path}.",
                f"Run: chmod 600 {path}",
            )
        )
    if folder_mode & stat.S_IWOTH and not folder_mode & stat.S_ISVTX:
        notices.append(
            _notice(
                "folder",
                f"Other people on this computer may put another login into {path.parent}.",
                f"Run: chmod go-w {path.parent}",
            )
        )
    return tuple(notices)


def _notice(cause: str, message: str, advice: str) -> Notice:
    return Notice(CODE, cause, "warning", message, (Remediation(advice),))
