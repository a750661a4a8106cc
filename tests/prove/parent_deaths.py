"""Editors that are killed, beside language servers whose pipes stay open: the servers go as well.

`initialize` names the editor. It is killed at different moments, by somebody who takes note of its
end or by somebody who does not, and from then on nothing but the kernel can tell the server.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from prove.results import Claim, Outcome, Table, at_least, exactly
from support import raw_callback
from support.lsp_client import LanguageClient
from support.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

IN_TIME = 10.0
"""Seconds within which the end of an editor must be the server's."""

SAY_EVERY = 50


async def _before_initialized(client: LanguageClient, pid: int) -> str | None:
    await client.initialize(process_id=pid, initialized=False)
    return None


async def _at_rest(client: LanguageClient, pid: int) -> str | None:
    await client.initialize(process_id=pid)
    await client.request("auth/status", {})
    return None


async def _during_a_login(client: LanguageClient, pid: int) -> str | None:
    await client.initialize(process_id=pid)
    await client.start_request("auth/login", {"method": "browser"})
    url: str = (await client.wait_for("auth/loginPrompt")).params["url"]
    return url


MOMENTS: dict[str, Callable[[LanguageClient, int], Awaitable[str | None]]] = {
    "before `initialized`": _before_initialized,
    "at rest": _at_rest,
    "while a sign-in waits for the browser": _during_a_login,
}
"""What is done before the kill; returns the address of a sign-in page that is shown."""


@dataclass(slots=True)
class Death:
    """One editor's end, and its server's."""

    moment: str
    is_reaped: bool
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


async def run(kills: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Kill so many editors, one after the other."""
    deaths: list[Death] = []
    sandbox = await asyncio.to_thread(Sandbox.start, folder)
    try:
        for number in range(kills):
            moment = list(MOMENTS)[number % len(MOMENTS)]
            home = folder / str(number)
            home.mkdir(mode=0o700)
            deaths.append(await kill(moment, home, sandbox, is_reaped=number % 2 == 0))
            if len(deaths) % SAY_EVERY == 0:
                say(f"{len(deaths)} editors killed, slowest {max(d.seconds for d in deaths):.2f} s")
    finally:
        await asyncio.to_thread(sandbox.stop)
    return judge(kills, deaths)


async def kill(moment: str, home: Path, sandbox: Sandbox, *, is_reaped: bool) -> Death:
    """Kill one editor, and see its language server go."""
    death = Death(moment, is_reaped)
    editor = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    try:
        client = await LanguageClient.start(home, home=home, issuer=sandbox.issuer, log_level=None)
        url = await MOMENTS[moment](client, editor.pid)
        begun = time.monotonic()
        editor.kill()
        if is_reaped:
            editor.wait()
        else:
            os.waitid(os.P_PID, editor.pid, os.WEXITED | os.WNOWAIT)
        try:
            status = await client.wait_until_ended(IN_TIME)
        except TimeoutError:
            death.broken.append(f"it still ran after {IN_TIME:g} s")
        else:
            if status != 0:
                death.broken.append(f"it ended with status {status}")
        death.seconds = time.monotonic() - begun
        if client.stderr:
            death.broken.append("it wrote to stderr")
        if url is not None and await raw_callback.is_listening(_port(url)):
            death.broken.append("its port is still listened on")
    finally:
        editor.kill()
        editor.wait()
        assert editor.stdin is not None
        editor.stdin.close()
    return death


def _port(sign_in_url: str) -> int:
    query = parse_qs(urlsplit(sign_in_url).query)
    return raw_callback.port_of(query["redirect_uri"][0])


def judge(kills: int, deaths: Sequence[Death]) -> Outcome:
    """Return the claims and figures."""
    slowest = max(death.seconds for death in deaths)
    return Outcome(
        part="parent_deaths",
        asked=f"{kills} kills",
        claims=[
            at_least("editors killed while the pipe stayed open", len(deaths), kills),
            exactly("servers that did not end as they should", sum(bool(d.broken) for d in deaths)),
            Claim(
                f"seconds until the slowest server was gone, at most {IN_TIME:g}",
                f"{slowest:.2f}",
                slowest <= IN_TIME,
            ),
        ],
        tables=[
            Table(
                ("killed", "its end was taken note of", "kills", "half within", "slowest"),
                tuple(
                    _row(moment, deaths, is_reaped=r) for moment in MOMENTS for r in (True, False)
                ),
            )
        ],
        limits=[
            "On systems other than Linux the process is looked for every 5 s; that was not run."
        ],
        failures=[f"{d.moment}: {text}" for d in deaths for text in d.broken],
    )


def _row(moment: str, deaths: Sequence[Death], *, is_reaped: bool) -> tuple[str, ...]:
    seconds = sorted(d.seconds for d in deaths if (d.moment, d.is_reaped) == (moment, is_reaped))
    half, most = (seconds[len(seconds) // 2], seconds[-1]) if seconds else (0.0, 0.0)
    return (
        moment,
        "yes" if is_reaped else "no",
        f"{len(seconds):,}",
        f"{half:.2f} s",
        f"{most:.2f} s",
    )
