"""A real language server by another clock: what has expired is renewed, and what is wrong is told.

The issuer is in the test and has its own clock, which is right or goes with the server's.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from e2e.logins import Browser, begin
from e2e.shapes import api_key_login, example_key
from e2e.test_clock import OtherClock, told
from support.faketime import MovableClock, another_clock
from support.secrets_guard import ACCESS_TOKEN, OTHER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.shapes import CodexHome
    from support.secrets_guard import SecretsGuard

pytestmark = pytest.mark.part("faketime")

LIFETIME = timedelta(hours=1)


@pytest.fixture
def clock() -> OtherClock:
    """Return the issuer's clock, which is right to begin with."""
    return OtherClock(0)


@pytest.fixture
async def issuer(clock: OtherClock, guard: SecretsGuard) -> AsyncIterator[SandboxIssuer]:
    """Run an issuer whose access tokens live for an hour."""
    async with SandboxIssuer.start(clock=clock) as issuer:
        issuer.state.ledger.policy.access_seconds = int(LIFETIME.total_seconds())
        yield issuer
    for kind, value in issuer.state.ledger.mint.minted:
        guard.add(value, ACCESS_TOKEN if kind == "accessToken" else OTHER)


def renewals(issuer: SandboxIssuer) -> int:
    """Return how often a refresh token came."""
    return int(issuer.state.log.to_json()["counts"].get("refresh", 0))


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_token_that_has_expired_by_the_clock_is_renewed(
    start: Starter, issuer, clock, guard
):
    """Two hours later a window finds the login stale, and a credential is a new one."""
    await Browser(guard).sign_in(await start(issuer.url))
    clock._ahead = timedelta(hours=2)
    window = await start(issuer.url, environment=another_clock("+2h"))
    before = await window.request("auth/status", {})
    earlier = renewals(issuer)

    credential = await window.request("auth/credential", {})
    after = await window.request("auth/status", {})

    now = datetime.now(UTC) + timedelta(hours=2)
    assert time_of(before["expiresAt"]) < now
    assert before["state"] == after["state"] == "signedIn"
    assert time_of(credential["expiresAt"]) > now
    assert after["freshness"] == "fresh"
    assert renewals(issuer) >= 1
    assert renewals(issuer) - earlier <= 1
    assert told(window) == []


async def test_a_window_whose_clock_goes_on_finds_its_token_expired(
    start: Starter, issuer, clock, guard, tmp_path: Path
):
    """As after a night: the running process looks at the clock, and renews once."""
    movable = MovableClock(tmp_path / "clock")
    window = await start(issuer.url, environment=movable.environment)
    await Browser(guard).sign_in(window)
    first = await window.request("auth/credential", {})
    clock._ahead = timedelta(hours=9)
    movable.set("+9h")

    second = await window.request("auth/credential", {})
    third = await window.request("auth/credential", {})

    assert second["headers"] != first["headers"]
    assert third["headers"] == second["headers"]
    assert time_of(second["expiresAt"]) > datetime.now(UTC) + timedelta(hours=9)
    assert renewals(issuer) == 1
    assert told(window) == []


@pytest.mark.parametrize(
    ("offset", "words"), [("+1d", "24 hours ahead of"), ("-1d", "24 hours behind")]
)
async def test_a_clock_that_is_a_day_off_signs_nobody_in_and_is_told(
    start: Starter, issuer, home: CodexHome, guard, offset, words
):
    """The id token is checked by that clock and refused; the reason is the clock, and said so.

    (P12, S14)
    """
    before = home.write(api_key_login(example_key("stays")))
    window = await start(issuer.url, environment=another_clock(offset))
    attempt = await begin(window)
    await Browser(guard).visit(attempt.url)

    error = await attempt.request.error()
    (notice,) = told(window)

    assert error.summary == (-32803, "issuerResponseInvalid")
    assert f"This computer's clock is {words} the issuer's" in error.message
    assert "set the clock and sign in again" in error.message
    assert notice["code"] == "clockSkew"
    assert words in notice["message"]
    assert home.bytes() == before


@pytest.mark.parametrize(("offset", "signs_in"), [("+4m", True), ("-4m", True), ("-7m", False)])
async def test_the_check_of_an_id_token_allows_for_five_minutes(
    start: Starter, issuer, guard, offset, signs_in
):
    """And for no more, in the direction in which a token would be from the future. (P12)"""
    window = await start(issuer.url, environment=another_clock(offset))
    attempt = await begin(window)
    await Browser(guard).visit(attempt.url)

    message = await attempt.request.message()

    assert ("result" in message.body) is signs_in
    assert bool(told(window)) is not signs_in


async def test_a_clock_that_is_a_day_ahead_asks_for_no_storm_of_renewals(
    start: Starter, issuer, guard
):
    """Every token is expired by that clock; one that was just made is used all the same. (S14)"""
    await Browser(guard).sign_in(await start(issuer.url))
    window = await start(issuer.url, environment=another_clock("+1d"))

    for _ in range(5):
        await window.request("auth/credential", {})
    (notice,) = told(window)

    assert renewals(issuer) <= 2
    assert notice["code"] == "clockSkew"


async def test_the_doctor_finds_the_clock_by_the_issuer_s(command_line: CommandLine, issuer):
    """With its number and direction, in a terminal."""
    outcome = await command_line(
        "doctor", "--network", issuer=issuer.url, environment=another_clock("+1d")
    )

    assert outcome.returncode == 1
    assert "This computer's clock is 24 hours ahead of the issuer's; set the clock." in (
        outcome.stdout
    )
