"""Several windows and the real Codex CLI on one keyring: one rotation costs one token request.

`due`: the access token has ended, every window is asked for a credential at once, and exactly one
request may follow. `forced`: every window is told to renew it at once. Then Codex and a window
renew the login in turns, and sign in and out in turns, and each has to see what the other did.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prove.issuer import ProvingIssuer
from prove.keyring_item import LoginItem, session, variables
from prove.recorder import Recorder, TokenRequest, breaks_in_chain
from prove.windows import ever_asked_to_sign_in, windows
from support.codex_cli import AppServer, AppServerError, CodexCli
from support.lsp_client import LanguageClient, RpcError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOON = 1.0
"""Seconds within which a window has told of a change."""

ANSWER_SECONDS = 60.0


@dataclass(slots=True)
class Together:
    """What came of windows that share a keyring."""

    windows: int
    due: list[int] = field(default_factory=list)
    """Token requests in each cycle in which one was due."""
    forced: list[int] = field(default_factory=list)
    """The same where all were told to renew."""
    requests: list[TokenRequest] = field(default_factory=list)
    breaks: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    stale: int = 0
    asked_to_sign_in: int = 0
    items: int = 0
    """Items of this login in the keyring at the end."""


@dataclass(slots=True)
class Turns:
    """What came of taking turns with the Codex CLI."""

    changes: int = 0
    """Logins, logouts and renewals, of either program."""
    unseen: list[str] = field(default_factory=list)
    """Those that the other program did not see, or not soon."""
    slowest: float = 0.0
    """Seconds until a window told of a change of Codex."""


async def share(count: int, cycles: int, folder: Path, say: Callable[[str], None]) -> Together:
    """Let windows renew one login in a keyring at once."""
    together = Together(count)
    with session() as running:
        item = LoginItem.make(running)
        async with (
            ProvingIssuer.start() as issuer,
            Recorder.start(f"{issuer.url}/oauth/token") as recorder,
            AsyncExitStack() as stack,
        ):
            issuer.policy(family_revocation=True)
            first = issuer.new_login(recorder.issuer)
            item.write(first)
            clients = await stack.enter_async_context(
                windows(count, folder, item.folder, recorder.issuer, variables(running))
            )
            for client in clients:  # imports what a first request imports
                await client.request("auth/refresh", {}, timeout=ANSWER_SECONDS)
            for number in range(cycles):
                due = number % 2 == 1
                if due:
                    item.write({**item.read(), "tokens": _ended(item.read()["tokens"], issuer)})
                before = len(recorder.requests)
                await _ask_all(together, clients, item, due=due)
                made = len(recorder.requests) - before
                (together.due if due else together.forced).append(made)
            together.requests = recorder.requests
            together.breaks = breaks_in_chain(
                recorder.requests, first["tokens"]["refresh_token"], item.refresh_token()
            )
            together.asked_to_sign_in = sum(map(ever_asked_to_sign_in, clients))
            together.items = len(running.items(service="Codex Auth"))
    say(f"{count} windows, {cycles} cycles, {len(together.requests)} token requests")
    return together


def _ended(tokens: dict[str, Any], issuer: ProvingIssuer) -> dict[str, Any]:
    """Return the tokens of a login with an access token that has ended."""
    issuer.policy(access_seconds=-60.0)
    ended = issuer.new_login()["tokens"]["access_token"]
    issuer.policy(access_seconds=3600.0)
    return {**tokens, "access_token": ended}


async def _ask_all(
    together: Together, clients: list[LanguageClient], item: LoginItem, *, due: bool
) -> None:
    asked = ("auth/credential", {}) if due else ("auth/refresh", {"force": True})
    answers = await asyncio.gather(
        *(client.request(*asked, timeout=ANSWER_SECONDS) for client in clients),
        return_exceptions=True,
    )
    bearer = f"Bearer {item.read()['tokens']['access_token']}"
    for answer in answers:
        if isinstance(answer, RpcError):
            together.errors.append(str(answer))
        elif isinstance(answer, BaseException):
            raise answer
        elif due:
            together.stale += answer["headers"]["Authorization"] != bearer


async def take_turns(rounds: int, folder: Path, say: Callable[[str], None]) -> Turns:
    """Let a window and the Codex CLI change one login in turns."""
    turns = Turns()
    with session() as running:
        item = LoginItem.make(running)
        async with (
            ProvingIssuer.start() as issuer,
            windows(1, folder, item.folder, issuer.url, variables(running)) as (window,),
        ):
            codex = CodexCli(item.folder, variables(running))
            for number in range(rounds):
                await _sign_in_and_out(turns, window, codex, item, number)
            item.write(issuer.new_login())
            async with AppServer.start(item.folder, issuer.url, variables(running)) as server:
                await server.initialize()
                for _ in range(rounds):
                    await _renew(turns, window, server, item)
            if (refusal := issuer.refusal_of(item.read())) is not None:
                turns.unseen.append(f"the login at the end is refused: {refusal}")
    say(f"{turns.changes} changes in turns with Codex")
    return turns


async def _sign_in_and_out(
    turns: Turns, window: LanguageClient, codex: CodexCli, item: LoginItem, number: int
) -> None:
    keys = [f"sk-proof-{number}-{who}" for who in ("codex", "ours", "codex-again")]
    since = window.mark()
    await codex.login_with_api_key(keys[0])
    await _hears(turns, window, since, "signedIn")
    await _holds(turns, window, item, keys[0], "Codex's login")

    await window.request("auth/login", {"method": "apiKey", "apiKey": keys[1]})
    await _codex_sees(turns, codex, 0, "our login")
    await _holds(turns, window, item, keys[1], "our login")

    await codex.login_with_api_key(keys[2])
    await _holds(turns, window, item, keys[2], "Codex's second login")

    since = window.mark()
    await codex.logout()
    await _hears(turns, window, since, "signedOut")

    await window.request("auth/login", {"method": "apiKey", "apiKey": keys[1]})
    await window.request("auth/logout", {})
    await _codex_sees(turns, codex, 1, "our logout")
    turns.changes += 6


async def _hears(turns: Turns, window: LanguageClient, since: int, state: str) -> None:
    """Wait until a window has told what Codex, which is done, has changed."""
    started = time.monotonic()
    try:
        await window.wait_for(
            "auth/statusChanged",
            lambda params: params["status"]["state"] == state,
            since=since,
            timeout=SOON,
        )
    except TimeoutError:
        turns.unseen.append(f"a window did not hear of {state} within {SOON:g} s")
    turns.slowest = max(turns.slowest, time.monotonic() - started)


async def _holds(
    turns: Turns, window: LanguageClient, item: LoginItem, key: str, what: str
) -> None:
    issued = await window.request("auth/credential", {})
    if issued["headers"].get("Authorization") != f"Bearer {key}":
        turns.unseen.append(f"what a window gives out is not {what}")
    if item.read()["OPENAI_API_KEY"] != key:
        turns.unseen.append(f"what the keyring holds is not {what}")


async def _codex_sees(turns: Turns, codex: CodexCli, returncode: int, what: str) -> None:
    if (await codex.login_status()).returncode != returncode:
        turns.unseen.append(f"Codex does not see {what}")


async def _renew(turns: Turns, window: LanguageClient, server: AppServer, item: LoginItem) -> None:
    """Let Codex renew the login, and then a window; each takes what the other got."""
    for who in ("Codex", "a window"):
        before = item.refresh_token()
        try:
            if who == "Codex":
                await _let_codex_catch_up(server, item)
                await server.request("getAuthStatus", {"includeToken": True, "refreshToken": True})
            else:
                await window.request("auth/refresh", {"force": True}, timeout=ANSWER_SECONDS)
        except (RpcError, AppServerError) as error:
            turns.unseen.append(f"{who} could not renew what the other one got: {error}")
        if item.refresh_token() == before:
            turns.unseen.append(f"{who} did not renew the login")
        issued = await window.request("auth/credential", {})
        bearer = f"Bearer {item.read()['tokens']['access_token']}"
        if issued["headers"]["Authorization"] != bearer:
            turns.unseen.append(f"a window does not give out what {who} got")
        turns.changes += 1


async def _let_codex_catch_up(server: AppServer, item: LoginItem) -> None:
    """Let an app-server take over what is stored, which it does before it sends anything."""
    known = await server.request("getAuthStatus", {"includeToken": True, "refreshToken": False})
    if known["authToken"] != item.read()["tokens"]["access_token"]:
        await server.request("getAuthStatus", {"includeToken": True, "refreshToken": True})
