"""Blocking calls that can be walked away from: each on a daemon thread of its own.

Nobody waits longer than the deadline, and a call that never returns does not keep the process from
ending. A thread cannot be killed, so an abandoned call may still come back: it is told so at
`ensure_wanted`, before each step that would change something, and `on_return` tells that it did.
While a few abandoned calls hang, no further one is begun; those that wait for a person count apart,
since a question may stand on a screen for hours in which everything else works.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MAXIMUM_HANGING = 3
"""How many abandoned threads there may be at a time: a bound for what a dead service can cost."""

T = TypeVar("T")


class Hanging(Exception):
    """The call did not return in time, or was not begun since earlier ones still hang."""


class Abandoned(BaseException):
    """Ends an abandoned call from inside; no handler for failures is meant to see it."""


class _Call(Generic[T]):
    """One call: its thread and its waiter agree here on who was first."""

    def __init__(self, work: Callable[[], T], *, for_a_person: bool) -> None:
        self.work = work
        self.for_a_person = for_a_person
        self.outcome: Future[T] = Future()
        self._deciding = threading.Lock()

    @property
    def is_abandoned(self) -> bool:
        return self.outcome.done()

    def settle(self, settle: Callable[[], object]) -> bool:
        """Settle the outcome unless it is settled; return whether this was the first."""
        with self._deciding:
            if self.outcome.done():
                return False
            settle()
            return True


_running = threading.local()


def ensure_wanted() -> None:
    """End the call that this thread makes if it was abandoned; do nothing elsewhere."""
    call: _Call[Any] | None = getattr(_running, "call", None)
    if call is not None and call.is_abandoned:
        raise Abandoned


class AbandonableCalls:
    """Makes blocking calls; `on_return` is called from the thread of an abandoned one that ends."""

    def __init__(self, on_return: Callable[[], None] | None = None) -> None:
        self._on_return = on_return
        self._changing = threading.Lock()
        self._waiting: set[_Call[Any]] = set()
        self._hanging: set[_Call[Any]] = set()
        self._closed = False

    def call(self, work: Callable[[], T], seconds: float, *, for_a_person: bool = False) -> T:
        """Return what `work` returns, or raise what it raises.

        Args:
            work: Called on a thread of its own.
            seconds: How long it is waited for.
            for_a_person: It may wait for a person, which `close` puts an end to.

        Raises:
            Hanging: It did not return in time.
        """
        call = self._begin(work, for_a_person=for_a_person)
        wait([call.outcome], seconds)
        self._abandon(call)
        return call.outcome.result()

    async def call_async(self, work: Callable[[], T], seconds: float) -> T:
        """Do the same as `call` without blocking the event loop; cancelled, it abandons `work`."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def tell(_outcome: Future[T]) -> None:
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:  # the loop is closed, and nobody waits any more
                pass

        call = self._begin(work, for_a_person=False)
        call.outcome.add_done_callback(tell)
        try:
            async with asyncio.timeout(seconds):
                await done.wait()
        except TimeoutError:
            pass
        finally:
            self._abandon(call)
        return call.outcome.result()

    def close(self) -> None:
        """Abandon what waits for a person, now and from now on."""
        with self._changing:
            self._closed = True
            waiting = [call for call in self._waiting if call.for_a_person]
        for call in waiting:
            self._abandon(call)

    def _begin(self, work: Callable[[], T], *, for_a_person: bool) -> _Call[T]:
        call = _Call(work, for_a_person=for_a_person)
        with self._changing:
            alike = sum(other.for_a_person == for_a_person for other in self._hanging)
            if alike >= MAXIMUM_HANGING or (self._closed and for_a_person):
                raise Hanging
            self._waiting.add(call)
        try:
            threading.Thread(target=self._run, args=(call,), name="keyring", daemon=True).start()
        except RuntimeError as exc:  # the system gives no thread
            with self._changing:
                self._waiting.discard(call)
            raise Hanging from exc
        return call

    def _run(self, call: _Call[Any]) -> None:
        _running.call = call
        try:
            result = call.work()
        except BaseException as exc:  # noqa: BLE001 - whatever it is, it belongs to the waiter
            call.settle(partial(call.outcome.set_exception, exc))
        else:
            call.settle(partial(call.outcome.set_result, result))
        with self._changing:
            self._waiting.discard(call)
            came_back = call in self._hanging
            self._hanging.discard(call)
        if came_back and self._on_return is not None:
            self._on_return()

    def _abandon(self, call: _Call[Any]) -> None:
        """Do without a call's outcome, unless it has just come."""
        with self._changing:
            if call.settle(partial(call.outcome.set_exception, Hanging())):
                self._waiting.discard(call)
                self._hanging.add(call)
