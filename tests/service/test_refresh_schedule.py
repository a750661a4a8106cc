"""When a login is renewed without being asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import IssuerResponseInvalid, NeedsReauth
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service import refresh_schedule
from codex_auth_lsp.service.refresh_schedule import (
    EARLY_OPAQUE_AGE,
    FIRST_BACK_OFF,
    LONGEST_BACK_OFF,
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

        async def of_own_accord(self, _: ChatGptCredential) -> float:
            renewed.set()
            return 0.0

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

        async def of_own_accord(self, credential: ChatGptCredential) -> float:
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


class Renewer:
    """Counts what it is asked, and raises what it is told to."""

    def __init__(self, *, broke_off: list[bool | None] | None = None) -> None:
        self.answers = broke_off or []
        self.error: Exception | None = None
        self.too_early = 0.0
        self.inquiries = 0
        self.tries = 0
        self.tried = asyncio.Event()

    def broke_off(self, _: ChatGptCredential) -> bool | None:
        self.inquiries += 1
        return self.answers.pop(0) if self.answers else False

    async def of_own_accord(self, _: ChatGptCredential) -> float:
        self.tries += 1
        self.tried.set()
        if self.error is not None:
            raise self.error
        return self.too_early


async def tried(renewer: Renewer) -> None:
    async with asyncio.timeout(10):
        await renewer.tried.wait()
    renewer.tried.clear()
    await asyncio.sleep(0)


async def test_renewal_that_broke_off_is_made_good_before_it_is_due(monkeypatch):
    """Not while one is under way: that is looked at again."""
    monkeypatch.setattr(refresh_schedule, "INQUIRY_SECONDS", 0.01)
    renewer = Renewer(broke_off=[None, None, True])
    schedule = RefreshSchedule(lambda: login(token(3600)), lambda: renewer, JumpingClock())
    schedule.plan()
    await tried(renewer)
    schedule.stop()

    assert (renewer.inquiries, renewer.tries) == (3, 1)


async def test_renewal_that_comes_too_soon_after_another_is_made_as_soon_as_it_may_be():
    """A token of 40 seconds ends 10 seconds after the half minute between two requests is over."""
    renewer = Renewer()
    renewer.too_early = 5.0
    schedule = RefreshSchedule(lambda: login(token(-5)), lambda: renewer, JumpingClock())
    schedule.plan()
    await tried(renewer)
    assert schedule._timer is not None
    pause = schedule._timer.when() - asyncio.get_running_loop().time()
    schedule.stop()

    assert 4 < pause < 7


async def test_login_of_which_nobody_can_say_when_it_ends_has_no_timer():
    """It is renewed when somebody needs it."""
    schedule = RefreshSchedule(lambda: login("opaque"), Renewer, JumpingClock())
    schedule.plan()

    assert schedule._timer is None
    schedule.stop()


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (NeedsReauth(), None),
        (ValueError("odd"), LONGEST_BACK_OFF),
        (IssuerResponseInvalid(retry_after_seconds=700), 700.0),
    ],
    ids=["a refusal", "a defect", "a wish of the issuer"],
)
async def test_next_try_after_a_failure(error, pause):
    """None after a refusal, a late one after a defect, and not before the issuer wants to."""
    renewer = Renewer()
    renewer.error = error
    schedule = RefreshSchedule(lambda: login(token(-5)), lambda: renewer, JumpingClock())
    schedule.plan()
    await tried(renewer)
    timer = schedule._timer
    schedule.stop()

    if pause is None:
        assert timer is None
    else:
        assert timer is not None
        assert 0 <= pause - (timer.when() - asyncio.get_running_loop().time()) < 1


@pytest.mark.parametrize("now", [None, login(token(-5), None)])
async def test_timer_of_a_login_that_is_gone_renews_nothing(now):
    """Somebody signed out, or the login cannot be renewed any more."""
    found, renewer = [login(token(-5))], Renewer()
    schedule = RefreshSchedule(lambda: found[0], lambda: renewer, JumpingClock())
    schedule.plan()
    found[0] = replace(now, refresh_token=Secret("")) if now is not None else None
    await schedule._renew()
    await schedule._renew(urgent=True)
    schedule.stop()

    assert renewer.tries == 0


async def test_timer_that_was_cut_at_its_longest_is_set_anew():
    """A login that lives for months is looked at every day, and not renewed every day."""
    renewer = Renewer()
    schedule = RefreshSchedule(lambda: login(token(90 * 86_400)), lambda: renewer, JumpingClock())
    schedule.plan()
    first = schedule._timer
    schedule._begin()
    assert schedule._task is not None
    await schedule._task
    second = schedule._timer
    schedule.stop()

    assert renewer.tries == 0
    assert first is not None
    assert second is not None
    assert second.when() - asyncio.get_running_loop().time() > 86_000
