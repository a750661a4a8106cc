"""One run for all requests that want the same at the same time.

A run is cancelled with the last request that waits for it, and has ended before that one is
answered; whoever asks after that has another run.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

Key = TypeVar("Key", bound="Hashable")
Result = TypeVar("Result")


class SharedRuns(Generic[Key, Result]):
    """The runs that are under way, by what is asked for."""

    def __init__(self) -> None:
        self._running: dict[Key, _Run[Result]] = {}

    async def join(self, key: Key, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Return the result of the run that is under way, else of a new one."""
        run = self._running.get(key)
        if run is None:
            run = self._running[key] = _Run(work())
        run.waiting += 1
        try:
            return await asyncio.shield(run.task)
        finally:
            run.waiting -= 1
            if (run.task.done() or not run.waiting) and self._running.get(key) is run:
                del self._running[key]
            if not run.waiting:
                await run.end()


class _Run(Generic[Result]):
    def __init__(self, work: Coroutine[Any, Any, Result]) -> None:
        self.task = asyncio.ensure_future(work)
        self.waiting = 0

    async def end(self) -> None:
        """Cancel what still runs, and wait for its end."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
