"""Ended while a refresh is on its way: the answer is waited for and stored, however it ends.

The request is held at the issuer; then the editor or the system ends the language server in one of
the ways that they have, SIGKILL and power loss apart; then the issuer answers. In the end the new
login is stored and works, and the process has gone by itself.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prove.issuer import ProvingIssuer
from prove.login import LoginFile
from prove.results import Outcome, Table, at_least, exactly
from support.lsp_client import LanguageClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from support.lsp_client import PendingRequest

EXIT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way to end a language server."""

    name: str
    end: Callable[[LanguageClient, PendingRequest], Awaitable[None]]
    status: int = 0
    """The exit status that it is to have."""


@dataclass(slots=True)
class Ended:
    """What one end came to."""

    way: Way
    broken: list[str] = field(default_factory=list)


async def _shut_down(client: LanguageClient, _: PendingRequest) -> None:
    await client.start_request("shutdown")
    await client.notify("exit")


async def _exit(client: LanguageClient, _: PendingRequest) -> None:
    await client.notify("exit")


async def _close_input(client: LanguageClient, _: PendingRequest) -> None:
    assert client.process.stdin is not None
    client.process.stdin.close()


async def _cancel_and_close(client: LanguageClient, refresh: PendingRequest) -> None:
    await refresh.cancel()
    await _close_input(client, refresh)


def _signal(number: signal.Signals) -> Way:
    async def end(client: LanguageClient, _: PendingRequest) -> None:
        os.kill(client.process.pid, number)

    return Way(number.name, end)


WAYS = (
    Way("shutdown and exit", _shut_down),
    Way("exit alone", _exit, status=1),
    Way("the end of its input", _close_input),
    Way("a cancelled request, then the end of its input", _cancel_and_close),
    _signal(signal.SIGTERM),
    _signal(signal.SIGINT),
    _signal(signal.SIGHUP),
)


async def run(folder: Path, say: Callable[[str], None]) -> Outcome:
    """End a server in every way."""
    ended = []
    for number, way in enumerate(WAYS):
        ended.append(await end(way, folder / str(number)))
        say(f"{way.name}: {'; '.join(ended[-1].broken) or 'fine'}")
    return judge(ended)


async def end(way: Way, folder: Path) -> Ended:
    """End a server while its refresh is at the issuer; return what became of the login."""
    folder.mkdir()
    ended = Ended(way)
    file = LoginFile.make(folder)
    async with ProvingIssuer.start() as issuer:
        file.write(issuer.new_login())
        old = file.refresh_token()
        client = await LanguageClient.start(
            folder, home=file.folder, issuer=issuer.url, log_level=None
        )
        try:
            await client.initialize()
            await client.wait_for("auth/statusChanged")
            issuer.hold_next_refresh()
            refresh = await client.start_request("auth/refresh", {"force": True})
            await issuer.held()
            await way.end(client, refresh)
            issuer.let_go()
            status = await client.wait_until_ended(EXIT_SECONDS)
        finally:
            await client.kill()
        if status != way.status:
            ended.broken.append(f"ends with status {status}")
        if file.refresh_token() == old:
            ended.broken.append("the answer was not stored")
        if issuer.refusal_of(file.read()) is not None:
            ended.broken.append("what is stored does not work")
        if file.temporaries():
            ended.broken.append("a temporary file stays")
    return ended


def judge(ended: Sequence[Ended]) -> Outcome:
    """Return the claims and figures."""
    return Outcome(
        part="ends",
        asked=f"{len(WAYS)} ways to end",
        claims=[
            at_least("ways to end a server while its refresh was at the issuer", len(ended), 7),
            exactly(
                "ends after which the login did not work or the process did not go as it should",
                sum(bool(one.broken) for one in ended),
            ),
        ],
        tables=[
            Table(
                ("ended by", "promises that failed"),
                tuple((one.way.name, "; ".join(one.broken) or "—") for one in ended),
            )
        ],
        limits=["An issuer that does not answer is waited for 30 s and no longer."],
        failures=[f"{one.way.name}: {promise}" for one in ended for promise in one.broken],
    )
