"""The account name under which a CODEX_HOME's login stands in a keyring.

As the Codex CLI makes it: `cli|` and 16 hex digits of the SHA-256 of the folder's real path, so
that a link to the folder and the folder have one login (observed on version 0.169.0, on Linux).
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_DIGITS = 16


def account_name(home: Path, platform: str = sys.platform) -> str:
    """Return the account name of a CODEX_HOME, which may be missing."""
    try:
        path = os.path.realpath(home, strict=True)
    except OSError:
        path = str(home)
    else:
        path = _verbatim(path) if platform == "win32" else path
    text = os.fsencode(path).decode("utf-8", "replace")
    return "cli|" + hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _verbatim(path: str) -> str:
    r"""Return a Windows path as Rust's `canonicalize` gives it: `\\?\C:\x`, `\\?\UNC\server\x`."""
    if path.startswith("\\\\?\\"):
        return path
    return f"\\\\?\\UNC\\{path[2:]}" if path.startswith("\\\\") else f"\\\\?\\{path}"
