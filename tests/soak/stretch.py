"""One stretch of a soak: a window that works all the time, and one beside it that idles.

Both are on one login cache. The idle one hears of every change and is asked for nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from codex_auth_lsp.sandbox.visitor import Visitor
from prove.login import LoginFile
from prove.windows import windows
from soak.kept import Sample
from soak.plan import LOGIN, REFRESH, STATUS
from soak.process import measure
from support.lsp_client import mask
from support.raw_callback import deliver
from support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from soak.kept import Kept
    from soak.plan import Plan
    from support.lsp_client import LanguageClient

SETTLE_SECONDS = 2.0
"""After the first work of a stretch: what a window then still loads is no drift."""

ACTION_SECONDS = 60.0
"""How long one login or refresh may take on a busy machine."""


async def run(kept: Kept, plan: Plan, folder: Path, save: Callable[[], None]) -> None:
    """Work until the time is over; `save` is called after every measurement."""
    home = LoginFile.make(folder)
    sandbox = await asyncio.to_thread(Sandbox.start, folder)
    try:
        async with windows(2, folder, home.folder, sandbox.issuer) as (busy, idle):
            await _Stretch(kept, plan, busy, idle, save).run()
    finally:
        await asyncio.to_thread(sandbox.stop)


class _Stretch:
    def __init__(
        self,
        kept: Kept,
        plan: Plan,
        busy: LanguageClient,
        idle: LanguageClient,
        save: Callable[[], None],
    ) -> None:
        self._kept = kept
        self._plan = plan
        self._busy = busy
        self._idle = idle
        self._save = save
        self._before = kept.seconds
        self._began = time.monotonic()
        self._samples: list[Sample] = []
        self._work = {STATUS: self._ask, LOGIN: self._log_in, REFRESH: self._refresh}

    async def run(self) -> None:
        for name in (LOGIN, REFRESH, STATUS):  # what the first of a kind imports is no drift
            await self._do(name)
        await asyncio.sleep(SETTLE_SECONDS)
        self._kept.stretches.append(self._samples)
        self._sample()
        while not self._kept.is_over:
            await asyncio.sleep(self._plan.step)
            self._kept.seconds = self._before + self._elapsed
            if self._elapsed - self._samples[-1].at >= self._plan.between_samples:
                self._sample()
            await self._catch_up()
        self._sample()

    @property
    def _elapsed(self) -> float:
        return time.monotonic() - self._began

    async def _catch_up(self) -> None:
        for name, count in self._plan.due(self._kept.seconds, self._kept.done).items():
            for _ in range(count):
                await self._do(name)
        for client in (self._busy, self._idle):
            client.messages.clear()
            client.sent.clear()

    async def _do(self, name: str) -> None:
        self._kept.done[name] = self._kept.done.get(name, 0) + 1
        try:
            await self._work[name]()
        except Exception as exc:  # whatever it is, it is told and the soak goes on
            self._kept.failures.append(f"{name}: {type(exc).__name__}: {mask(str(exc))[:300]}")
            self._save()
            if self._busy.process.returncode is not None:
                raise

    async def _ask(self) -> None:
        status = await self._busy.request("auth/status")
        assert status["state"] == "signedIn", status["state"]

    async def _refresh(self) -> None:
        pending = await self._busy.start_request("auth/refresh", {"force": True})
        status = await pending.result(ACTION_SECONDS)
        assert status["freshness"] == "fresh", status["freshness"]

    async def _log_in(self) -> None:
        mark = len(self._busy.messages)
        pending = await self._busy.start_request("auth/login", {"method": "browser"})
        prompt = await self._busy.wait_for("auth/loginPrompt", since=mark, timeout=ACTION_SECONDS)
        visit = await Visitor().visit(prompt.params["url"], deliver=False)
        assert visit.callback_url is not None
        delivery = asyncio.create_task(deliver(visit.callback_url))
        result = await pending.result(ACTION_SECONDS)
        await delivery
        assert result["status"]["state"] == "signedIn", result["status"]["state"]

    def _sample(self) -> None:
        busy, idle = (measure(client.process.pid) for client in (self._busy, self._idle))
        self._samples.append(Sample(self._elapsed, busy, idle))
        self._save()
