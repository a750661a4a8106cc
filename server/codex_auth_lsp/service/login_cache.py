"""The login cache as it is now: `config.toml`, the store that it chooses, and what is in it.

`look` is cheap enough for every request: what did not change is not read again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.config.settings import Settings, read_settings
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.stores.select import select_store

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore, Snapshot

CONFIG_NAME = "config.toml"


@dataclass(frozen=True)
class View:
    """The cache at one moment; with a broken `config.toml`, `settings` are the last good ones."""

    settings: Settings
    settings_error: ConfigurationInvalid | None
    snapshot: Snapshot


class LoginCache:
    """The one login cache of this process."""

    def __init__(self, home: CodexHome) -> None:
        self.home = home
        self._config_path = home.path / CONFIG_NAME
        self._config_signature: tuple[int, ...] | None = ()
        self._settings = Settings()
        self._settings_error: ConfigurationInvalid | None = None
        self.store: CredentialStore = select_store(self._settings.store_mode, home)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files whose changes matter."""
        return (self.home.path / "auth.json", self._config_path)

    @property
    def refresh_lock_path(self) -> Path:
        """The lock that our process which renews the login holds; beside the real file."""
        return self._beside(".refresh.lock")

    @property
    def refresh_record_path(self) -> Path:
        """What our processes tell one another of the last refresh."""
        return self._beside(".refresh.json")

    def _beside(self, suffix: str) -> Path:
        real_path = Path(os.path.realpath(self.home.path / "auth.json"))
        return real_path.with_name(real_path.name + suffix)

    def look(self) -> View:
        """Return the cache as it is now."""
        signature = self._signature()
        if signature != self._config_signature:
            self._config_signature = signature
            self._read_settings()
        return View(self._settings, self._settings_error, self.store.read())

    def _read_settings(self) -> None:
        mode = self._settings.store_mode
        try:
            self._settings = read_settings(self._config_path)
            self._settings_error = None
        except ConfigurationInvalid as exc:
            self._settings_error = exc
        if self._settings.store_mode != mode:
            self.store = select_store(self._settings.store_mode, self.home)

    def _signature(self) -> tuple[int, ...] | None:
        try:
            status = self._config_path.stat()
        except OSError:
            return None
        return (
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )
