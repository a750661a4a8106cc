"""Many windows, one refresh token: npm's `oidc-provider`, which ends a login when one is reused.

Two modes take turns. `forced`: every window is told at once to renew a valid login; those that
hear of it after another window is done are to renew it again, so a cycle may have several
rotations. `due`: the login is past the age at which it is renewed, every window is asked for a
credential at once, and exactly one request may follow.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx

from codex_auth_lsp.domain.issuer import OPENAI_CLIENT_ID, IssuerSettings
from codex_auth_lsp.oauth.authorization import AuthorizationRequest
from codex_auth_lsp.oauth.token import code_exchange_fields
from codex_auth_lsp.secret import Secret
from prove.issuer import REDIRECT_URI
from prove.login import LoginFile, stored_login
from prove.recorder import Recorder, TokenRequest, breaks_in_chain
from prove.results import Outcome, Table, at_least, exactly
from prove.windows import ever_asked_to_sign_in, windows
from support.lsp_client import LanguageClient, RpcError
from support.oidc_provider import OidcProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORCED, DUE = "forced", "due"

LONG_AGO = "2020-01-01T00:00:00.000000000Z"
"""A last refresh after which a token of unknown lifetime is renewed at the next use."""

ANSWER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one round of simultaneous requests came to."""

    mode: str
    rotations: int
    errors: list[str]
    stale: int
    """Answers that were not the newest token of the cycle."""


@dataclass(slots=True)
class Rotated:
    """What all cycles came to."""

    processes: int
    cycles: list[Cycle] = field(default_factory=list)
    requests: list[TokenRequest] = field(default_factory=list)
    breaks: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """What the issuer refused, in its own words."""
    asked_to_sign_in: int = 0
    unannounced: int = 0


async def run(processes: int, cycles: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Let processes renew one login at once, in many cycles."""
    return judge(cycles, await rotate(processes, cycles, folder, say))


async def rotate(
    processes: int,
    cycles: int,
    folder: Path,
    say: Callable[[str], None],
    *,
    forms: bool = False,
) -> Rotated:
    """Return what the processes and the issuer did.

    With `forms` the issuer takes no JSON, and the login says so, as after a sign-in there.
    """
    rotated = Rotated(processes)
    async with (
        OidcProvider.start(as_it_is=forms) as provider,
        Recorder.start(provider.token_endpoint) as recorder,
    ):
        file = LoginFile.make(folder)
        first = stored_login(recorder.issuer, await sign_in(provider), "account-of-the-proof")
        if forms:
            record = first["tokens"]["oauth_provenance"]
            record["token_endpoint"] = f"{recorder.issuer}/token"
        file.write(first)
        async with windows(processes, folder, file.folder, recorder.issuer) as clients:
            for client in clients:  # imports what a first request imports
                await client.request("auth/refresh", {}, timeout=ANSWER_SECONDS)
            for number in range(cycles):
                mode = DUE if number % 2 else FORCED
                rotated.cycles.append(await _cycle(mode, file, clients, recorder))
                if (number + 1) % 10 == 0:
                    say(f"{number + 1} of {cycles} cycles, {len(recorder.requests)} rotations")
            rotated.asked_to_sign_in = sum(ever_asked_to_sign_in(client) for client in clients)
        rotated.requests = recorder.requests
        rotated.refusals = await provider.failures()
        rotated.breaks = breaks_in_chain(
            recorder.requests, first["tokens"]["refresh_token"], file.refresh_token()
        )
    return rotated


async def _cycle(
    mode: str, file: LoginFile, clients: list[LanguageClient], recorder: Recorder
) -> Cycle:
    before = len(recorder.requests)
    if mode == DUE:
        file.write({**file.read(), "last_refresh": LONG_AGO})
    asked = ("auth/credential", {}) if mode == DUE else ("auth/refresh", {"force": True})
    answers = await asyncio.gather(*(_ask(client, *asked) for client in clients))
    requests = recorder.requests[before:]
    newest = requests[-1].access_token if requests else None
    bearers = [
        answer["headers"]["Authorization"]
        for answer in answers
        if isinstance(answer, dict) and "headers" in answer
    ]
    return Cycle(
        mode=mode,
        rotations=sum(request.rotated for request in requests),
        errors=[str(answer) for answer in answers if isinstance(answer, RpcError)],
        stale=sum(bearer != f"Bearer {newest}" for bearer in bearers),
    )


async def _ask(client: LanguageClient, method: str, params: dict[str, Any]) -> Any:
    try:
        return await client.request(method, params, timeout=ANSWER_SECONDS)
    except RpcError as error:
        return error


def judge(cycles_asked: int, rotated: Rotated) -> Outcome:
    """Return the claims and figures."""
    due = [cycle for cycle in rotated.cycles if cycle.mode == DUE]
    requests, rotations = len(rotated.requests), sum(one.rotated for one in rotated.requests)
    errors = [error for cycle in rotated.cycles for error in cycle.errors]
    answers = rotated.processes * len(rotated.cycles)
    return Outcome(
        part="rotation",
        asked=f"{rotated.processes} processes, {cycles_asked} cycles",
        claims=[
            at_least("cycles of simultaneous requests", len(rotated.cycles), cycles_asked),
            exactly("token requests beyond one for each rotation", requests - rotations),
            exactly(
                f"due cycles, of {len(due)}, with more or less than one token request",
                sum(cycle.rotations != 1 for cycle in due),
            ),
            exactly("refresh tokens sent twice, or requests refused", len(rotated.refusals)),
            exactly(
                "breaks in the chain from the first token to the stored one", len(rotated.breaks)
            ),
            exactly(f"errors among {answers:,} answers", len(errors)),
            exactly("credentials that were not the newest", sum(c.stale for c in rotated.cycles)),
            exactly("windows that asked their person to sign in", rotated.asked_to_sign_in),
        ],
        tables=[_table(rotated)],
        limits=[
            "The processes run on one machine with one kernel; locks over a network file system "
            "were not tried.",
        ],
        failures=[*rotated.breaks, *rotated.refusals, *errors],
    )


def _table(rotated: Rotated) -> Table:
    rows = []
    for mode in (FORCED, DUE):
        cycles = [cycle for cycle in rotated.cycles if cycle.mode == mode]
        rotations = [cycle.rotations for cycle in cycles]
        answered = rotated.processes * len(cycles)
        cells = (len(cycles), answered, sum(rotations), max(rotations, default=0))
        rows.append((mode, *(f"{cell:,}" for cell in cells)))
    heads = ("mode", "cycles", "answers", "rotations", "most rotations in a cycle")
    return Table(heads, tuple(rows))


async def sign_in(provider: OidcProvider) -> dict[str, Any]:
    """Sign in there as another program, without a listener; return the tokens."""
    settings = IssuerSettings(provider.issuer, OPENAI_CLIENT_ID)
    request = AuthorizationRequest(settings, REDIRECT_URI, endpoint=provider.authorization_endpoint)
    callback = await provider.sign_in(request.url())
    (code,) = parse_qs(urlsplit(callback).query)["code"]
    async with httpx.AsyncClient(trust_env=False) as http:
        reply = await http.post(
            provider.token_endpoint,
            data=dict(code_exchange_fields(request, Secret(code))),
        )
    return dict(reply.raise_for_status().json())
