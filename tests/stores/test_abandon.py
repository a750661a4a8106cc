"""Blocking calls that are walked away from: deadlines hold, and late calls change nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from codex_auth_lsp.stores.abandon import (
    MAXIMUM_HANGING,
    AbandonableCalls,
    Hanging,
    ensure_wanted,
    in_own_thread,
)
from stores.fake_vaults import PATIENCE, SHORT


class Gate:
    """Work that hangs until it is let go, and tells what became of it."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.went_on = threading.Event()
        self.ended = threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        try:
            self.opened.wait()
            ensure_wanted()
            self.went_on.set()
            return "done"
        finally:
            self.ended.set()


def test_result_of_a_call_is_returned_from_a_daemon_thread():
    """A thread of its own, which does not keep the process from ending."""
    caller = threading.current_thread()
    thread = AbandonableCalls().call(threading.current_thread, PATIENCE)

    assert thread is not caller
    assert thread.daemon


async def test_result_of_a_call_is_awaited():
    """The same without blocking the event loop."""
    calls = AbandonableCalls()
    gate = Gate()
    waiting = asyncio.ensure_future(calls.call_async(gate, PATIENCE))
    await asyncio.sleep(0)
    gate.opened.set()

    assert await waiting == "done"


@pytest.mark.parametrize("error", [ValueError("no"), TimeoutError("its own"), KeyError(1)])
async def test_error_of_a_call_is_raised_as_it_is(error):
    """A timeout that the work itself met is its own affair."""

    def work():
        raise error

    with pytest.raises(type(error)) as caught:
        AbandonableCalls().call(work, PATIENCE)
    assert caught.value is error
    with pytest.raises(type(error)) as caught:
        await AbandonableCalls().call_async(work, PATIENCE)
    assert caught.value is error


async def test_call_that_hangs_is_abandoned_at_its_deadline():
    """(S15) Whoever waits gets away in time, on a thread as on the event loop."""
    gate = Gate()
    started = time.monotonic()
    with pytest.raises(Hanging):
        AbandonableCalls().call(gate, SHORT)
    with pytest.raises(Hanging):
        await AbandonableCalls().call_async(gate, SHORT)

    assert SHORT * 2 <= time.monotonic() - started < PATIENCE
    gate.opened.set()


def test_abandoned_call_ends_before_its_next_step():
    """What nobody waits for any more changes nothing."""
    gate = Gate()
    with pytest.raises(Hanging):
        AbandonableCalls().call(gate, SHORT)
    gate.opened.set()

    assert gate.ended.wait(PATIENCE)
    assert not gate.went_on.is_set()


def test_code_that_nobody_called_this_way_is_always_wanted():
    """A vault can be used without a thread too."""
    gate = Gate()
    gate.opened.set()

    assert gate() == "done"


async def test_cancelled_wait_abandons_the_call():
    """A request that is gone keeps nothing going."""
    gate = Gate()
    waiting = asyncio.ensure_future(AbandonableCalls().call_async(gate, PATIENCE))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    gate.opened.set()

    assert gate.ended.wait(PATIENCE)
    assert not gate.went_on.is_set()


def test_few_calls_hang_at_a_time_and_further_ones_are_told_at_once():
    """A dead service costs a bounded number of threads; when one comes back, one more may try."""
    returned = threading.Semaphore(0)
    calls = AbandonableCalls(returned.release)
    gates = [Gate() for _ in range(MAXIMUM_HANGING)]
    for gate in gates:
        with pytest.raises(Hanging):
            calls.call(gate, SHORT)
    one_too_many = Gate()
    with pytest.raises(Hanging):
        calls.call(one_too_many, PATIENCE)

    assert not one_too_many.begun.is_set()
    gates[0].opened.set()
    assert returned.acquire(timeout=PATIENCE)
    assert calls.call(lambda: "back", PATIENCE) == "back"
    for gate in gates:
        gate.opened.set()


async def test_abandoned_call_that_waits_for_another_is_let_go_at_once():
    """Who gives up a sign-in leaves no thread behind that waits for the keyring."""
    calls, gate, left = AbandonableCalls(), Gate(), threading.Event()

    def outer() -> None:
        try:
            calls.call(gate, PATIENCE)
        finally:
            left.set()

    waiting = asyncio.ensure_future(in_own_thread(outer))
    await asyncio.to_thread(gate.begun.wait, PATIENCE)
    waiting.cancel()
    await asyncio.wait([waiting])

    assert await asyncio.to_thread(left.wait, PATIENCE / 2)
    gate.opened.set()


def test_return_of_a_call_is_told_only_when_nobody_waited_for_it():
    """It says that a silent service speaks again."""
    returned = threading.Event()
    calls = AbandonableCalls(returned.set)
    gate = Gate()
    calls.call(lambda: None, PATIENCE)
    with pytest.raises(Hanging):
        calls.call(gate, SHORT)
    assert not returned.is_set()
    gate.opened.set()

    assert returned.wait(PATIENCE)


def test_process_ends_while_a_call_hangs():
    """No thread is waited for at the end."""
    script = (
        "import threading\n"
        "from codex_auth_lsp.stores.abandon import AbandonableCalls\n"
        "from codex_auth_lsp.stores.hanging import Hanging\n"
        "try:\n"
        "    AbandonableCalls().call(threading.Event().wait, 0.01)\n"
        "except Hanging:\n"
        "    print('walked away')\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE
    )

    assert (process.returncode, process.stdout, process.stderr) == (0, "walked away\n", "")


def test_loop_that_is_closed_hears_nothing_of_a_late_call(caplog):
    """A thread that comes back after the end of everything goes quietly."""
    gate = Gate()

    async def leave() -> None:
        with pytest.raises(Hanging):
            await AbandonableCalls().call_async(gate, SHORT)

    asyncio.run(leave())
    gate.opened.set()

    assert gate.ended.wait(PATIENCE)
    assert caplog.text == ""
