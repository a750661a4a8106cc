"""A sandbox issuer of each test's own, on a clock that a test sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from sandbox.actors import Client, SetClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def issuer(clock: SetClock) -> AsyncIterator[SandboxIssuer]:
    async with SandboxIssuer.start(clock=clock) as running:
        yield running


@pytest.fixture
async def client(issuer: SandboxIssuer) -> AsyncIterator[Client]:
    async with httpx.AsyncClient(base_url=issuer.url, trust_env=False, timeout=10) as http:
        yield Client(issuer, http)
