"""How a stored login's issuer is asked: at a server that notes every request."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.http1 import HttpServer, Limits, Request, Response
from codex_auth_lsp.http1.server import DropConnectionError
from codex_auth_lsp.oauth.endpoints import token_endpoint
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.issuer_talk import renew, revoke

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime


@dataclass
class Door:
    """Answers with `status`, and takes `seconds` for it by the test's clock."""

    url: str = ""
    bodies: list[str] = field(default_factory=list)
    clock: SlowClock = field(default_factory=lambda: SlowClock())
    seconds: float = 0.0
    status: int = 415
    metadata: str = "none"
    lookups: int = 0

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
        if request.method == "GET":
            return self._published()
        self.bodies.append((request.header("content-type") or "").partition("/")[2])
        self.clock.passed += self.seconds
        return Response(self.status)

    def _published(self) -> Response:
        self.lookups += 1
        if self.metadata == "silence":
            raise DropConnectionError
        routes = {
            "the same route": token_endpoint,
            "another route": lambda _: f"{self.url}/elsewhere",
        }
        if self.metadata not in routes:
            return Response(404)
        named = routes[self.metadata](IssuerSettings(self.url, "client"))
        published = {"issuer": self.url, "token_endpoint": named}
        return Response(200, json.dumps(published).encode(), "application/json")


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


@pytest.mark.parametrize(
    ("metadata", "requests"),
    [
        ("none", ["json"]),
        ("the same route", ["json"]),
        ("silence", ["json"]),
        ("another route", ["json", "x-www-form-urlencoded"]),
    ],
)
async def test_a_route_that_is_not_there_is_looked_up(door, metadata, requests):
    """Once, in the issuer's metadata; where that knows no other, the answer that came counts."""
    door.status, door.metadata = 404, metadata

    reply, kept = await renew(login(door.url), "forced", door.clock, None)

    assert reply.status == 404
    assert door.bodies == requests
    assert door.lookups >= 1
    assert kept.token_endpoint == (f"{door.url}/elsewhere" if "another" in metadata else None)


async def test_a_route_is_not_looked_up_when_the_time_is_over(door):
    """It is for all of it."""
    door.status, door.seconds = 404, 10.0

    reply = await revoke(login(door.url), door.clock, None, 10.0)

    assert (reply.status, door.bodies, door.lookups) == (404, ["json"], 0)
