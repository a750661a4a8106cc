"""Looks at the disk that end in time, whatever the disk does: on a thread that is left behind.

A network file system that is away, or a drive that wakes up, keeps whoever looks there until it
answers, and no signal ends that. So one thread of a process looks, in turn, and others wait for it
no longer than `LOOK_SECONDS`. While a look hangs no other one is waited for.

A window's first status needs it, so it does without `concurrent.futures` and the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from codex_auth_lsp.stores.hanging import Hanging

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK_SECONDS = 2.0
"""How long a disk may take to say what is stored, of the 3 s in which a status is answered."""

T = TypeVar("T")


class DiskThread:
    """Its calls are made from one thread; `on_return` is called from its own after a hang."""

    def __init__(self) -> None:
        self.on_return: Callable[[], None] | None = None
        self._queue: SimpleQueue[_Call[Any]] = SimpleQueue()
        self._begun = False
        self._left_behind: _Call[Any] | None = None

    def call(self, work: Callable[[], T], seconds: float = LOOK_SECONDS) -> T:
        """Return what `work` returns, or raise what it raises.

        Raises:
            Hanging: It did not return in time, or an earlier one still has not.
        """
        if self._left_behind is not None and not self._left_behind.is_done:
            raise Hanging
        self._left_behind = None
        call = _Call(work)
        self._begin(call)
        if not call.wait(seconds):
            self._left_behind = call
            call.then(self._returned)
            raise Hanging
        return call.outcome()

    async def call_async(self, work: Callable[[], T]) -> T:
        """Do the same without a deadline, and without blocking the event loop."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def tell() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(done.set)

        call = _Call(work)
        self._begin(call)
        call.then(tell)
        try:
            await done.wait()
        except asyncio.CancelledError:
            call.is_wanted = False
            raise
        return call.outcome()

    def _begin(self, call: _Call[Any]) -> None:
        if not self._begun:
            try:
                threading.Thread(target=self._run, name="disk", daemon=True).start()
            except RuntimeError as exc:  # the system gives no thread
                raise Hanging from exc
            self._begun = True
        self._queue.put(call)

    def _run(self) -> None:
        while True:
            self._queue.get().make()

    def _returned(self) -> None:
        if self.on_return is not None:
            self.on_return()


class _Call(Generic[T]):
    """One call on its way to the thread and back."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.is_wanted = True
        self.is_done = False
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._after: Callable[[], None] | None = None
        self._changing = threading.Lock()
        self._done = threading.Lock()
        self._done.acquire()

    def make(self) -> None:
        """Make it, unless nobody wants it any more."""
        if self.is_wanted:
            try:
                self._results.append(self._work())
            except BaseException as exc:  # noqa: BLE001 - whatever it is, it belongs to the waiter
                self._error = exc
        with self._changing:
            self.is_done, after = True, self._after
        self._done.release()
        if after is not None:
            after()

    def wait(self, seconds: float) -> bool:
        """Wait until it is done, once; return whether it is."""
        return self._done.acquire(timeout=seconds)

    def then(self, after: Callable[[], None]) -> None:
        """Call `after` from the thread when it is done, at once where it is."""
        with self._changing:
            is_done, self._after = self.is_done, after
        if is_done:
            after()

    def outcome(self) -> T:
        """Return what it returned, or raise what it raised; it is done."""
        if self._error is not None:
            raise self._error
        return self._results[0]
