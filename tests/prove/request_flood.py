"""Thousands of requests at once: each has its result or is told to come back, in bounded memory.

The renewals among them are held at the issuer, so that they pile up; the others are answered while
they do. Then the issuer answers, and so does the server to all that it took.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from codex_auth_lsp.sandbox.visitor import Visitor
from prove.memory import peak_bytes, resident_bytes
from prove.results import Claim, Outcome, Table, at_least, exactly
from support.lsp_client import LanguageClient
from support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GROWTH = 96 * 1024 * 1024
"""Bytes that the most memory may be above that at rest: 64 MiB of answers may wait unread."""

KINDS = (
    ("auth/refresh", {"force": True}),
    ("auth/status", {}),
    ("auth/methods", {}),
    ("auth/unknown", {}),
)
ANSWERS = frozenset({"result", "-32803 rateLimited", "-32601 None"})
SECONDS = 120.0
TAKEN = 256


async def run(requests: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Ask one server for so much."""
    (folder / "codex").mkdir(mode=0o700)
    sandbox = await asyncio.to_thread(Sandbox.start, folder)
    client = await LanguageClient.start(
        folder, home=folder / "codex", issuer=sandbox.issuer, log_level=None
    )
    try:
        await client.initialize()
        login = await client.start_request("auth/login", {"method": "browser"})
        await Visitor().visit((await client.wait_for("auth/loginPrompt")).params["url"])
        await login.result()
        sandbox.fault("refresh", "hang")
        before = resident_bytes(client.process.pid)
        asked = [await client.start_request(*KINDS[n % len(KINDS)]) for n in range(requests)]
        await asked[-1].message(SECONDS)  # told at once, so all that came before it was judged
        waiting = sum(not one.answered for one in asked)
        sandbox.release()
        messages = [(one.method, await one.message(SECONDS)) for one in asked]
        growth = peak_bytes(client.process.pid) - before
    finally:
        sandbox.release()
        await client.close()
        await asyncio.to_thread(sandbox.stop)
    counts = Counter((method, _said(message.body)) for method, message in messages)
    say(f"{len(messages):,} answers, {waiting} waited, +{growth / 2**20:.1f} MB")
    return judge(requests, counts, waiting, growth)


def _said(body: dict[str, object]) -> str:
    error = body.get("error")
    if not isinstance(error, dict):
        return "result"
    return f"{error['code']} {error.get('data', {}).get('kind')}"


def judge(requests: int, counts: Counter[tuple[str, str]], waiting: int, growth: int) -> Outcome:
    """Return the claims and figures."""
    odd = {
        (method, said): count
        for (method, said), count in counts.items()
        if method != "auth/refresh" and said not in ANSWERS
    }
    limited = {method for method, said in counts if said.endswith("rateLimited")} - {"auth/refresh"}
    return Outcome(
        part="request_flood",
        asked=f"{requests:,} requests at once",
        claims=[
            exactly("answers", counts.total(), requests),
            Claim(
                f"requests that still ran when the last one came, at most {TAKEN}",
                f"{waiting:,}",
                waiting <= TAKEN,
            ),
            at_least(
                "renewals that were told to come back",
                counts["auth/refresh", "-32803 rateLimited"],
                1,
            ),
            exactly("other answers to what is told at once", sum(odd.values())),
            exactly("methods that are told at once and were not", len(limited)),
            Claim(
                f"growth of memory at its peak, below {GROWTH // 2**20} MB",
                f"{growth / 2**20:.1f} MB",
                growth < GROWTH,
            ),
        ],
        tables=[
            Table(
                ("request", "answer", "count"),
                tuple((*key, f"{count:,}") for key, count in sorted(counts.items())),
            )
        ],
        failures=[f"{method} was answered with {said}" for method, said in odd],
    )
