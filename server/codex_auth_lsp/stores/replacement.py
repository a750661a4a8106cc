"""A file's next content: a temporary file beside it, which then takes its place in one step.

Promises: mode 0600 from the first byte; the room on the disk is there before there is anything to
write; the content is on the disk before it takes the place; nothing is left behind by a failure.
The name carries that of the file which it is to replace, and its maker holds a lock on it for as
long as it needs it, so that what a killed process left is told from what is in use.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import stat
import sys
import time
from typing import TYPE_CHECKING

from codex_auth_lsp.stores.disk import allocate, rename, sync, sync_folder, write_at
from codex_auth_lsp.stores.lock import try_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FILE_MODE = 0o600
_LOGIN = ".auth-"
_OURS = re.compile(r"\.(?:auth|refresh|logout)-[0-9a-f]{16}")
_STALE_SECONDS = 3600.0

logger = logging.getLogger(__name__)


class Replacement:
    """Room for the next content of one file; `put` or `drop` ends it."""

    def __init__(self, path: Path, size: int, prefix: str = _LOGIN) -> None:
        """Take the room.

        Args:
            path: The file's real path, no symbolic link.
            size: How many bytes are expected.
            prefix: Of the temporary file's name.

        Raises:
            OSError: There is none.
        """
        self.path = path
        self._temporary = path.with_name(f"{_names(path, prefix)}{secrets.token_hex(4)}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor: int | None = os.open(self._temporary, flags, _FILE_MODE)
        try:
            if hasattr(os, "fchmod"):
                os.fchmod(self._descriptor, _FILE_MODE)  # a umask can only have taken bits away
            if sys.platform != "win32":  # where an open file cannot be removed
                try_lock(self._descriptor)
            allocate(self._descriptor, size)
        except BaseException:
            self.drop()
            raise

    def put(self, content: bytes) -> None:
        """Let `content` take the file's place.

        Raises:
            OSError: The old file is as it was, and no temporary file is left.
        """
        descriptor = self._descriptor
        if descriptor is None:
            raise ValueError("this replacement is used up")
        try:
            write_at(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
            sync(descriptor)
            if sys.platform == "win32":
                self._close()  # where an open file cannot be renamed
            rename(self._temporary, self.path)
        except BaseException:
            self.drop()
            raise
        self.drop()
        sync_folder(self.path.parent)

    def drop(self) -> None:
        """Give the room back, unless it was used; safe to call again."""
        self._close()
        try:
            self._temporary.unlink(missing_ok=True)
        except OSError as exc:
            logger.info("%s is still there: %s", self._temporary, exc.strerror)

    def _close(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)


def replace_durably(path: Path, content: bytes, *, prefix: str = _LOGIN) -> None:
    """Put `content` in the place of `path` in one step that survives a power loss.

    Args:
        path: A real path, no symbolic link.
        content: The whole new content.
        prefix: Of the temporary file's name.

    Raises:
        OSError: The old file is as it was, and no temporary file is left.
    """
    Replacement(path, len(content), prefix).put(content)


def sweep(path: Path) -> None:
    """Remove what killed processes of ours have left half done; call it with the locks held.

    Of this file's that is whatever may have a login in it. An empty one may just be on its way, and
    others are not this file's matter: both are left alone for an hour. A Codex CLI's are named
    otherwise.
    """
    old = (
        temporary
        for temporary in path.parent.glob(".*-*")
        if _OURS.fullmatch(temporary.name)
        and _is_stale(temporary)
        and _is_abandoned(temporary, empty_ones=True)
    )
    for temporary in {*_left_behind(path), *old}:
        try:
            temporary.unlink()
        except OSError:
            pass  # not ours to remove, or gone


def _left_behind(path: Path) -> Iterator[Path]:
    """Yield the temporary files with a login for `path` whose makers are gone."""
    for temporary in path.parent.glob(f"{_names(path, _LOGIN)}*"):
        if _OURS.fullmatch(temporary.name) and _is_abandoned(temporary, empty_ones=False):
            yield temporary


def _names(path: Path, prefix: str) -> str:
    """Return how the names of the temporary files for `path` begin, in its folder."""
    return prefix + hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]


def _is_stale(path: Path) -> bool:
    try:
        return path.lstat().st_mtime < time.time() - _STALE_SECONDS
    except OSError:
        return False


def _is_abandoned(path: Path, *, empty_ones: bool) -> bool:
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return False
    try:
        status = os.fstat(descriptor)
        wanted = stat.S_ISREG(status.st_mode) and (empty_ones or status.st_size > 0)
        return wanted and try_lock(descriptor)
    except OSError:
        return False  # locks do not work here, so nobody knows
    finally:
        os.close(descriptor)
