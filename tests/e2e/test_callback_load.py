"""The loopback listener under a flood, and a true callback that brings more than it should."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.logins import begin
from support.raw_callback import NAVIGATION, deliver, exchange, request

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.logins import Browser
    from support.sandbox import Sandbox

REQUESTS = 3000
AT_A_TIME = 16
"""Below the number of connections that the listener bears, so each request is answered."""

GROWTH = 10 * 1024 * 1024
"""Bytes of memory that a flood may cost for good."""

PATIENCE = 2.0
"""Seconds in which a window is answered while it is flooded."""


def resident(pid: int) -> int:
    """Return the resident memory of a process in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
async def test_a_flood_costs_neither_memory_nor_the_login(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """(L16) Thousands of refusals; the window answers meanwhile, the true callback afterwards."""
    window = await start(sandbox)
    attempt = await begin(window)
    callback_url = await browser.callback_url(attempt.url)
    forged = request("/auth/callback?code=x&state=y", attempt.port, headers=NAVIGATION)
    await exchange(attempt.port, forged)
    before = resident(window.process.pid)
    statuses: set[int | None] = set()
    left = iter(range(REQUESTS))

    async def flood() -> None:
        for _ in left:
            statuses.add((await exchange(attempt.port, forged)).status)

    waits = []
    flooding = asyncio.gather(*(flood() for _ in range(AT_A_TIME)))
    while not flooding.done():
        asked = time.monotonic()
        await window.request("auth/status", {})
        waits.append(time.monotonic() - asked)
    await flooding
    after = resident(window.process.pid)
    answer = await deliver(callback_url)
    result = await attempt.request.result()

    assert statuses == {400}
    assert max(waits) < PATIENCE
    assert after - before < GROWTH
    assert answer.status == 303
    assert result["status"]["state"] == "signedIn"


@pytest.mark.parametrize(
    "more",
    [
        "redirect=https://evil.example/",
        "redirect_uri=//evil.example",
        "next=%2F%2Fevil.example&url=https:%5C%5Cevil.example",
        "return_to=%0d%0aLocation:%20https://evil.example",
    ],
)
async def test_nothing_in_a_callback_says_where_the_browser_goes_next(
    start: Starter, sandbox: Sandbox, browser: Browser, more
):
    """(P26) No open redirect: the last page is the listener's own, and it is reached by a GET."""
    window = await start(sandbox)
    attempt = await begin(window)
    callback_url = await browser.callback_url(attempt.url)

    answer = await deliver(f"{callback_url}&{more}")
    await attempt.request.result()

    assert answer.status == 303
    assert re.fullmatch(r"/signed-in/[\w-]{22}", answer.header("location") or "")
    assert b"evil.example" not in answer.raw
