"""A service on a login whose issuer is a sandbox in the test, and clocks that a test can set."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from e2e.shapes import CLIENT_ID, chatgpt_login, codex_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.sandbox.issuer import SandboxIssuer


class LyingClock:
    """A clock that is off by `lie`, and whose waits take no time."""

    def __init__(self) -> None:
        self.lie = timedelta()
        self.waited = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.lie + timedelta(seconds=self.waited)

    def monotonic(self) -> float:
        return self.waited

    async def sleep(self, seconds: float) -> None:
        self.waited += seconds
        await asyncio.sleep(0)


class SlowClock(SystemClock):
    """A clock that runs a hundred times as fast as the waits on it take."""

    def __init__(self) -> None:
        self._waited = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._waited)

    def monotonic(self) -> float:
        return self._waited

    async def sleep(self, seconds: float) -> None:
        goal = self._waited + seconds
        while self._waited < goal:
            await asyncio.sleep(0.001)
            self._waited = max(self._waited, min(goal, self._waited + 0.1))


class Bench:
    """A service on a login whose issuer is a sandbox in this test."""

    def __init__(
        self, folder: Path, issuer: SandboxIssuer, clock: Clock | None = None, **tokens: Any
    ) -> None:
        self.folder = folder
        self.issuer = issuer
        self.clock: Any = clock or LyingClock()
        self.path = folder / "auth.json"
        if not self.path.exists():
            self.path.write_bytes(codex_bytes(chatgpt_login(issuer=issuer.url, **tokens)))
            self.path.chmod(0o600)
        options = ServiceOptions(
            CodexHome(folder, "option"), IssuerSettings(issuer.url, CLIENT_ID), {}
        )
        self.service = AuthService(options, self.clock)

    @property
    def requests(self) -> int:
        """How many token requests the issuer has had."""
        return int(self.issuer.state.log.to_json()["counts"].get("refresh", 0))

    async def renew_unasked(self) -> None:
        """Renew what is stored, as the timer does."""
        self.service.status()
        credential = self.service.view.snapshot.credential
        assert isinstance(credential, ChatGptCredential)
        await self.service.refresher.of_own_accord(credential)

    @property
    def tokens(self) -> dict[str, Any]:
        """The tokens in the file."""
        return dict(json.loads(self.path.read_bytes())["tokens"])

    def answer(self, body: Any, **fault: Any) -> None:
        """Let the next refreshes be answered with this."""
        self.issuer.state.faults.add(Fault("refresh", "json", body=body, **fault))

    async def renew(self) -> dict[str, Any]:
        """Renew what is stored, because somebody asks."""
        return await self.service.refresher(force_since=self.clock.now() + timedelta(days=1))
