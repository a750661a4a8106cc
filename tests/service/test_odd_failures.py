"""What no part was written for: it costs no tokens and leaves no window dead."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import StoreUnavailable, StoreWriteFailed
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service import refresher
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.service.events import Events, LoginClosing
from codex_auth_lsp.service.refresh_answer import Renewal
from codex_auth_lsp.service.refresher import Refresher
from codex_auth_lsp.stores.auto_store import AutoStore
from codex_auth_lsp.stores.file import FileStore
from codex_auth_lsp.stores.keyring_entry import KeyringEntry
from e2e.shapes import chatgpt_login, codex_bytes
from stores.fake_vaults import FakeVault

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.stores.vault import Kept

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def service(tmp_path: Path) -> AuthService:
    path = tmp_path / "auth.json"
    path.write_bytes(codex_bytes(chatgpt_login(issuer=NOBODY)))
    path.chmod(0o600)
    home = CodexHome(tmp_path, "option")
    return AuthService(ServiceOptions(home, IssuerSettings(NOBODY, "client"), {}))


async def test_rotation_survives_whatever_goes_wrong_while_it_is_written(
    service, tmp_path, monkeypatch
):
    """It is held in memory, told of, and written as soon as that works."""
    tokens = iter(["first-renewed-token", "second-renewed-token"])

    async def answer(spent: ChatGptCredential, *_: object) -> tuple[None, ChatGptCredential]:
        return None, spent

    def give(
        _self: Refresher, _reply: None, spent: ChatGptCredential, *, is_doubted: bool
    ) -> Renewal:
        assert not is_doubted
        return Renewal(replace(spent, refresh_token=Secret(next(tokens))))

    failures = iter([ValueError("odd"), RecursionError("odd")])
    update = FileStore.update

    def fail_twice(self, merge, **options):
        for failure in failures:
            raise failure
        return update(self, merge, **options)

    monkeypatch.setattr(refresher, "renew", answer)
    monkeypatch.setattr(Refresher, "_take", give)
    monkeypatch.setattr(service._keeper.login, "foreign", lambda _: None)
    monkeypatch.setattr(FileStore, "update", fail_twice)
    now = service.now()

    status = await service.refresher(force_since=now)
    assert (status["state"], status["lastError"]["kind"]) == ("signedIn", StoreWriteFailed.kind)
    with pytest.raises(StoreWriteFailed):
        await service.refresher(force_since=service.now())
    held = (tmp_path / "auth.json").read_text()
    await service.close(hurried=True)

    assert "first-renewed-token" not in held
    assert "first-renewed-token" in (tmp_path / "auth.json").read_text()


class OddVault(FakeVault):
    """A keyring whose answers make no sense."""

    def get(self) -> Kept | None:
        raise AttributeError("odd")


def test_odd_answer_of_a_keyring_is_told_as_a_keyring_that_is_not_there(tmp_path):
    """Neither a look nor a logout ends with anything else."""
    entry = KeyringEntry(CodexHome(tmp_path, "option"), OddVault())
    asyncio.run(entry.sync())

    assert entry.read().report.health == "unavailable"
    assert isinstance(entry.load().error, StoreUnavailable)


def test_logout_in_mode_auto_clears_the_file_beside_an_odd_keyring(tmp_path):
    """What can be removed is removed."""
    (tmp_path / "auth.json").write_bytes(codex_bytes(chatgpt_login(issuer=NOBODY)))
    vault = OddVault()
    vault.trouble = AttributeError("odd")
    home = CodexHome(tmp_path, "option")

    removed = AutoStore(home, KeyringEntry(home, vault)).remove()

    assert removed is not None
    assert removed.stores == ("file",)
    assert [place.kind for place in removed.remaining] == ["storeUnavailable"]


async def test_window_acts_although_a_look_at_the_store_failed(service, monkeypatch, caplog):
    """It would never announce anything again."""

    async def fail() -> None:
        raise AttributeError("odd")

    monkeypatch.setattr(service._cache, "sync_watched", fail)
    acted = asyncio.Event()
    service._after_sync(acted.set)

    async with asyncio.timeout(5):
        await acted.wait()
    await service.close(hurried=True)

    assert "AttributeError" in caplog.text


async def test_listener_that_fails_keeps_nobody_from_hearing(caplog):
    """What has happened is told to all others, and whoever did it goes on."""
    events, heard = Events(), []

    def fail(_: object) -> None:
        raise ValueError("a secret text")

    events.subscribe(fail)
    events.subscribe(heard.append)
    events.publish(LoginClosing("attempt"))

    assert heard == [LoginClosing("attempt")]
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text
