"""The moment before which nothing is told."""

from __future__ import annotations

import asyncio

from codex_auth_lsp.service import opening
from codex_auth_lsp.service.opening import Opening


async def test_what_nobody_holds_is_open():
    """At a terminal nothing waits."""
    done: list[str] = []
    gate = Opening()

    await gate.passed()
    gate.after(lambda: done.append("at once"))

    assert done == ["at once"]


async def test_what_waits_goes_on_in_its_order():
    """And what comes later does not wait any more."""
    done: list[str] = []
    gate = Opening()
    gate.hold()
    gate.after(lambda: done.append("first"))
    gate.after(lambda: done.append("second"))
    before = list(done)

    gate.open()
    gate.after(lambda: done.append("third"))

    assert before == []
    assert done == ["first", "second", "third"]


async def test_a_client_that_never_gets_ready_is_not_waited_for(monkeypatch):
    """A login then goes on without a first status."""
    monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0.05)
    gate = Opening()
    gate.hold()

    async with asyncio.timeout(5):
        await gate.passed()
