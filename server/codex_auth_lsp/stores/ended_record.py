"""What a logout has left to do in a locked keyring, told to other windows and to later ones.

One small file beside the login, which names no token: versions are hashes, and owners random ids.
One that cannot be read counts as none, and then nothing is deleted for it. That it is gone says
nothing: a window drops what it knows when it sees for itself that the keyring's entry is another.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.stores.disk import read_regular_file
from codex_auth_lsp.stores.replacement import replace_durably
from codex_auth_lsp.stores.unfinished import Ended

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "auth.json.logout.json"
_MAXIMUM_BYTES = 65536

logger = logging.getLogger(__name__)


class EndedRecord:
    """The record of one CODEX_HOME."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._ended: Ended | None = None
        self._seen: tuple[int, int, int] | None = None

    @property
    def ended(self) -> Ended | None:
        """What a logout was to delete, by this window or another one."""
        signature = self._signature()
        if signature is not None and signature != self._seen:
            self._seen = signature
            self._ended = _read(self._path) or self._ended
        return self._ended

    def write(self, ended: Ended) -> None:
        """Remember this; on the disk as well, if that takes it."""
        self._ended = ended
        values = {
            "at": ended.at,
            "seen": sorted(ended.seen, key=str),
            "owners": sorted(ended.owners),
            "late": sorted(ended.late),
        }
        try:
            replace_durably(self._path, json.dumps(values).encode("ascii"), prefix=".logout-")
        except OSError as exc:
            logger.warning("Only this window knows of the logout: %s", exc.strerror)
        self._seen = self._signature()

    def forget(self) -> None:
        """Drop what is known by now: the entry is another one."""
        self._seen = self._signature()
        self._ended = None

    def done(self) -> None:
        """Drop it for everybody, since the entry was deleted or replaced; with the locks held."""
        self._ended = None
        try:
            self._path.unlink(missing_ok=True)
        except OSError as exc:
            logger.info("%s is still there: %s", self._path, exc.strerror)
        self._seen = self._signature()

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.lstat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: Path) -> Ended | None:
    try:
        values: Any = json.loads(read_regular_file(path, _MAXIMUM_BYTES))
        return Ended(
            float(values["at"]),
            frozenset(
                (str(version), _moment(written_at)) for version, written_at in values["seen"]
            ),
            frozenset(map(str, values["owners"])),
            frozenset(map(str, values["late"])),
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as exc:
        logger.warning("%s is not a record of a logout: %s", path, type(exc).__name__)
        return None


def _moment(value: Any) -> float | None:
    return None if value is None else float(value)
