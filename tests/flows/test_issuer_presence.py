"""An address without an issuer is told apart from an issuer that gives no device codes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.flows.issuer_presence import is_no_issuer
from codex_auth_lsp.http1 import DropConnectionError, HttpServer, Limits, Request, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OPENID = "GET /.well-known/openid-configuration"
ROUTES = (
    OPENID,
    "GET /.well-known/oauth-authorization-server",
    "GET /oauth/authorize",
    "POST /oauth/token",
)
BROKEN_OFF = 0
"""In the place of a status: no answer."""


@asynccontextmanager
async def site(answers: dict[str, int]) -> AsyncIterator[tuple[IssuerSettings, list[str]]]:
    """Run a site that answers 404 everywhere else; yield it with what it was asked."""
    asked: list[str] = []

    async def respond(request: Request) -> Response:
        asked.append(f"{request.method} {request.path}")
        status = answers.get(asked[-1], 404)
        if status == BROKEN_OFF:
            raise DropConnectionError
        return Response(status)

    server = await HttpServer.start(respond, limits=Limits(body_bytes=1024))
    try:
        yield IssuerSettings(f"http://127.0.0.1:{server.port}", "client"), asked
    finally:
        await server.close()


async def test_a_site_that_has_nothing_of_an_issuer_is_none():
    """Each address that an issuer would answer at is asked once, without anything secret."""
    async with site({}) as (issuer, asked):
        assert await is_no_issuer(issuer)

    assert tuple(asked) == ROUTES


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("status", [200, 400, 403, 405, 500, BROKEN_OFF])
async def test_one_address_that_answers_otherwise_is_enough_for_an_issuer(route, status):
    """Whatever it answers; no more is asked then."""
    async with site({route: status}) as (issuer, asked):
        assert not await is_no_issuer(issuer)

    assert asked[-1] == route


async def test_openai_s_own_address_is_right_and_not_asked():
    assert not await is_no_issuer(IssuerSettings(OPENAI_ISSUER, "client"))
