"""Whole flows beside the issuer's time: a browser login, and a refresh that many windows want."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.figures import Goal, Samples, at_most
from bench.one_window import SETTLE_SECONDS
from bench.peers import OURS
from codex_auth_lsp.sandbox.visitor import Visitor
from prove.issuer import ProvingIssuer
from prove.login import LoginFile
from prove.windows import windows
from support.lsp_client import LanguageClient
from support.raw_callback import deliver
from support.sandbox import Sandbox

WINDOWS = 50

_LOGIN_SECONDS = 60.0


@dataclass(slots=True)
class Flows:
    """What was measured."""

    login: Samples = field(default_factory=lambda: Samples("ms"))
    refresh: Samples = field(default_factory=lambda: Samples("ms"))
    requests: Samples = field(default_factory=lambda: Samples("token requests"))

    def goals(self) -> list[Goal]:
        """Return what was to be reached."""
        return [
            at_most("first browser login, own time", self.login.median(OURS), 60, "ms"),
            at_most(
                f"token requests of {WINDOWS} windows at once",
                max(self.requests.by_server[OURS]),
                1,
                "requests",
            ),
            at_most(
                f"last answer of {WINDOWS} to a refresh, beyond the issuer's time",
                self.refresh.median(OURS),
                500,
                "ms",
            ),
        ]


async def measure(rounds: int) -> Flows:
    """Measure both in turns."""
    found = Flows()
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="codex-bench-") as name:
            found.login.add(OURS, await _login(Path(name)) * 1e3)
        with tempfile.TemporaryDirectory(prefix="codex-bench-") as name:
            seconds, requests = await _refresh(Path(name))
            found.refresh.add(OURS, seconds * 1e3)
            found.requests.add(OURS, requests)
    return found


async def _login(folder: Path) -> float:
    """Return the seconds from the callback to the answer of a process's first login, its own."""
    home = LoginFile.make(folder)
    sandbox = await asyncio.to_thread(Sandbox.start, folder)
    client = await LanguageClient.start(
        folder, home=home.folder, issuer=sandbox.issuer, log_level=None
    )
    try:
        await client.initialize()
        request = await client.start_request("auth/login", {"method": "browser"})
        prompt = (await client.wait_for("auth/loginPrompt")).params
        visit = await Visitor().visit(prompt["url"], deliver=False)
        assert visit.callback_url is not None
        before = len(sandbox.log())
        at = time.perf_counter()
        delivery = asyncio.create_task(deliver(visit.callback_url))
        await request.result(_LOGIN_SECONDS)
        seconds = time.perf_counter() - at
        await delivery
        return seconds - sum(entry["seconds"] for entry in sandbox.log()[before:])
    finally:
        await client.close()
        await asyncio.to_thread(sandbox.stop)


async def _refresh(folder: Path) -> tuple[float, int]:
    """Return the seconds until the last window has its answer, and the requests that it took."""
    home = LoginFile.make(folder)
    async with ProvingIssuer.start() as issuer:
        home.write(issuer.new_login())
        async with windows(WINDOWS, folder, home.folder, issuer.url) as clients:
            await asyncio.sleep(SETTLE_SECONDS)
            issuer.forget_requests()
            at = time.perf_counter()
            asked = (client.request("auth/refresh", {"force": True}) for client in clients)
            await asyncio.gather(*asked)
            seconds = time.perf_counter() - at
            entries = issuer.sandbox.state.log.to_json()["requests"]
            refreshes = [entry for entry in entries if entry.get("endpoint") == "refresh"]
            return seconds - sum(entry["seconds"] for entry in refreshes), len(refreshes)
