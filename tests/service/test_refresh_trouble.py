"""Renewals when the clock lies, and when another window holds the turn and does not move."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.errors import LockTimedOut
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.service.refresher import TURN_SECONDS
from e2e.shapes import CLIENT_ID, access_token, chatgpt_login, codex_bytes
from stores.test_lock import other_process_holds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


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


class Bench:
    """A service on a login whose issuer is a sandbox in this test."""

    def __init__(self, folder: Path, issuer: SandboxIssuer) -> None:
        self.folder = folder
        self.issuer = issuer
        self.clock = LyingClock()
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


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with SandboxIssuer.start() as issuer:
        (tmp_path / "auth.json").write_bytes(codex_bytes(chatgpt_login(issuer=issuer.url)))
        (tmp_path / "auth.json").chmod(0o600)
        body = {"access_token": access_token(valid_for=3600), "refresh_token": "next-of-the-test"}
        issuer.state.faults.add(Fault("refresh", "json", body=body, times=1000))
        bench = Bench(tmp_path, issuer)
        yield bench
        await bench.service.close(hurried=True)


@pytest.mark.parametrize(
    "lie",
    [timedelta(days=3652), timedelta(days=1), timedelta(hours=1), timedelta(hours=-1),
     timedelta(days=-1)],
    ids=["ten years", "a day", "summer time", "winter time", "yesterday"],
)  # fmt: skip
async def test_a_clock_that_lies_makes_one_request_in_thirty_seconds(bench, lie):
    """(S14) Whatever it says: a token that is called dead at once is not renewed in a storm."""
    bench.clock.lie = lie
    counts = []
    for _ in range(8):
        await bench.renew_unasked()
        await bench.renew_unasked()
        counts.append(bench.requests)
        bench.clock.waited += 10.0

    assert counts == [1, 1, 1, 2, 2, 2, 3, 3]


async def test_a_clock_that_jumps_between_two_requests_costs_one_more(bench):
    """(S14) Forwards and back again, as after a suspend: each jump is one request at most."""
    counts = []
    for lie in (timedelta(), timedelta(hours=8), timedelta(hours=8), timedelta(), timedelta()):
        bench.clock.lie = lie
        await bench.renew_unasked()
        counts.append(bench.requests)

    assert counts == [1, 2, 2, 3, 3]


async def test_a_window_that_is_stopped_in_its_turn_is_given_up_on(bench):
    """(S13) `lockTimedOut` names the process after half a minute; the valid token is given out."""
    lock = bench.folder / "auth.json.refresh.lock"
    before = (bench.folder / "auth.json").read_bytes()
    with other_process_holds(lock) as holder:
        holder.send_signal(signal.SIGSTOP)
        who = rf"^Process {holder.pid} \(python.*\) keeps renewing the login"
        with pytest.raises(LockTimedOut, match=who):
            await bench.service.refresher(force_since=bench.clock.now())
        waited = bench.clock.waited
        given = await bench.service.credentials.issue(
            None, min_validity_seconds=300, rejected_revision=None
        )
        holder.send_signal(signal.SIGCONT)

    assert TURN_SECONDS <= waited < TURN_SECONDS + 1
    assert bench.requests == 0
    assert "Authorization" in given.to_wire()["headers"]
    assert (bench.folder / "auth.json").read_bytes() == before
