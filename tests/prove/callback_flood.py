"""A flood of the redirect listener while somebody signs in: the true redirect gets through.

A program beside us holds half-open connections to the port and sends forged redirects without
waiting for an answer. In the middle of it the person's browser brings the true one, once, and the
window is asked for the state all the while.
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from codex_auth_lsp.sandbox.visitor import Visitor
from prove.memory import resident_bytes
from prove.results import Claim, Outcome, Table, at_least, exactly
from support.lsp_client import LanguageClient
from support.raw_callback import deliver, port_of
from support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ANSWER_SECONDS = 1.0
"""Within which the true redirect has its answer, and the window the state."""

GROWTH = 20 * 1024 * 1024
"""Bytes of memory that a flood may cost."""

FLOODER = Path(__file__).with_name("flooder.py")


@dataclass(frozen=True, slots=True)
class Flood:
    """How much is sent."""

    half_open: int
    requests: int
    seconds: float


@dataclass(slots=True)
class Flooded:
    """What became of one sign-in."""

    sent: int = 0
    seconds: float = 0.0
    answered: float = 0.0
    """Seconds until the true redirect had its answer."""
    slowest_status: float = 0.0
    growth: int = 0
    broken: list[str] = field(default_factory=list)


async def run(flood: Flood, rounds: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Flood some sign-ins, one after the other."""
    found = []
    for number in range(rounds):
        found.append(await sign_in(flood, folder / str(number)))
        say(
            f"{found[-1].sent} requests in {found[-1].seconds:.1f} s, "
            f"answered in {found[-1].answered:.2f} s; {'; '.join(found[-1].broken) or 'fine'}"
        )
    return judge(flood, found)


async def sign_in(flood: Flood, folder: Path) -> Flooded:
    """Flood one sign-in, and finish it."""
    (folder / "codex").mkdir(parents=True, mode=0o700)
    sandbox = await asyncio.to_thread(Sandbox.start, folder)
    client = await LanguageClient.start(
        folder, home=folder / "codex", issuer=sandbox.issuer, log_level=None
    )
    try:
        await client.initialize()
        login = await client.start_request("auth/login", {"method": "browser"})
        prompt = (await client.wait_for("auth/loginPrompt")).params
        visit = await Visitor().visit(prompt["url"], deliver=False)
        assert visit.callback_url is not None
        found = await _flooded(flood, client, visit.callback_url)
        result = await login.result()
        if result["status"]["state"] != "signedIn":
            found.broken.append("nobody is signed in")
    finally:
        await client.close()
        await asyncio.to_thread(sandbox.stop)
    return found


async def _flooded(flood: Flood, client: LanguageClient, callback_url: str) -> Flooded:
    found = Flooded()
    before = resident_bytes(client.process.pid)
    flooder = await asyncio.create_subprocess_exec(
        sys.executable, "-I", FLOODER,
        *map(str, (port_of(callback_url), flood.half_open, flood.requests, flood.seconds)),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert flooder.stdout is not None
    assert flooder.stdin is not None
    await flooder.stdout.readline()
    asking = asyncio.create_task(_ask(client, found))
    try:
        await asyncio.sleep(flood.seconds / 2)
        begun = time.monotonic()
        answer = await deliver(callback_url)
        found.answered = time.monotonic() - begun
        if answer.status != 303:
            found.broken.append(f"the true redirect was answered with {answer.status}")
        _, sent, seconds = (await flooder.stdout.readline()).split()
        found.sent, found.seconds = int(sent), float(seconds)
        found.growth = max(0, resident_bytes(client.process.pid) - before)
    finally:
        asking.cancel()
        flooder.stdin.close()
        await flooder.wait()
    return found


async def _ask(client: LanguageClient, found: Flooded) -> None:
    while True:
        begun = time.monotonic()
        await client.request("auth/status", {})
        found.slowest_status = max(found.slowest_status, time.monotonic() - begun)
        await asyncio.sleep(0.05)


def judge(flood: Flood, found: Sequence[Flooded]) -> Outcome:
    """Return the claims and figures."""
    slowest = max(one.answered for one in found)
    growth = max(one.growth for one in found)
    status = max(one.slowest_status for one in found)
    return Outcome(
        part="callback_flood",
        asked=f"{len(found)} sign-ins, each under {flood.half_open} half-open connections and "
        f"{flood.requests:,} requests in {flood.seconds:g} s",
        claims=[
            at_least("requests sent", sum(one.sent for one in found), len(found) * flood.requests),
            exactly("sign-ins that failed", sum(bool(one.broken) for one in found)),
            Claim(
                f"seconds until the true redirect was answered, at most {ANSWER_SECONDS:g}",
                f"{slowest:.2f}",
                slowest <= ANSWER_SECONDS,
            ),
            Claim(
                f"seconds of the slowest `auth/status` meanwhile, at most {ANSWER_SECONDS:g}",
                f"{status:.2f}",
                status <= ANSWER_SECONDS,
            ),
            Claim(
                f"growth of memory, below {GROWTH // 2**20} MB",
                f"{growth / 2**20:.1f} MB",
                growth < GROWTH,
            ),
        ],
        tables=[
            Table(
                ("sign-in", "requests", "took", "redirect answered in", "slowest status", "memory"),
                tuple(
                    (
                        str(number),
                        f"{one.sent:,}",
                        f"{one.seconds:.1f} s",
                        f"{one.answered:.2f} s",
                        f"{one.slowest_status:.2f} s",
                        f"+{one.growth / 2**20:.1f} MB",
                    )
                    for number, one in enumerate(found, 1)
                ),
            )
        ],
        limits=[
            "The flood runs beside the server on the same processors. One that fills the port's "
            "queue faster than the server empties it can keep a browser out for as long as it goes "
            "on; the redirect can then be pasted."
        ],
        failures=[f"sign-in {n}: {text}" for n, one in enumerate(found, 1) for text in one.broken],
    )
