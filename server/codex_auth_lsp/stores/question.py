"""The one question that stands on the screen: whoever needs its answer joins the wait for it.

Invariants: a second question is asked only after the first is over; one that nobody waits for any
more stays on the screen, where the person may still answer it, and whoever asks meanwhile joins it;
at the end of the process nobody waits.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from codex_auth_lsp.stores.abandon import (
    begin_thread,
    ensure_wanted,
    wait_while_wanted,
)
from codex_auth_lsp.stores.hanging import Hanging

if TYPE_CHECKING:
    from collections.abc import Callable


class _Asked:
    """A question that was asked: those who wait for it want it to go on."""

    abandonment = None  # somebody may join at any time

    def __init__(self, changing: threading.Lock) -> None:
        self.outcome: Future[None] = Future()
        self.waiting = 1
        self.is_over = False
        self._changing = changing

    def is_wanted(self) -> bool:
        """Say whether anybody waits; where nobody does, nobody can join any more."""
        with self._changing:
            self.is_over = self.is_over or not self.waiting
            return not self.is_over


class Question:
    """Asks the person one thing at a time.

    `on_return` is called from its thread after an answer that nobody waited for.
    """

    def __init__(self, on_return: Callable[[], None]) -> None:
        self._on_return = on_return
        self._changing = threading.Lock()
        self._asked: _Asked | None = None
        self._closing: Future[None] = Future()

    def ask(self, work: Callable[[], object], seconds: float) -> bool:
        """Ask, or wait for the answer to what is being asked already.

        Args:
            work: Asks, and returns once the person has agreed; called on a thread of its own.
            seconds: How long the answer is waited for.

        Returns:
            Whether `work` was done; otherwise the person has agreed to what was asked before.

        Raises:
            Hanging: Nobody answered in time, or the process ends.
        """
        asked, is_new = self._join(work)
        wait_while_wanted([asked.outcome, self._closing], seconds)
        with self._changing:
            asked.waiting -= 1
        ensure_wanted()
        if not asked.outcome.done():
            raise Hanging
        asked.outcome.result()
        return is_new

    def close(self) -> None:
        """Let everybody go who waits, now and from now on."""
        with self._changing:
            if not self._closing.done():
                self._closing.set_result(None)

    def _join(self, work: Callable[[], object]) -> tuple[_Asked, bool]:
        with self._changing:
            if self._closing.done():
                raise Hanging
            if self._asked is not None and not self._asked.is_over:
                self._asked.waiting += 1
                return self._asked, False
            asked = _Asked(self._changing)
            begin_thread(asked, partial(self._run, asked, work))
            self._asked = asked
            return asked, True

    def _run(self, asked: _Asked, work: Callable[[], object]) -> None:
        try:
            work()
        except BaseException as exc:  # noqa: BLE001 - whatever it is, it belongs to the waiters
            self._end(asked, partial(asked.outcome.set_exception, exc))
        else:
            self._end(asked, partial(asked.outcome.set_result, None))

    def _end(self, asked: _Asked, settle: Callable[[], None]) -> None:
        with self._changing:
            asked.is_over = True
            nobody_waits = not asked.waiting
        settle()
        if nobody_waits:
            self._on_return()
