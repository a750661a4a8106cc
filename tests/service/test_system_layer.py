"""The configuration below the user's: an administrator's file, which may come while we run."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.service import login_cache
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SECONDS = 10.0
"""A ceiling against hangs, far above what a notice takes."""

LAB = """model_provider = "lab"
[model_providers.lab]
name = "Lab"
base_url = "https://lab.example/v1"
"""


class Listener:
    """Keeps what the service announces."""

    def __init__(self, service: AuthService) -> None:
        self._events: list[Any] = []
        self._told = asyncio.Event()
        service.events.subscribe(self._hear)

    def _hear(self, event: Any) -> None:
        self._events.append(event)
        self._told.set()

    async def hears(self, kind: str) -> Any:
        """Return the next event of a kind and forget it and those before."""
        async with asyncio.timeout(SECONDS):
            while True:
                for number, event in enumerate(self._events):
                    if type(event).__name__ == kind:
                        del self._events[: number + 1]
                        return event
                self._told.clear()
                await self._told.wait()


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "etc" / "codex" / "config.toml"
    path.parents[1].mkdir()
    monkeypatch.setattr(login_cache, "SYSTEM_CONFIG", (path,))
    return path


@pytest.fixture
async def service(tmp_path: Path, system: Path) -> AsyncIterator[AuthService]:
    home = tmp_path / "home"
    home.mkdir()
    service = AuthService(ServiceOptions(CodexHome(home, "option"), IssuerSettings(), {}))
    yield service
    await service.close(hurried=True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the files are looked at")
async def test_file_of_the_system_is_noticed_whenever_it_comes(service, system, monkeypatch):
    """With its folder, when it is written again and when it goes; nobody looks every so often."""
    monkeypatch.setattr("codex_auth_lsp.stores.watcher.POLL_SECONDS", 10 * SECONDS)
    listener = Listener(service)
    service.start()
    await listener.hears("StatusChanged")

    system.parent.mkdir()
    system.write_text(LAB)
    came = await listener.hears("StatusChanged")
    listed = await listener.hears("ProvidersChanged")
    with system.open("a") as file:
        file.write('env_key = "LAB_KEY"\n')
    changed = await listener.hears("ProvidersChanged")
    system.unlink()
    gone = await listener.hears("StatusChanged")

    assert (came.cause, came.status["provider"]["id"]) == ("configChange", "lab")
    assert listed.providers["activeProviderId"] == "lab"
    assert changed.providers["providers"][-1]["authKind"] == "environmentKey"
    assert (gone.cause, gone.status["provider"]["id"]) == ("configChange", "openai")


async def test_trouble_in_the_file_of_the_system_names_that_file(service, system):
    """Who reads it has to know whom to ask."""
    system.parent.mkdir()
    system.write_text("[model_providers.lab]\nenv_key = 17\n")

    await service.sync()
    status = service.status()

    assert status["lastError"]["kind"] == "configurationInvalid"
    assert f"{system}: `model_providers.lab.env_key`" in status["lastError"]["message"]
