"""How a stored login's issuer is asked: at a server that notes every request."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.http1 import HttpServer, Limits, Request, Response
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.issuer_talk import renew, revoke

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime


@dataclass
class Door:
    """Answers everything with 415, and takes `seconds` for it by the test's clock."""

    url: str = ""
    bodies: list[str] = field(default_factory=list)
    clock: SlowClock = field(default_factory=lambda: SlowClock())
    seconds: float = 0.0

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Door]:
        door = cls()
        server = await HttpServer.start(door._respond, limits=Limits(body_bytes=65_536))
        door.url = f"http://127.0.0.1:{server.port}"
        try:
            yield door
        finally:
            await server.close()

    async def _respond(self, request: Request) -> Response:
        self.bodies.append((request.header("content-type") or "").partition("/")[2])
        self.clock.passed += self.seconds
        return Response(415)


class SlowClock(SystemClock):
    """A clock on which a test lets time pass."""

    passed = 0.0

    def now(self) -> datetime:
        raise AssertionError("the time of day is of no account here")

    def monotonic(self) -> float:
        return self.passed


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door.open() as door:
        yield door


def login(issuer: str | None) -> ChatGptCredential:
    return ChatGptCredential(Secret("id"), Secret("at"), Secret("rt"), issuer=issuer)


@pytest.mark.parametrize("issuer", [None, OPENAI_ISSUER, f"{OPENAI_ISSUER}/"])
async def test_openai_s_issuer_gets_json_and_nothing_else(door, issuer):
    """By name, also where an override takes its place and understands no JSON."""
    reply, kept = await renew(login(issuer), "forced", door.clock, f"{door.url}/oauth/token")
    revoked = await revoke(login(issuer), door.clock, f"{door.url}/oauth/revoke", 10.0)

    assert (reply.status, revoked.status) == (415, 415)
    assert kept == login(issuer)
    assert door.bodies == ["json", "json"]


async def test_any_other_issuer_gets_a_form_within_the_same_time(door):
    """JSON, then a form, and that is all."""
    door.seconds = 1.0

    reply, _ = await renew(login(door.url), "forced", door.clock, None)

    assert reply.status == 415
    assert door.bodies == ["json", "x-www-form-urlencoded"]


async def test_a_slow_refusal_leaves_no_time_for_a_form(door):
    """The time is for both; the answer that came is the one that counts."""
    door.seconds = 10.0

    reply = await revoke(login(door.url), door.clock, None, 10.0)

    assert reply.status == 415
    assert door.bodies == ["json"]
