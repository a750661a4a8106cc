"""The vault that this operating system has."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.stores.vault import Vault


def system_vault(home: Path, platform: str = sys.platform) -> Vault:
    """Return the vault for the login of a CODEX_HOME; no library is imported for it yet."""
    if platform in {"darwin", "win32"}:
        from codex_auth_lsp.stores.system_keyring import SystemKeyringVault

        return SystemKeyringVault(home, platform)
    from codex_auth_lsp.stores.secret_service import SecretServiceVault

    return SecretServiceVault(home)
