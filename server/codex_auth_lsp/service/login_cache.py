"""The login cache as it is now: `config.toml`, the store that it chooses, and what is in it.

`look` is cheap enough for every request: what did not change is not read again.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.config.dotenv import DOTENV_NAME, parse_dotenv
from codex_auth_lsp.config.settings import SYSTEM_CONFIG, Settings, parse_layers, read_config
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.service.refresh_record import RefreshRecord, read_record
from codex_auth_lsp.stores.select import select_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore, Snapshot

CONFIG_NAME = "config.toml"


def _no_variables() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True)
class View:
    """The cache at one moment; with a broken `config.toml`, `settings` are the last good ones.

    `settings_known` is false while no good ones were ever read, and `settings` are the defaults.
    `variables` are those of `.env`.
    """

    settings: Settings
    settings_error: ConfigurationInvalid | None
    snapshot: Snapshot
    refresh_record: RefreshRecord | None = None
    settings_known: bool = True
    variables: Mapping[str, str] = field(default_factory=_no_variables)


class LoginCache:
    """The one login cache of this process."""

    def __init__(self, home: CodexHome) -> None:
        self.home = home
        self._config_paths = (*SYSTEM_CONFIG, home.path / CONFIG_NAME)
        self._config: list[bytes] | None = [b""] * len(self._config_paths)
        self._settings_known = False
        self._dotenv = b""
        self._variables = _no_variables()
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
        names = ("auth.json", CONFIG_NAME, DOTENV_NAME, "auth.lock")
        return tuple(self.home.path / name for name in names)

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
        self._read_variables()
        return View(
            self._settings,
            self._settings_error,
            self.store.read(),
            read_record(self.refresh_record_path),
            self._settings_known,
            self._variables,
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

    def _read_variables(self) -> None:
        try:
            dotenv = read_config(self.home.path / DOTENV_NAME)
        except ConfigurationInvalid:
            dotenv = b""  # what cannot be read sets nothing, as for the Codex CLI
        if dotenv != self._dotenv:
            self._dotenv = dotenv
            self._variables = parse_dotenv(dotenv)

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
