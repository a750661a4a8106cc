"""The login cache as it is now: `config.toml`, the store that it chooses, and what is in it.

`look` is cheap enough for every request: what did not change is not read again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.config.settings import Settings, parse_settings, read_config
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.service.refresh_record import RefreshRecord, read_record
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
    refresh_record: RefreshRecord | None = None


class LoginCache:
    """The one login cache of this process."""

    def __init__(self, home: CodexHome) -> None:
        self.home = home
        self._config_path = home.path / CONFIG_NAME
        self._config: bytes | None = b""
        self._settings = Settings()
        self._settings_error: ConfigurationInvalid | None = None
        self.store: CredentialStore = select_store(self._settings.store_mode, home)
        self._left_stores: list[CredentialStore] = []

    @property
    def files(self) -> tuple[Path, ...]:
        """The files whose changes matter.

        Every program takes the lock before it writes a login, wherever that is kept: keyrings do
        not tell of every change by themselves.
        """
        return (self.home.path / "auth.json", self._config_path, self.home.path / "auth.lock")

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
        )

    @property
    def reads_at_once(self) -> bool:
        """Whether `look` needs no `sync` before it, with the store that is chosen now."""
        self._read_settings()
        return self.store.reads_at_once

    async def sync(self) -> None:
        """Look at a store that cannot be read at once, so that `look` finds what is there now."""
        self._read_settings()
        await self.store.sync()

    def _read_settings(self) -> None:
        """Read what is there; the same content is parsed once, and the same trouble told once."""
        config: bytes | None = None
        try:
            config = read_config(self._config_path)
            if config != self._config:
                self._take(parse_settings(config, self._config_path))
        except ConfigurationInvalid as exc:
            if self._settings_error is None or self._settings_error.message != exc.message:
                self._settings_error = exc
        self._config = config

    def close(self) -> None:
        """Let no call wait for a person, in any store that was ever chosen."""
        for store in (*self._left_stores, self.store):
            store.close()

    def _take(self, settings: Settings) -> None:
        before, self._settings = self._settings, settings
        if (settings.store_mode, settings.secret_auth_storage) != (
            before.store_mode,
            before.secret_auth_storage,
        ):
            self._left_stores.append(self.store)
            self.store = select_store(
                settings.store_mode, self.home, secret_auth_storage=settings.secret_auth_storage
            )
        self._settings_error = None
