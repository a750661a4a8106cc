"""A clock that is wrong is told of once, by what the issuer's answers say of the time."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from e2e.logins import Browser, begin

if TYPE_CHECKING:
    from datetime import datetime

    from e2e.conftest import CommandLine, Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.secrets_guard import SecretsGuard

LOGIN_DEADLINE = 15.0
"""Seconds until a login in a terminal has ended: a ceiling against hangs."""


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


@pytest.mark.parametrize(("minutes", "returncode"), [(-12, 0), (20, 1)])
async def test_a_person_at_a_terminal_is_told_in_one_sentence(
    command_line: CommandLine, guard: SecretsGuard, minutes, returncode
):
    """Below it what to do about it; whether the login then works or not."""
    async with SandboxIssuer.start(clock=OtherClock(minutes)) as issuer:
        process = await command_line.spawn("login", issuer=issuer.url)
        shown: list[str] = []
        while not shown or issuer.url not in shown[-1]:
            shown.append((await process.stderr.readline()).decode())
            assert shown[-1] != ""
        await Browser(guard).visit(shown[-1].strip())
        stdout, stderr = await asyncio.wait_for(process.communicate(), LOGIN_DEADLINE)
    guard.add_output("stdout of login", stdout)
    guard.add_output("stderr of login", stderr)
    lines = stderr.decode().splitlines()
    (note,) = [line for line in lines if line.startswith("Note: ")]

    assert process.returncode == returncode
    assert re.fullmatch(
        r"Note: This computer's clock is \d+ minutes (ahead of the issuer's|behind the issuer's); "
        "sign-ins and renewals may fail.",
        note,
    )
    assert lines[lines.index(note) + 1].startswith("  Set this computer's clock")
