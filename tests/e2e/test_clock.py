"""A clock that is wrong is told of once, by what the issuer's answers say of the time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from e2e.logins import Browser, begin

if TYPE_CHECKING:
    from datetime import datetime

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.secrets_guard import SecretsGuard


class OtherClock(SystemClock):
    """The clock of an issuer that is so many minutes ahead of this computer."""

    def __init__(self, minutes: float) -> None:
        self._ahead = timedelta(minutes=minutes)

    def now(self) -> datetime:
        """Return the time as the issuer has it."""
        return super().now() + self._ahead


def told(window: LanguageClient) -> list[dict[str, Any]]:
    """Return what a window was told."""
    return [message.params for message in window.all("auth/notice")]


async def test_a_clock_that_is_ahead_is_told_once(start: Starter, guard: SecretsGuard):
    """(S14) With the first answer, whatever follows; the login works all the same."""
    async with SandboxIssuer.start(clock=OtherClock(-12)) as issuer:
        window = await start(issuer.url)
        before = told(window)
        await Browser(guard).sign_in(window)
        await window.request("auth/refresh", {"force": True})
        status = await window.request("auth/refresh", {"force": True})
        (notice,) = told(window)

    assert before == []
    assert status["state"] == "signedIn"
    assert notice == {
        "code": "clockSkew",
        "severity": "warning",
        "message": (
            "This computer's clock is 12 minutes ahead of the issuer's; sign-ins and renewals may "
            "fail."
        ),
        "actions": [{"title": "Set this computer's clock, or let it be set over the network"}],
    }


async def test_a_refresh_tells_it_too(start: Starter, home: CodexHome, guard: SecretsGuard):
    """In a window that nobody has signed in from."""
    clock = OtherClock(0)
    async with SandboxIssuer.start(clock=clock) as issuer:
        first = await start(issuer.url)
        await Browser(guard).sign_in(first)
        clock._ahead = timedelta(minutes=30)
        second = await start(issuer.url)
        await second.request("auth/refresh", {"force": True})

        assert told(first) == []
        (notice,) = told(second)

    assert notice["code"] == "clockSkew"
    assert "30 minutes behind" in notice["message"]
    assert home.read()["tokens"]["access_token"]


async def test_a_login_that_fails_for_it_says_so_both_ways(start: Starter, guard: SecretsGuard):
    """The error is the login's, the notice is the machine's."""
    async with SandboxIssuer.start(clock=OtherClock(20)) as issuer:
        window = await start(issuer.url)
        attempt = await begin(window)
        await Browser(guard).visit(attempt.url)
        error = await attempt.request.error()
        (notice,) = told(window)

    assert error.kind == "issuerResponseInvalid"
    assert "20 minutes behind" in error.message
    assert notice["code"] == "clockSkew"


@pytest.mark.parametrize("minutes", [-4, 4])
async def test_a_few_minutes_are_nothing_to_tell(start: Starter, guard: SecretsGuard, minutes):
    """Up to five minutes are what every check allows for."""
    async with SandboxIssuer.start(clock=OtherClock(minutes)) as issuer:
        window = await start(issuer.url)
        await Browser(guard).sign_in(window)

        assert told(window) == []
