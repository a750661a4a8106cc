"""The configuration as the login cache believes it, while somebody saves it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.service import login_cache
from codex_auth_lsp.service.login_cache import LoginCache
from stores.store_contract import KEY, store_login

if TYPE_CHECKING:
    from pathlib import Path

EPHEMERAL = 'cli_auth_credentials_store = "ephemeral"\nforced_login_method = "api"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(EPHEMERAL)
    return path


@pytest.fixture
def cache(tmp_path: Path, config: Path) -> LoginCache:
    return LoginCache(CodexHome(tmp_path, "option"))


class Editor:
    """Empties the file and writes it at the second pause of whoever reads it meanwhile."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self.pauses = 0
        path.write_text("")

    def sleep(self, seconds: float) -> None:
        assert seconds < 0.1
        self.pauses += 1
        if self.pauses == 2:
            self._path.write_text(self._text)

    async def sleep_of_the_loop(self, seconds: float) -> None:
        self.sleep(seconds)


async def settled(cache: LoginCache) -> tuple[str, str | None, bool]:
    """Return what is believed when nobody writes any more."""
    await cache.sync()
    return modes(cache)


def modes(cache: LoginCache) -> tuple[str, str | None, bool]:
    view = cache.look()
    settings = view.settings
    return (settings.store_mode, settings.forced_login_method, view.settings_error is None)


@pytest.mark.parametrize("left", ["", 'cli_auth_credentials_store = "ephem', "[features]\n"])
async def test_half_written_configuration_changes_nothing(cache, config, monkeypatch, left):
    """Neither where logins are kept nor who may sign in."""
    assert modes(cache) == ("ephemeral", "api", True)
    store_login(cache.store, KEY)
    editor = Editor(config, EPHEMERAL + "# saved\n")
    config.write_text(left)
    monkeypatch.setattr(login_cache.asyncio, "sleep", editor.sleep_of_the_loop)

    assert modes(cache) == ("ephemeral", "api", True)
    assert not cache.reads_at_once
    assert await settled(cache) == ("ephemeral", "api", True)
    assert (editor.pauses, KEY) == (2, cache.look().snapshot.credential)
    assert cache.reads_at_once


async def test_nothing_stands_still_while_a_change_is_waited_for(cache, config):
    """A look has the old settings; `sync` comes back with the new ones, and the loop runs on."""
    cache.look()
    config.write_text(EPHEMERAL.replace("api", "chatgpt"))
    started = time.monotonic()
    for _ in range(3):
        assert modes(cache) == ("ephemeral", "api", True)
    assert time.monotonic() - started < 0.05
    turns, waiting = 0, asyncio.ensure_future(cache.sync())
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)

    assert modes(cache) == ("ephemeral", "chatgpt", True)
    assert turns > 100


def test_configuration_that_is_just_written_at_the_start_is_waited_for(cache, config, monkeypatch):
    """An empty moment does not become the first good settings."""
    editor = Editor(config, EPHEMERAL)
    monkeypatch.setattr(login_cache.time, "sleep", editor.sleep)

    assert modes(cache) == ("ephemeral", "api", True)


def test_configuration_that_was_empty_for_long_is_not_waited_for(cache, config, monkeypatch):
    """A window starts as fast as without one."""
    config.write_text("")
    os.utime(config, (1, 1))
    monkeypatch.setattr(login_cache.time, "sleep", lambda _: pytest.fail("waited"))

    assert modes(cache) == ("file", None, True)


async def test_configuration_that_stays_empty_is_believed(cache, config):
    """It says nothing, so the defaults hold; the next content is read as ever."""
    cache.look()
    config.write_text("")
    assert await settled(cache) == ("file", None, True)
    config.write_text(EPHEMERAL)

    assert await settled(cache) == ("ephemeral", "api", True)


async def test_login_in_memory_outlives_another_mode(cache, config):
    """Nothing else has it."""
    cache.look()
    store_login(cache.store, KEY)
    config.write_text("")
    await cache.sync()
    assert cache.look().snapshot.credential is None
    config.write_text(EPHEMERAL)
    await cache.sync()

    assert cache.look().snapshot.credential == KEY


def test_settings_that_others_do_not_concern_are_believed_at_once(cache, config):
    """Programs write their own keys often."""
    cache.look()
    config.write_text(EPHEMERAL + 'model = "x"\n')

    assert cache.reads_at_once
    assert modes(cache) == ("ephemeral", "api", True)


def test_plain_saves_by_another_thread_are_never_seen_halfway(cache, config, monkeypatch):
    """As an editor makes them: the old content goes before the new one comes.

    The clock stands still: to a machine that is busy, one of these saves may take too long.
    """
    cache.look()
    standing = SimpleNamespace(monotonic=lambda: 0.0, time=time.time, sleep=time.sleep)
    monkeypatch.setattr(login_cache, "time", standing)
    done, looked = threading.Event(), threading.Event()

    def save() -> None:
        for number in range(100):
            config.write_text("")
            looked.clear()
            looked.wait(0.002)  # until somebody looks at the empty file, or not
            config.write_text(f"{EPHEMERAL}# {number}\n")
            looked.clear()
            looked.wait(0.1)
        done.set()

    saving = threading.Thread(target=save)
    saving.start()
    seen = set()
    while not done.is_set():
        seen.add(modes(cache))
        looked.set()
    saving.join()

    assert seen == {("ephemeral", "api", True)}


async def test_logout_in_another_mode_ends_the_login_in_memory_as_well(cache, config):
    """It would come back with the old mode."""
    cache.look()
    store_login(cache.store, KEY)
    config.write_text("")
    await cache.sync()
    removed = cache.remove()
    config.write_text(EPHEMERAL)
    await cache.sync()

    assert removed is not None
    assert (removed.credential, removed.stores) == (KEY, ("memory",))
    assert cache.look().snapshot.credential is None
