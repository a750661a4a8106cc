"""Codex's own encrypted store, which this server neither reads nor writes beside.

With the feature `secret_auth_storage` the Codex CLI keeps the login in `secrets/codex_auth.age`
(age format, passphrase in the keyring) where the store mode is `keyring` or `auto`, and looks at
no other place. A second login beside it would be seen by one of the two programs only.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = ("secrets", "codex_auth.age")


def secret_auth_storage_problem(
    home: Path, feature: bool | None, platform: str = sys.platform
) -> str | None:
    """Return why the keyring is not used, None where Codex's encrypted store holds no login.

    Args:
        home: The CODEX_HOME.
        feature: What `[features]` says; None where it says nothing.
        platform: `sys.platform`. On Linux the feature is off until it is switched on (observed on
            0.169.0); elsewhere its default is not known, and the file speaks for itself.
    """
    if not (feature or (feature is None and platform != "linux")):
        return None
    path = home.joinpath(*FILE)
    try:
        holds_something = path.stat().st_size > 0
    except OSError:
        return None
    if not holds_something:
        return None
    return (
        f"Codex keeps the login in its encrypted store {path}, which only Codex itself can use; "
        "set `secret_auth_storage = false` under `[features]` in config.toml to use the keyring."
    )
