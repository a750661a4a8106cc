"""Blocking calls that can be walked away from: each on a daemon thread of its own.

Nobody waits longer than the deadline, and a call that never returns does not keep the process from
ending. A thread cannot be killed, so an abandoned call may still come back: it is told so at
`ensure_wanted`, before each step that would change something, and `on_return` tells that it did.
An abandoned call that itself waits for another one is let go at once. While a few abandoned calls
hang, no further one is begun.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from codex_auth_lsp.stores.hanging import Hanging

if TYPE_CHECKING:
    from collections.abc import Callable

MAXIMUM_HANGING = 3
"""How many abandoned threads there may be at a time: a bound for what a dead service can cost."""

T = TypeVar("T")


class Abandoned(BaseException):
    """Ends an abandoned call from inside; no handler for failures is meant to see it."""


class Wish(Protocol):
    """What a thread works for, and whether anybody still wants it."""

    def is_wanted(self) -> bool:
        """Say whether to go on."""
        ...

    @property
    def abandonment(self) -> Future[Any] | None:
        """What is done as soon as nobody wants it, None where that may change again."""
        ...


class _Call(Generic[T]):
    """One call: its thread and its waiter agree here on who was first."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.work = work
        self.outcome: Future[T] = Future()
        self._deciding = threading.Lock()

    def is_wanted(self) -> bool:
        return not self.outcome.done()

    @property
    def abandonment(self) -> Future[T]:
        return self.outcome

    def settle(self, settle: Callable[[], object]) -> bool:
        """Settle the outcome unless it is settled; return whether this was the first."""
        with self._deciding:
            if self.outcome.done():
                return False
            settle()
            return True


_running = threading.local()


def begin_thread(wish: Wish, work: Callable[[], None]) -> None:
    """Start a daemon thread that works for `wish`.

    Raises:
        Hanging: The system gives no thread.
    """

    def run() -> None:
        _running.wish = wish
        work()

    try:
        threading.Thread(target=run, name="keyring", daemon=True).start()
    except RuntimeError as exc:
        raise Hanging from exc


def ensure_wanted() -> None:
    """End the call that this thread makes if it was abandoned; do nothing elsewhere."""
    wish: Wish | None = getattr(_running, "wish", None)
    if wish is not None and not wish.is_wanted():
        raise Abandoned


def wait_while_wanted(outcomes: list[Future[Any]], seconds: float) -> None:
    """Wait for one of `outcomes`, and no longer than the call that this thread makes is wanted."""
    wish: Wish | None = getattr(_running, "wish", None)
    if wish is not None and wish.abandonment is not None:
        outcomes = [*outcomes, wish.abandonment]
    wait(outcomes, seconds, return_when=FIRST_COMPLETED)


async def in_own_thread(work: Callable[[], T]) -> T:
    """Return what blocking work returns that may wait for a person; cancelled, it abandons it."""
    return await AbandonableCalls().call_async(work, None)


class AbandonableCalls:
    """Makes blocking calls; `on_return` is called from the thread of an abandoned one that ends."""

    def __init__(self, on_return: Callable[[], None] | None = None) -> None:
        self._on_return = on_return
        self._changing = threading.Lock()
        self._hanging: set[_Call[Any]] = set()

    def call(self, work: Callable[[], T], seconds: float) -> T:
        """Return what `work` returns, or raise what it raises.

        Args:
            work: Called on a thread of its own.
            seconds: How long it is waited for.

        Raises:
            Hanging: It did not return in time.
        """
        call = self._begin(work)
        wait_while_wanted([call.outcome], seconds)
        self._abandon(call)
        ensure_wanted()
        return call.outcome.result()

    async def call_async(self, work: Callable[[], T], seconds: float | None) -> T:
        """Do the same as `call` without blocking the event loop; cancelled, it abandons `work`."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def tell(_outcome: Future[T]) -> None:
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:  # the loop is closed, and nobody waits any more
                pass

        call = self._begin(work)
        call.outcome.add_done_callback(tell)
        try:
            async with asyncio.timeout(seconds):
                await done.wait()
        except TimeoutError:
            pass
        finally:
            self._abandon(call)
        return call.outcome.result()

    def _begin(self, work: Callable[[], T]) -> _Call[T]:
        call = _Call(work)
        with self._changing:
            if len(self._hanging) >= MAXIMUM_HANGING:
                raise Hanging
        begin_thread(call, partial(self._run, call))
        return call

    def _run(self, call: _Call[Any]) -> None:
        try:
            result = call.work()
        except BaseException as exc:  # noqa: BLE001 - whatever it is, it belongs to the waiter
            call.settle(partial(call.outcome.set_exception, exc))
        else:
            call.settle(partial(call.outcome.set_result, result))
        with self._changing:
            came_back = call in self._hanging
            self._hanging.discard(call)
        if came_back and self._on_return is not None:
            self._on_return()

    def _abandon(self, call: _Call[Any]) -> None:
        """Do without a call's outcome, unless it has just come."""
        with self._changing:
            if call.settle(partial(call.outcome.set_exception, Hanging())):
                self._hanging.add(call)
