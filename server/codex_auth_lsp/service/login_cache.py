"""The login cache as it is now: `config.toml`, the store that it chooses, and what is in it.

`look` is cheap enough for every request: what did not change is not read again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.config.settings import SYSTEM_CONFIG, Settings, parse_layers, read_config
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.service.refresh_record import RefreshRecord, read_record
from codex_auth_lsp.stores.select import select_store

if TYPE_CHECKING:
    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore, Snapshot

CONFIG_NAME = "config.toml"


@dataclass(frozen=True)
class View:
    """The cache at one moment; with a broken `config.toml`, `settings` are the last good ones.

    `settings_known` is false while no good ones were ever read, and `settings` are the defaults.
    """

    settings: Settings
    settings_error: ConfigurationInvalid | None
    snapshot: Snapshot
    refresh_record: RefreshRecord | None = None
    settings_known: bool = True


class LoginCache:
    """The one login cache of this process."""

    def __init__(self, home: CodexHome) -> None:
        self.home = home
        self._config_paths = (*SYSTEM_CONFIG, home.path / CONFIG_NAME)
        self._config: list[bytes] | None = [b""] * len(self._config_paths)
        self._settings_known = False
        self._settings = Settings()
        self._settings_error: ConfigurationInvalid | None = None
        self.store: CredentialStore = select_store(self._settings.store_mode, home)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files whose changes matter."""
        return (self.home.path / "auth.json", self.home.path / CONFIG_NAME)

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
        self._read_settings()
        return View(
            self._settings,
            self._settings_error,
            self.store.read(),
            read_record(self.refresh_record_path),
            self._settings_known,
        )

    def _read_settings(self) -> None:
        """Read what is there; the same content is parsed once, and the same trouble told once."""
        config: list[bytes] | None = None
        try:
            config = [read_config(path) for path in self._config_paths]
            if config != self._config:
                self._take(parse_layers(list(zip(config, self._config_paths, strict=True))))
        except ConfigurationInvalid as exc:
            if self._settings_error is None or self._settings_error.message != exc.message:
                self._settings_error = exc
        self._config = config
        self._settings_known = self._settings_known or self._settings_error is None

    def _take(self, settings: Settings) -> None:
        if settings.store_mode != self._settings.store_mode:
            self.store = select_store(settings.store_mode, self.home)
        self._settings = settings
        self._settings_error = None
