"""Requests that wait for a look at a keyring, of which one serves many."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_auth_lsp.transport import shared_look
from codex_auth_lsp.transport.envelope import Request
from codex_auth_lsp.transport.shared_look import SharedLook

if TYPE_CHECKING:
    import pytest


class Keyring:
    """Notes how many looks began, and lets each return when it is told to."""

    def __init__(self) -> None:
        self.looks = 0
        self.returning = asyncio.Semaphore(0)
        self.answered: list[tuple[int, int]] = []
        """The id of a request, and the looks that had begun when it was answered."""
        self.shared = SharedLook(self.look, self.tell)

    async def look(self) -> None:
        self.looks += 1
        await self.returning.acquire()

    def tell(self, request: Request) -> None:
        assert isinstance(request.id, int)
        self.answered.append((request.id, self.looks))

    def ask(self, *ids: int) -> None:
        for message_id in ids:
            self.shared.wait(Request(message_id, "auth/status", {}))

    async def until_looks(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.looks < count:
                await asyncio.sleep(0)


async def test_a_look_answers_all_who_came_before_it_and_nobody_else():
    """(W19) What is told is never older than the question; five thousand cost two looks."""
    keyring = Keyring()
    keyring.ask(1, 2)
    await keyring.until_looks(1)
    keyring.ask(*range(3, 5003))
    tasks = len(asyncio.all_tasks())
    keyring.returning.release()
    await keyring.until_looks(2)
    keyring.returning.release()
    await keyring.shared.settle(5)

    assert keyring.answered == [(1, 1), (2, 1), *((number, 2) for number in range(3, 5003))]
    assert tasks == 3
    assert not keyring.shared.holds(1)


async def test_a_request_that_is_let_go_is_not_answered():
    """Its id may be used again, for a later look."""
    keyring = Keyring()
    keyring.ask(1)
    await keyring.until_looks(1)

    assert (keyring.shared.release(1), keyring.shared.release(1)) == (True, False)
    assert not keyring.shared.holds(1)
    keyring.ask(1)
    keyring.returning.release()
    await keyring.until_looks(2)
    keyring.returning.release()
    await keyring.shared.settle(5)
    assert keyring.answered == [(1, 2)]


async def test_a_look_that_never_returns_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch):
    """Neither those who came before it nor those who came later."""
    monkeypatch.setattr(shared_look, "LOOK_SECONDS", 0.05)
    keyring = Keyring()
    keyring.ask(1)
    await keyring.until_looks(1)
    keyring.ask(2)
    await keyring.shared.settle(5)

    assert [message_id for message_id, _ in keyring.answered] == [1, 2]


async def test_the_end_of_the_server_answers_those_who_wait():
    """With what is known."""
    keyring = Keyring()
    keyring.ask(1)
    await keyring.until_looks(1)
    keyring.ask(2)

    await keyring.shared.settle(0.01)

    assert [message_id for message_id, _ in keyring.answered] == [1, 2]


async def test_a_look_that_fails_answers_with_what_is_known(caplog: pytest.LogCaptureFixture):
    """No defect of a store leaves a request without an answer, and the next one looks again."""
    keyring = Keyring()

    async def fail() -> None:
        keyring.looks += 1
        raise AttributeError("a secret text")

    keyring.shared = SharedLook(fail, keyring.tell)
    keyring.ask(1)
    await keyring.shared.settle(5)
    keyring.ask(2)
    await keyring.shared.settle(5)

    assert keyring.answered == [(1, 1), (2, 2)]
    assert "AttributeError" in caplog.text
    assert "secret" not in caplog.text
