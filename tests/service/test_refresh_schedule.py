"""When a login is renewed without being asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import IssuerResponseInvalid
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.refresh_schedule import (
    EARLY_OPAQUE_AGE,
    FIRST_BACK_OFF,
    MARGIN,
    RefreshSchedule,
    due_at,
)
from e2e.shapes import jwt

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def login(access_token: str, last_refresh: datetime | None = None) -> ChatGptCredential:
    """Return a login with this access token."""
    token = Secret(access_token)
    return ChatGptCredential(Secret("id"), token, Secret("refresh"), last_refresh=last_refresh)


def token(seconds: float, **claims: float) -> str:
    """Return an access token that ends this many seconds after noon."""
    return jwt({"exp": NOON.timestamp() + seconds, **claims})


@pytest.mark.parametrize(
    ("credential", "expected"),
    [
        (login(token(3600)), NOON + timedelta(hours=1) - MARGIN),
        (login(token(3600, iat=NOON.timestamp())), NOON + timedelta(hours=1) - MARGIN),
        (login(token(300, iat=NOON.timestamp())), NOON + timedelta(seconds=120)),
        (login(token(300), NOON), NOON + timedelta(seconds=120)),
        (login("opaque", NOON), NOON + EARLY_OPAQUE_AGE),
        (login("opaque"), None),
    ],
    ids=["an hour", "an hour by iat", "short by iat", "short by age", "opaque", "nothing known"],
)
def test_login_is_renewed_before_a_codex_cli_would_do_it(credential, expected):
    """Ten minutes before the end, or six tenths of a short life; after seven days if opaque."""
    assert due_at(credential, 0.0) == expected


def test_chance_moves_the_moment_to_an_earlier_one():
    """Of many windows one comes first."""
    credential = login(token(3600))

    assert due_at(credential, 0.0) - MARGIN * 0.1 == due_at(credential, 1.0)


@pytest.mark.parametrize("exp", [-62135596800, 0, 253402300799, 1e300, float("nan")])
def test_time_at_the_end_of_the_calendar_breaks_nothing(exp):
    """An issuer may answer anything: then there is a moment, or none."""
    moment = due_at(login(jwt({"exp": exp})), 1.0)

    assert moment is None or moment.tzinfo is not None


@pytest.mark.parametrize("moment", [datetime.min, datetime.max])
def test_age_at_the_end_of_the_calendar_breaks_nothing(moment):
    """The file may say anything as well."""
    due = due_at(login("opaque", moment.replace(tzinfo=UTC)), 0.0)

    assert due is None or due.tzinfo is not None


class JumpingClock(SystemClock):
    """A wall clock that somebody sets."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment


async def test_login_that_is_due_after_a_jump_of_the_clock_is_renewed_soon():
    """A timer does not run while a machine sleeps; the status that turns expired tells of it."""
    credential, clock, renewed = login(token(3600)), JumpingClock(), asyncio.Event()

    class Renewing:
        def broke_off(self, _: ChatGptCredential) -> bool:
            return False

        async def of_own_accord(self, _: ChatGptCredential) -> None:
            renewed.set()

    schedule = RefreshSchedule(lambda: credential, Renewing, clock)
    schedule.plan()
    clock.moment += timedelta(hours=2)
    schedule.plan()
    async with asyncio.timeout(10):
        await renewed.wait()
    schedule.stop()


async def test_unusable_answer_with_a_new_refresh_token_is_a_failure_like_others():
    """The login that was due is due still: the pause between two tries grows."""
    found = [login(token(-5))]
    clock, tried = JumpingClock(), asyncio.Event()

    class Failing:
        def broke_off(self, _: ChatGptCredential) -> bool:
            return False

        async def of_own_accord(self, credential: ChatGptCredential) -> None:
            found[0] = replace(credential, refresh_token=Secret(f"next {len(pauses)}"))
            schedule.plan()  # as the change of the status does
            tried.set()
            raise IssuerResponseInvalid

    schedule = RefreshSchedule(lambda: found[0], Failing, clock)
    pauses: list[float] = []
    loop = asyncio.get_running_loop()
    schedule.plan()
    for _ in range(3):
        async with asyncio.timeout(10):
            await tried.wait()
        tried.clear()
        await asyncio.sleep(0)
        assert schedule._timer is not None
        pauses.append(schedule._timer.when() - loop.time())
        schedule._begin()
    schedule.stop()

    goals = [FIRST_BACK_OFF * 2**number for number in range(3)]
    assert [pause >= goal - 1 for pause, goal in zip(pauses, goals, strict=True)] == [True] * 3
