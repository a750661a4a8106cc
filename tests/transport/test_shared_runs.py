"""Requests that want the same at the same time, and get it from one run."""

from __future__ import annotations

import asyncio

import pytest

from codex_auth_lsp.transport.shared_runs import SharedRuns


class Work:
    """Counts how often it began and was cancelled, and returns when it is told to."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0
        self.returning = asyncio.Event()
        self.runs: SharedRuns[str, int] = SharedRuns()

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        try:
            await self.returning.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return number

    def ask(self, key: str = "same") -> asyncio.Task[int]:
        return asyncio.ensure_future(self.runs.join(key, self))

    async def until_begun(self, count: int) -> None:
        async with asyncio.timeout(5):
            while self.begun < count:
                await asyncio.sleep(0)


async def test_those_who_ask_meanwhile_get_the_result_of_one_run():
    """What is asked for in another way, or when it has ended, is another run."""
    work = Work()
    asked = [work.ask() for _ in range(256)]
    await work.until_begun(1)
    asked += [work.ask(), work.ask("other")]
    await work.until_begun(2)
    work.returning.set()

    assert await asyncio.gather(*asked) == [*[1] * 257, 2]
    assert await work.ask() == 3


async def test_one_who_gives_up_leaves_the_run_to_the_others():
    """And the last one takes it along, which has ended when that is known."""
    work = Work()
    first, last = work.ask(), work.ask()
    await work.until_begun(1)
    first.cancel()
    await asyncio.wait([first])

    assert (first.cancelled(), work.cancelled) == (True, 0)
    last.cancel()
    await asyncio.wait([last])
    assert (last.cancelled(), work.cancelled) == (True, 1)


async def test_whoever_asks_after_the_last_one_gave_up_has_a_run_of_their_own():
    """Not the end of the one that nobody wanted any more."""
    work = Work()
    given_up = work.ask()
    await work.until_begun(1)
    given_up.cancel()
    asked = work.ask()
    await work.until_begun(2)
    work.returning.set()

    assert await asked == 2


async def test_a_failure_is_everybody_s():
    """With nothing kept for whoever asks next."""

    async def fail() -> int:
        raise ValueError

    runs: SharedRuns[str, int] = SharedRuns()
    both = [asyncio.ensure_future(runs.join("same", fail)) for _ in range(2)]
    await asyncio.wait(both)

    assert [type(task.exception()) for task in both] == [ValueError] * 2
    with pytest.raises(ValueError):
        await runs.join("same", fail)
