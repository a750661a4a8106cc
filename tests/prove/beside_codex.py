"""Beside the real Codex CLI, which takes no lock before it sends a refresh token.

Real `codex app-server` processes and language servers of ours are told to renew one login at the
same moment, round after round. Some request is then refused; what counts is that nobody of ours
asks the person to sign in, and that the login which is stored in the end works. The issuer is the
sandbox: once as OpenAI's answers are recorded (a spent token is refused, the login goes on), and
once as RFC 9700 section 4.14.2 advises (it ends the login), for which nobody can promise anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prove.issuer import ProvingIssuer
from prove.login import LoginFile
from prove.recorder import Recorder, TokenRequest
from prove.results import Outcome, Table, at_least, exactly
from prove.windows import ever_asked_to_sign_in, windows
from support.codex_cli import AppServer, AppServerError
from support.lsp_client import LanguageClient, RpcError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ANSWER_SECONDS = 60.0

WAY = (0.02, 0.2)
"""Seconds that a request, or an answer, is on its way: as to an issuer on the Internet."""

_ROUNDS_A_FAMILY = 10

DEAD = frozenset(
    {"needsReauth", "refreshTokenReused", "refreshTokenExpired", "refreshTokenRevoked"}
)
"""The kinds of error that ask a person to sign in again."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one simultaneous renewal."""

    ours_failed: list[str]
    codex_failed: int
    sign_in_asked: int
    """Windows that were in a state, or got an answer, that asks to sign in again."""
    is_whole: bool
    """The file could be parsed at every look."""
    is_live: bool
    """What is stored was accepted, at the model endpoint, after the round."""


@dataclass(slots=True)
class Beside:
    """What all rounds came to."""

    rounds: list[Round] = field(default_factory=list)
    requests: list[TokenRequest] = field(default_factory=list)
    reads: int = 0
    torn: int = 0
    refusal_at_end: str | None = None
    """Why the stored refresh token was refused in the end, None where it was not."""
    asked_at_any_time: int = 0
    """Windows that ever announced that the sign-in is dead."""
    ended_after: int | None = None
    """Rounds until the issuer ended the login, None where it did not."""


async def run(
    rounds: int, each: int, seed: int, folder: Path, say: Callable[[str], None]
) -> Outcome:
    """Let `each` processes of both programs renew one login at once, in many rounds."""
    chance = random.Random(seed)
    keeps = await refresh_together(rounds, each, chance, folder / "keeps", say)
    ends, alone = [], []
    for number in range(max(rounds // _ROUNDS_A_FAMILY, 1)):
        for of_kind, ours in ((ends, each), (alone, 0)):
            own_folder = folder / f"ends-{number}-{ours}"
            of_kind.append(
                await refresh_together(
                    rounds, each, chance, own_folder, say, ours=ours, family=True
                )
            )
    outcome = judge(rounds, each, keeps, ends, alone)
    outcome.seed = seed
    return outcome


async def refresh_together(
    rounds: int,
    each: int,
    chance: random.Random,
    folder: Path,
    say: Callable[[str], None],
    *,
    ours: int | None = None,
    family: bool = False,
) -> Beside:
    """Return what the programs and the issuer did.

    Args:
        rounds: How often they refresh at once.
        each: How many processes there are of each program.
        chance: How long each request and each answer is on its way.
        folder: Is made.
        say: Tells how far it is.
        ours: How many processes of ours there are, where it is another number.
        family: Let the issuer end a login of which a token is used twice; that ends the rounds.
    """
    folder.mkdir()
    beside = Beside()
    file = LoginFile.make(folder)
    async with (
        ProvingIssuer.start() as issuer,
        Recorder.start(f"{issuer.url}/oauth/token", lambda: chance.uniform(*WAY)) as recorder,
        contextlib.AsyncExitStack() as stack,
    ):
        issuer.policy(family_revocation=family)
        file.write(issuer.new_login(recorder.issuer))
        count = each if ours is None else ours
        our_windows = await stack.enter_async_context(
            windows(count, folder, file.folder, recorder.issuer)
        )
        codex = [
            await stack.enter_async_context(AppServer.start(file.folder, recorder.issuer))
            for _ in range(each)
        ]
        for server in codex:
            await server.initialize()
        for window in our_windows:
            await window.request("auth/refresh", {}, timeout=ANSWER_SECONDS)
        async with _reader(file, beside):
            for number in range(rounds):
                one = await _round(file, issuer, our_windows, codex, beside)
                beside.rounds.append(one)
                if not one.is_live:
                    beside.ended_after = number + 1
                    break
                if (number + 1) % 10 == 0:
                    say(f"{number + 1} of {rounds} rounds, {len(recorder.requests)} requests")
        beside.requests = recorder.requests
        beside.asked_at_any_time = sum(map(ever_asked_to_sign_in, our_windows))
        beside.refusal_at_end = issuer.refusal_of(file.read())
    return beside


@contextlib.asynccontextmanager
async def _reader(file: LoginFile, beside: Beside) -> AsyncIterator[None]:
    """Read the file again and again, as another program might, for the time of a block."""

    async def read() -> None:
        while True:
            beside.reads += 1
            try:
                file.read()
            except (ValueError, OSError):
                beside.torn += 1
            await asyncio.sleep(0.002)

    reading = asyncio.create_task(read())
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.wait([reading])


async def _round(
    file: LoginFile,
    issuer: ProvingIssuer,
    ours: list[LanguageClient],
    codex: list[AppServer],
    beside: Beside,
) -> Round:
    for one in codex:
        await _let_catch_up(one, file)
    torn = beside.torn
    answers = await asyncio.gather(
        *(_refresh_ours(window) for window in ours), *(_refresh_codex(one) for one in codex)
    )
    failures = [str(answer) for answer in answers if isinstance(answer, RpcError)]
    dead = [answer for answer in answers if isinstance(answer, RpcError) and answer.kind in DEAD]
    states = [(await window.request("auth/status", {}))["state"] for window in ours]
    return Round(
        ours_failed=failures,
        codex_failed=sum(isinstance(answer, AppServerError) for answer in answers),
        sign_in_asked=len(dead) + sum(state != "signedIn" for state in states),
        is_whole=beside.torn == torn,
        is_live=issuer.accepts(file.read()["tokens"]["access_token"]),
    )


async def _refresh_ours(window: LanguageClient) -> RpcError | None:
    try:
        await window.request("auth/refresh", {"force": True}, timeout=ANSWER_SECONDS)
    except RpcError as error:
        return error
    return None


async def _refresh_codex(server: AppServer) -> AppServerError | None:
    try:
        await server.request("getAuthStatus", {"includeToken": True, "refreshToken": True})
    except AppServerError as error:
        return error
    return None


async def _let_catch_up(server: AppServer, file: LoginFile) -> None:
    """Let an app-server take over what is stored, so that it will send it in this round.

    It looks at the file when it is told to refresh, and sends nothing where that has changed.
    """
    known = await server.request("getAuthStatus", {"includeToken": True, "refreshToken": False})
    if known["authToken"] != file.read()["tokens"]["access_token"]:
        await _refresh_codex(server)


def judge(
    rounds: int, each: int, keeps: Beside, ends: list[Beside], alone: list[Beside]
) -> Outcome:
    """Return the claims and figures.

    Args:
        rounds: How many were asked for.
        each: How many processes of each program.
        keeps: Where the issuer keeps the login.
        ends: Where it ends the login, with us.
        alone: The same without us.
    """
    return Outcome(
        part="beside_codex",
        asked=f"{each} app-servers and {each} language servers, {rounds} rounds",
        claims=[
            at_least("rounds of simultaneous refreshes", len(keeps.rounds), rounds),
            exactly(
                "times that a window asked its person to sign in",
                sum(one.sign_in_asked for one in keeps.rounds) + keeps.asked_at_any_time,
            ),
            exactly("other errors of ours", sum(len(one.ours_failed) for one in keeps.rounds)),
            exactly(f"torn reads among {keeps.reads:,}", keeps.torn),
            exactly(
                "rounds after which the stored login did not work",
                sum(not one.is_live for one in keeps.rounds),
            ),
            exactly(
                "stored refresh tokens that were refused in the end",
                int(keeps.refusal_at_end is not None),
            ),
            at_least(
                "requests of the Codex CLI, so that there was a race",
                sum(request.program == "codex" for request in keeps.requests),
                rounds,
            ),
        ],
        tables=[_table(keeps)],
        limits=[_family_limit(ends, alone)],
        failures=[error for one in keeps.rounds for error in one.ours_failed],
    )


def _table(beside: Beside) -> Table:
    rows = []
    for name, program in (("this language server", "ours"), ("Codex CLI", "codex")):
        requests = [request for request in beside.requests if request.program == program]
        rotated = sum(request.rotated for request in requests)
        failed = (
            sum(one.codex_failed for one in beside.rounds)
            if program == "codex"
            else (sum(len(one.ours_failed) for one in beside.rounds))
        )
        cells = (len(requests), rotated, len(requests) - rotated, failed)
        rows.append((name, *(f"{cell:,}" for cell in cells)))
    heads = ("program", "token requests", "rotations", "refused", "errors told")
    return Table(heads, tuple(rows))


def _family_limit(ends: list[Beside], alone: list[Beside]) -> str:
    return (
        "An issuer that ends the whole login when a token is used twice (RFC 9700 section 4.14.2) "
        f"ended {_ended(ends)}; the same app-servers without any process of ours, {_ended(alone)}. "
        "No lock of ours can hold back a program that does not take it."
    )


def _ended(logins: list[Beside]) -> str:
    rounds = sorted(one.ended_after for one in logins if one.ended_after is not None)
    words = f"{len(rounds)} of {len(logins)} logins"
    if not rounds:
        return words
    last = (
        f"round {rounds[-1]}" if rounds[0] == rounds[-1] else f"rounds {rounds[0]} to {rounds[-1]}"
    )
    return f"{words}, in {last}"
