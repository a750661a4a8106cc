"""Who else may read or replace a file with a login in it; told, and not changed.

A file is the matter of its owner alone (the Codex CLI makes it with mode 0600), and so is putting
another one in its place. Both belong to this user, or to root; root is told of no owner, who in a
container often is the very same person. A folder that its group may write is no trouble: many
systems give every person a group of their own. A hard link is another way to the login, and parts
from it when that is replaced. Windows keeps other records, and is not looked at.
"""

from __future__ import annotations

import os
import stat
from shlex import quote
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.errors import Remediation

if TYPE_CHECKING:
    from pathlib import Path

CODE = "storePermissions"

_ROOT = 0
_OTHERS_MAY = stat.S_IRWXG | stat.S_IRWXO


def permission_notices(path: Path) -> tuple[Notice, ...]:
    """Return what is wrong with the permissions of a file, which is no link, and of its folder."""
    if os.name == "nt":
        return ()
    try:
        file, folder = path.stat(), path.parent.stat()
    except OSError:
        return ()  # gone since it was read
    notices = []
    if file.st_mode & _OTHERS_MAY:
        notices.append(
            _notice(
                "file",
                f"Other people on this computer may use the login in {path}.",
                f"Run: chmod 600 {quote(str(path))}",
            )
        )
    for cause, status, where in (("owner", file, path), ("folderOwner", folder, path.parent)):
        if os.geteuid() != _ROOT and status.st_uid not in {_ROOT, os.geteuid()}:
            notices.append(
                _notice(
                    cause,
                    f"{where} belongs to another user of this computer, who may use or replace the "
                    "login in it.",
                    "Move the login to a folder of your own, or ask an administrator for this one",
                )
            )
    if folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
        notices.append(
            _notice(
                "folder",
                f"Other people on this computer may put another login into {path.parent}.",
                f"Run: chmod go-w {quote(str(path.parent))}",
            )
        )
    if file.st_nlink > 1:
        notices.append(
            _notice(
                "link",
                f"The login in {path} can be had under another name too: a hard link.",
                f"Remove the other name; this may find it: find ~ -samefile {quote(str(path))}",
            )
        )
    return tuple(notices)


def _notice(cause: str, message: str, advice: str) -> Notice:
    return Notice(CODE, cause, "warning", message, (Remediation(advice),))
