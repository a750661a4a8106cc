"""A login attempt and those who wait for it."""

from __future__ import annotations

import asyncio

from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.errors import LoginCancelled, LoginSuperseded
from codex_auth_lsp.flows.base import LoginPhase
from codex_auth_lsp.service.attempt import Attempt, Ending, LoginRequest


def attempt() -> Attempt:
    return Attempt("attempt", LoginRequest(LoginMethodId.BROWSER))


async def steps() -> None:
    """Let all that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_it_is_left_when_the_last_who_waited_knows():
    """What takes its place begins after the answers, also where one of them is slow."""
    one = attempt()
    one.waiting = 2
    left = asyncio.ensure_future(one.left())
    one.ended.set_result(Ending())
    await steps()
    still_waits = [left.done()]
    for waiting in (1, 0):
        one.waiting = waiting
        one.nobody_waits.set()
        await steps()
        still_waits.append(left.done())

    assert still_waits == [False, False, True]


async def test_it_is_stopped_once_and_not_while_it_is_stored():
    """The first reason counts; a login that is being stored is one."""
    stopped, stored = attempt(), attempt()
    stored.phase = LoginPhase.STORING
    answers = [stopped.stop(LoginSuperseded()), stopped.stop(LoginCancelled())]

    assert (answers, stored.stop(LoginCancelled())) == ([True, False], False)
    assert isinstance(stopped.stopped_by, LoginSuperseded)
    assert (stopped.can_be_joined, stored.can_be_joined) == (False, True)
