"""The login cache as it is now: `config.toml`, the store that it chooses, and what is in it.

`look` is cheap enough for every request: what did not change is not read again. It never waits,
but for the very first, and for a disk that hangs, which it calls unavailable after 2 s, and from
then on at once until that answers; what else has to be waited for is what `sync` is for.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.config.dotenv import DOTENV_NAME, parse_dotenv
from codex_auth_lsp.config.settings import (
    SYSTEM_CONFIG,
    Settings,
    parse_layers,
    read_config,
    read_system_config,
)
from codex_auth_lsp.errors import ConfigurationInvalid
from codex_auth_lsp.service.refresh_record import (
    RecordInMemory,
    RecordPlace,
    RefreshRecord,
    parse_record,
    read_raw,
)
from codex_auth_lsp.stores.disk_thread import DiskThread
from codex_auth_lsp.stores.file import FILE_NAME, silent_snapshot
from codex_auth_lsp.stores.hanging import Hanging
from codex_auth_lsp.stores.select import Stores
from codex_auth_lsp.values import field, frozen, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codex_auth_lsp.config.home import CodexHome
    from codex_auth_lsp.stores.base import CredentialStore, Removed, Snapshot
    from codex_auth_lsp.stores.leftover import Leftover

CONFIG_NAME = "config.toml"

RECORD_SUFFIX = ".refresh.json"
"""Of the record of the last refresh, beside the real file."""

_SETTLE_SECONDS = 0.1  # how long settings that may be half written have to stand
_LOOK_SECONDS = 0.02  # between two looks at them
_JUST_NOW_SECONDS = 1.0  # since a write that may still go on


def _nobody_watches() -> int | None:
    return None


def _no_variables() -> Mapping[str, str]:
    return MappingProxyType({})


@frozen
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


def _are_same(one: View, other: View) -> bool:
    """Say whether two views show the very same things."""
    return (
        one.snapshot is other.snapshot
        and one.settings is other.settings
        and one.settings_error is other.settings_error
        and one.refresh_record is other.refresh_record
        and one.settings_known is other.settings_known
        and one.variables is other.variables
    )


@frozen
class _Config:
    """What the files of the configuration hold at one moment."""

    content: list[bytes] | None = field(repr=False)
    settings: Settings | None = None
    error: ConfigurationInvalid | None = None


class LoginCache:
    """The one login cache of this process."""

    def __init__(self, home: CodexHome) -> None:
        self.home = home
        self._config_paths = (*SYSTEM_CONFIG, home.path / CONFIG_NAME)
        self._config: list[bytes] | None = None
        self._parsed = _Config(None)
        self._settings_known = False
        self._looked_before = False
        self._doubted_since: float | None = None  # when settings were seen that may be half written
        self._dotenv = b""
        self._variables = _no_variables()
        self._settings = Settings()
        self._settings_error: ConfigurationInvalid | None = None
        self._stores = Stores(home)
        self.store: CredentialStore = self._stores.choose(self._settings.store_mode)
        self._record_in_memory = RecordInMemory()
        self._auth_path = str(home.path / FILE_NAME)
        self._plain_record_path = home.path / (FILE_NAME + RECORD_SUFFIX)
        self._record_raw = b""
        self._record: RefreshRecord | None = None
        self._view: View | None = None
        self.disk = DiskThread()
        self.generation: Callable[[], int | None] = _nobody_watches
        self._looked_in: int | None = None
        self._home_path = str(home.path)
        self._was_writable = False
        self._missed = False  # whether a file was there and could not be read

    @property
    def files(self) -> tuple[Path, ...]:
        """The files whose changes matter.

        Every program takes the lock before it writes a login, wherever that is kept: keyrings do
        not tell of every change by themselves.
        """
        names = ("auth.json", DOTENV_NAME, "auth.lock")
        return (*self._config_paths, *(self.home.path / name for name in names))

    @property
    def refresh_lock_path(self) -> Path | None:
        """The lock that our process which renews the login holds; beside the real file.

        None where no other process has the login.
        """
        return None if self.store is self._stores.memory else self._beside(".refresh.lock")

    @property
    def refresh_record_place(self) -> RecordPlace:
        """What our processes tell one another of the last refresh."""
        if self.store is self._stores.memory:
            return self._record_in_memory
        return self._beside(RECORD_SUFFIX)

    def _beside(self, suffix: str) -> Path:
        real_path = Path(os.path.realpath(self.home.path / "auth.json"))
        return real_path.with_name(real_path.name + suffix)

    def look(self) -> View:
        """Return the cache as it is now; where all is as it was, the same object.

        All content is read each time, whatever its times say, unless the system that watches it can
        tell that nothing has changed. Where the disk does not answer, the store is unavailable.
        """
        if self._view is not None and self._is_unchanged():
            return self._view
        generation = self.generation()
        try:
            view = self.disk.call(self._look)
        except Hanging:
            self._looked_in = None
            return self._silent()
        is_whole = self.has_read_all and not self._missed and view.settings_error is None
        is_plain = view.snapshot.report.health in {"ok", "readOnly"}
        self._looked_in = generation if is_whole and is_plain else None
        self._was_writable = os.access(self._home_path, os.W_OK)
        return view

    def _is_unchanged(self) -> bool:
        """Say, without reading anything, whether the last look saw all that is there now."""
        if self._looked_in is None or self.store is self._stores.memory:
            return False
        return (
            self.has_read_all
            and self._tells_all
            and self.generation() == self._looked_in
            and os.access(self._home_path, os.W_OK) == self._was_writable  # told by no event
        )

    def _silent(self) -> View:
        """Return what was known last, but for the login, which may be another one by now."""
        last = self._view
        if last is None:
            snapshot = silent_snapshot(self.home.path / FILE_NAME)
            last = View(self._settings, None, snapshot, settings_known=False)
        report = replace(
            last.snapshot.report,
            health="unavailable",
            detail=f"The disk with {self.home.path} does not answer.",
        )
        return replace(last, snapshot=replace(last.snapshot, report=report, document=None))

    def _look(self) -> View:
        self._missed = False
        self._read_settings()
        self._read_variables()
        view = View(
            self._settings,
            self._settings_error,
            self.store.read(),
            self._read_record(),
            self._settings_known,
            self._variables,
        )
        is_repeated = self._view is not None and _are_same(view, self._view)
        if self._view is None or not is_repeated or not self._tells_all:
            self._view = view
        return self._view

    @property
    def _tells_all(self) -> bool:
        """Whether nothing but what a view holds is to be known: a keyring has more to it."""
        return self.store.reads_at_once and self._stores.leftover is None

    def _read_record(self) -> RefreshRecord | None:
        if self.store is self._stores.memory:
            return self._record_in_memory.record
        path = self._record_path()
        raw = read_raw(path)
        self._missed = self._missed or (not raw and os.path.lexists(path))
        if raw != self._record_raw:
            self._record_raw, self._record = raw, parse_record(raw)
        return self._record

    def _record_path(self) -> Path:
        """Return the record's path, and save the search for links where there is none to follow."""
        is_link = os.path.islink(self._auth_path)  # noqa: PTH114 - at every look
        return self._beside(RECORD_SUFFIX) if is_link else self._plain_record_path

    @property
    def reads_at_once(self) -> bool:
        """Whether `look` needs no `sync` before it, with the store that is chosen now.

        A disk that hangs is told at once, too.
        """
        if self._is_unchanged():
            return True
        try:
            self.disk.call(self._read_settings)
        except Hanging:
            return True
        return self.has_read_all

    @property
    def has_read_all(self) -> bool:
        """The same of the last look: it found all that is there."""
        return self._doubted_since is None and self.store.reads_at_once

    @property
    def watched_store(self) -> CredentialStore | Leftover:
        """The store, or in a mode without a keyring what a logout had to leave in one."""
        return (self.store.reads_at_once and self._stores.leftover) or self.store

    @property
    def hides_leftover(self) -> bool:
        """Whether nobody is signed in since what the keyring holds is to go after a logout."""
        leftover = None if self.store.reads_at_once else self._stores.leftover
        return leftover is not None and leftover.is_unsettled

    async def sync(self) -> None:
        """Look at what cannot be read at once, so that `look` finds what is there now."""
        await self.settle()
        await self.store.sync()

    async def sync_watched(self) -> None:
        """Look at the same, and at a keyring in which a logout has left something."""
        await self.settle()
        await self.watched_store.sync()

    async def settle(self) -> None:
        """Wait until the settings are no longer such as may be half written: 0.1 s at most."""
        with suppress(Hanging):
            self.disk.call(self._read_settings)
            while self._doubted_since is not None:
                await asyncio.sleep(_LOOK_SECONDS)
                self.disk.call(self._read_settings)

    def _read_settings(self) -> None:
        """Read what is there; the same content is parsed once, and the same trouble told once.

        Most editors empty a file before they write it. What would change a setting, or is none, is
        believed only after it has stood for a moment, so that no login goes elsewhere meanwhile.
        """
        found = self._read_config()
        if found.content != self._config and self._is_doubted(found):
            if self._looked_before:
                return  # the old settings go on meanwhile
            while self._is_doubted(found):  # there are none yet
                time.sleep(_LOOK_SECONDS)
                found = self._read_config()
        self._looked_before = True
        self._doubted_since = None
        if found.content == self._config:
            self._note(found.error)
            return
        self._config = found.content
        self._looked_in = None
        if found.settings is not None:
            self._take(found.settings)
        self._note(found.error)

    def _read_config(self) -> _Config:
        try:
            *below, own = self._config_paths
            content = [*(read_system_config(path) for path in below), read_config(own)]
        except ConfigurationInvalid as exc:
            return _Config(None, error=exc)
        if content != self._parsed.content:
            self._parsed = self._parse(content)
        return self._parsed

    def _parse(self, content: list[bytes]) -> _Config:
        layers = list(zip(content, self._config_paths, strict=True))
        try:
            return _Config(content, parse_layers(layers))
        except ConfigurationInvalid as exc:
            return _Config(content, error=exc)

    def _is_doubted(self, found: _Config) -> bool:
        """Say whether this may be half of something, and has not stood for long enough."""
        if self._is_whole(found) or not self._may_be_half_written():
            return False
        now = time.monotonic()
        if self._doubted_since is None:
            self._doubted_since = now
        return now - self._doubted_since < _SETTLE_SECONDS

    def _may_be_half_written(self) -> bool:
        """Say whether somebody may be writing now; at the start, only what was just written."""
        if self._settings_known:
            return True
        try:
            written_at: float = (self.home.path / CONFIG_NAME).stat().st_mtime
        except OSError:
            return False
        return abs(time.time() - written_at) < _JUST_NOW_SECONDS

    def _is_whole(self, found: _Config) -> bool:
        """Say whether this is no sign of a write that goes on."""
        if found.error is not None or not self._settings_known:
            return found.error is None and any(found.content or ())
        return found.settings == self._settings

    def _note(self, error: ConfigurationInvalid | None) -> None:
        before = self._settings_error
        if error is None or before is None or before.message != error.message:
            self._settings_error = error
        self._settings_known = self._settings_known or error is None

    def _read_variables(self) -> None:
        try:
            dotenv = read_config(self.home.path / DOTENV_NAME)
        except ConfigurationInvalid:
            dotenv = b""  # what cannot be read sets nothing, as for the Codex CLI
            self._missed = True
        if dotenv != self._dotenv:
            self._dotenv = dotenv
            self._variables = parse_dotenv(dotenv)

    def remove(self) -> Removed | None:
        """Remove the login from the store and from the places beside it, as `Store.remove`."""
        from codex_auth_lsp.stores.elsewhere import remove_everywhere  # for a logout alone

        switch = self._settings.secret_auth_storage
        return remove_everywhere(self.store, self._stores, secret_auth_storage=switch)

    def remove_ended(self) -> Removed | None:
        """Ask the person for the keyring, and remove what `remove` could not reach there."""
        leftover = self._stores.leftover
        return leftover.remove_ended() if leftover is not None else None

    def close(self) -> None:
        """Let no call wait for a person any longer."""
        self._stores.close()

    def _take(self, settings: Settings) -> None:
        before, self._settings = self._settings, settings
        if settings.store_choice != before.store_choice:
            self.store = self._stores.choose(
                settings.store_mode, secret_auth_storage=settings.secret_auth_storage
            )
