"""Looks at the disk that end in time, whatever the disk does: on a thread that is left behind.

A network file system that is away, or a drive that wakes up, keeps whoever looks there until it
answers, and no signal ends that. So one thread of a process looks, in turn, and others wait for it
no longer than `LOOK_SECONDS`. While a look hangs no other one is waited for.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from codex_auth_lsp.stores.abandon import Hanging

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 2.0
"""How long a disk may take to say what is stored, of the 3 s in which a status is answered."""

T = TypeVar("T")


class DiskThread:
    """Its calls are made from one thread; `on_return` is called from its own after a hang."""

    def __init__(self) -> None:
        self.on_return: Callable[[], None] | None = None
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._begun = False
        self._left_behind: Future[Any] | None = None

    def call(self, work: Callable[[], T], seconds: float = LOOK_SECONDS) -> T:
        """Return what `work` returns, or raise what it raises.

        Raises:
            Hanging: It did not return in time, or an earlier one still has not.
        """
        if self._left_behind is not None and not self._left_behind.done():
            raise Hanging
        self._left_behind = None
        outcome = self._begin(work)
        try:
            return outcome.result(seconds)
        except TimeoutError:
            if outcome.done():
                return outcome.result()
            self._left_behind = outcome
            outcome.add_done_callback(self._returned)
            raise Hanging from None

    async def call_async(self, work: Callable[[], T]) -> T:
        """Do the same without a deadline, and without blocking the event loop."""
        return await asyncio.wrap_future(self._begin(work))

    def _begin(self, work: Callable[[], T]) -> Future[T]:
        if not self._begun:
            try:
                threading.Thread(target=self._run, name="disk", daemon=True).start()
            except RuntimeError as exc:  # the system gives no thread
                raise Hanging from exc
            self._begun = True
        outcome: Future[T] = Future()
        self._queue.put(partial(_settle, outcome, work))
        return outcome

    def _run(self) -> None:
        while True:
            self._queue.get()()

    def _returned(self, _outcome: Future[Any]) -> None:
        if self.on_return is not None:
            self.on_return()


def _settle(outcome: Future[T], work: Callable[[], T]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as exc:  # noqa: BLE001 - whatever it is, it belongs to the waiter
        outcome.set_exception(exc)
    else:
        outcome.set_result(result)
