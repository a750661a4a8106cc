"""A status shows what anybody changed before it was asked for, however quietly that was done.

The promise: a change of a file, of what leads to it, or of what may be done with it that was
complete before the request is in the answer. Each test makes sure first that the status is one that
is told again without being made anew; in a window whose files are watched, without a look at them.
"""

from __future__ import annotations

import asyncio
import errno
import mmap
import os
import threading
import time
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.service.refresh_record import RefreshRecord, write_record
from e2e.shapes import CLIENT_ID, aged, api_key_login, changed, chatgpt_login, codex_bytes, id_token
from service.refresh_bench import LyingClock
from support.bind_mount import mounted
from support.read_only import read_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECONDS = 20.0
"""A ceiling against hangs."""

LOGIN = aged(chatgpt_login(), left=3600)
ADA, EVE = (
    codex_bytes(changed(LOGIN, id_token=id_token(email=f"{name}@example.com")))
    for name in ("ada", "eve")
)
KEY = codex_bytes(api_key_login("sk-example-of-a-test"))


class Window:
    """A service that was asked so often that nothing of its status is new to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / "auth.json"
        self.clock = LyingClock()
        issuer = IssuerSettings(OPENAI_ISSUER, CLIENT_ID)
        options = ServiceOptions(CodexHome(home, "option"), issuer, {})
        self.service = AuthService(options, self.clock)

    def status(self) -> dict[str, Any]:
        status = self.service.status_at_once()
        assert status is not None
        return status

    def is_known(self) -> bool:
        """Say whether two looks find the very same."""
        return self.service.status() is self.service.status()

    def status_of_now(self) -> dict[str, Any]:
        """Return what is known, settled or not."""
        return self.service.status()

    async def sync(self) -> None:
        """Let settings that were written a moment ago be believed."""
        await self.service.sync()

    @property
    def health(self) -> str:
        return str(self.status()["store"]["health"])

    @property
    def causes(self) -> list[str]:
        self.status()
        return [notice.cause for notice in self.service.view.snapshot.report.notices]


class WatchedWindow(Window):
    """The same one with its files watched, from an event loop on a thread of its own."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self._loop = asyncio.new_event_loop()
        self._looks = 0
        disk = self.service._cache.disk
        look = disk.call

        def counted(*args: Any) -> Any:
            self._looks += 1
            return look(*args)

        disk.call = counted  # type: ignore[method-assign]
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._there(self.service.start)

    def status(self) -> dict[str, Any]:
        return self._there(super().status)

    def status_of_now(self) -> dict[str, Any]:
        return self._there(super().status_of_now)

    async def sync(self) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(super().sync(), self._loop))

    def is_known(self) -> bool:
        """Say whether the same is told without a look, once the watch is in place."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            first, looks = self.status(), self._looks
            if self.status() is first and self._looks == looks:
                return True
            time.sleep(0.01)
        return False

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.service.close(hurried=True), self._loop).result(
            SECONDS
        )
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _there(self, action: Callable[[], Any]) -> Any:
        async def act() -> Any:
            return action()

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(SECONDS)


def store(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


@pytest.fixture(params=["not watched", "watched"])
def open_window(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Window]]:
    """Return what opens a window, whose files are watched or not."""
    opened = []

    def open_it(home: Path) -> Window:
        opened.append((WatchedWindow if request.param == "watched" else Window)(home))
        return opened[-1]

    yield open_it
    for window in opened:
        if isinstance(window, WatchedWindow):
            window.close()


@pytest.fixture
def window(tmp_path: Path, open_window: Callable[[Path], Window]) -> Window:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    store(home / "auth.json", ADA)
    window = open_window(home)
    assert window.is_known()
    assert window.status()["account"]["email"] == "ada@example.com"
    return window


@contextmanager
def same_times(path: Path) -> Iterator[None]:
    """Put a file's times back, as a restored backup or a clock that was set has them."""
    before = path.stat()
    yield
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def write_in_place(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        file.write(content)


def write_through_memory(path: Path, content: bytes) -> None:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        memory[:] = content


def put_in_place(path: Path, content: bytes) -> None:
    other = path.with_name("other")
    store(other, content)
    before = path.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


WAYS = [write_in_place, write_through_memory, put_in_place]


@pytest.mark.parametrize("write", WAYS, ids=lambda way: way.__name__)
def test_other_content_of_the_same_size_and_times_is_told(window, write):
    """Times do not decide what is the same.

    A watch is told nothing of what is written through memory, and all the more of times put back.
    """
    assert len(ADA) == len(EVE)
    for name, content in (("eve", EVE), ("ada", ADA), ("eve", EVE)):
        with same_times(window.path):
            write(window.path, content)

        assert window.status()["account"]["email"] == f"{name}@example.com"
        assert window.is_known()


def test_removed_and_new_files_are_told(window):
    """Both ways, and a folder that goes and comes with its file."""
    window.path.unlink()
    assert (window.status()["state"], window.is_known()) == ("signedOut", True)
    store(window.path, KEY)
    assert (window.status()["method"], window.is_known()) == ("apiKey", True)
    aside = window.home.with_name("aside")
    window.home.rename(aside)
    assert window.health == "unavailable"
    aside.rename(window.home)
    assert window.status()["method"] == "apiKey"


def test_another_folder_in_the_place_of_the_first_is_told(window, tmp_path):
    """Its file may have the same size and times."""
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    store(other / "auth.json", KEY)
    window.home.rename(tmp_path / "first")
    other.rename(window.home)

    assert window.status()["method"] == "apiKey"


def test_links_are_followed_to_where_they_lead_now(tmp_path, open_window):
    """A link to the folder or in it may lead elsewhere at any time."""
    for name, content in (("one", ADA), ("two", KEY)):
        (tmp_path / name).mkdir(mode=0o700)
        store(tmp_path / name / "auth.json", content)
    home = tmp_path / "link"
    home.symlink_to("one")
    window = open_window(home)
    assert (window.status()["method"], window.is_known()) == ("chatgpt", True)
    home.unlink()
    home.symlink_to("two")
    assert (window.status()["method"], window.is_known()) == ("apiKey", True)
    window.path.unlink()
    window.path.symlink_to("../one/auth.json")
    assert window.status()["method"] == "chatgpt"
    store(tmp_path / "one" / "auth.json", KEY)
    assert window.status()["method"] == "apiKey"


async def test_settings_and_variables_are_those_of_now(window):
    """Of the same size and times, too; settings have to stand for a moment before they count."""
    config, variables = window.home / "config.toml", window.home / ".env"
    for provider in ("one", "two"):
        text = f'model_provider = "{provider}"\n[model_providers.{provider}]\nname = "x"\n'
        config.write_text(text + 'base_url = "https://example.com"\nenv_key = "THE_KEY"\n')
        os.utime(config, ns=(10**18, 10**18))
        await window.sync()
        assert window.status()["provider"]["id"] == provider
        for name in ("THE_KEY", "NO__KEY"):
            variables.write_text(f"{name}=something\n")
            os.utime(variables, ns=(10**18, 10**18))
            assert window.status()["provider"]["id"] == provider
            assert list(window.service.view.variables) == [name]
            assert window.is_known()


def test_record_of_another_window_is_told(window):
    """Another process was refused for good with these tokens."""
    credential = window.service.view.snapshot.credential
    assert isinstance(credential, ChatGptCredential)
    refusal = RefreshRecord(
        credential.refresh_token.fingerprint(), window.clock.now(), "needsReauth"
    )
    write_record(window.home / "auth.json.refresh.json", refusal)

    assert (window.status()["state"], window.is_known()) == ("needsReauth", True)


def test_expiry_is_told_at_its_time_and_by_a_clock_that_was_set_back(window):
    """Nothing but the time has changed."""
    assert window.status()["freshness"] == "fresh"
    for hours, freshness in ((2, "stale"), (0, "fresh"), (2, "stale")):
        window.clock.lie = timedelta(hours=hours)
        assert (window.status()["freshness"], window.is_known()) == (freshness, True)


def test_permissions_and_other_names_are_told_when_they_change(window, tmp_path):
    """They are notices, and no part of the content."""
    for _ in range(2):
        window.path.chmod(0o640)
        assert window.causes == ["file"]
        window.path.chmod(0o600)
        assert (window.causes, window.is_known()) == ([], True)
        window.home.chmod(0o777)
        assert window.causes == ["folder"]
        window.home.chmod(0o700)
        assert (window.causes, window.is_known()) == ([], True)
        (tmp_path / "second").hardlink_to(window.path)
        assert window.causes == ["link"]
        (tmp_path / "second").unlink()
        assert (window.causes, window.is_known()) == ([], True)


@pytest.mark.parametrize(
    "change",
    [
        lambda window: read_only(window.home),
        lambda window: mounted(window.path, window.path),
    ],
    ids=["a folder that takes nothing", "a file that is mounted on itself"],
)
def test_store_that_cannot_be_written_is_told_from_then_to_the_end(
    window, change: Callable[[Window], AbstractContextManager[None]]
):
    """The file, its folder and all their times are the same before and after."""
    for _ in range(2):
        with change(window):
            assert window.health == "readOnly"
        assert window.health == "ok"
        assert window.is_known()


def _open_unless(opened: Any, name: str, path: Any, *options: Any, **more: Any) -> int:
    if os.fspath(path).endswith(f"/{name}"):
        raise OSError(errno.EMFILE, "no descriptor left")
    return int(opened(path, *options, **more))


def test_read_that_failed_for_a_moment_is_made_again(window, monkeypatch):
    """No descriptor was left, for example; nothing tells that there is one again."""
    for name in ("auth.json", ".env", "auth.json.refresh.json"):
        (window.home / ".env").write_text("NAME=value\n")
        window.clock.lie += timedelta(seconds=1)
        write_record(
            window.home / "auth.json.refresh.json",
            RefreshRecord("0" * 16, window.clock.now(), "sent"),
        )
        assert window.is_known()
        before = window.status()
        with monkeypatch.context() as failing:
            failing.setattr(os, "open", partial(_open_unless, os.open, name))
            (window.home / "history").touch()
            window.home.chmod(0o701)  # something has happened, so that somebody looks
            window.status()
            window.status()
        assert window.status()["state"] == before["state"] == "signedIn"
        assert list(window.service.view.variables) == ["NAME"]
        assert window.service.view.refresh_record is not None
        window.home.chmod(0o700)


async def test_settings_that_were_doubted_are_in_the_next_status(window):
    """A look while they may be half written does not stand for what they turn out to be."""
    for provider in ("ollama", "lmstudio"):
        (window.home / "config.toml").write_text(f'model_provider = "{provider}"\n')
        window.status_of_now()
        await window.sync()
        assert window.status()["provider"]["id"] == provider
