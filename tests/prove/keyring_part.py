"""A real keyring: every mode in every state, windows and Codex together, and kills in the middle.

gnome-keyring on a session bus of its own, in the place of the desktop's; the real Codex CLI beside
the language servers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prove.keyring_kills import GRACE_SECONDS, Killed, kill_daemons, kill_servers
from prove.keyring_states import QUICK, SLOW, STATUS_SECONDS, Cell, run_cells
from prove.keyring_together import SOON, Together, Turns, share, take_turns
from prove.results import Claim, Outcome, Table, at_least, exactly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prove.crash_rig import Kill

WINDOWS = 8
_CYCLES_A_KILL = 0.1
_TURNS_A_KILL = 0.05
_DAEMONS_A_KILL = 0.5


async def run(kills: int, seed: int, folder: Path, say: Callable[[str], None]) -> Outcome:
    """Do everything; the other sizes follow from the number of kills."""
    waiting = asyncio.create_task(run_cells(SLOW, folder, say))
    try:
        cells = await run_cells(QUICK, folder, say)
        together = await share(WINDOWS, max(round(kills * _CYCLES_A_KILL), 2), folder, say)
        turns = await take_turns(max(round(kills * _TURNS_A_KILL), 1), folder, say)
        killed = Killed(
            await kill_servers(kills, seed, folder, say),
            await kill_daemons(round(kills * _DAEMONS_A_KILL), seed, folder, say),
        )
        cells += await waiting
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
    outcome = judge(cells, together, turns, killed)
    outcome.asked = f"{len(cells)} states, {together.windows} windows, {kills:,} kills"
    outcome.seed = seed
    return outcome


def judge(cells: list[Cell], together: Together, turns: Turns, killed: Killed) -> Outcome:
    """Return the claims and figures."""
    kills, daemons = killed.server, killed.daemon
    window = [kill for kill in kills if kill.is_in_window and not kill.campaign.grace]
    lost = [kill for kill in kills if kill.trouble is not None]
    wrong = [kill for kill in lost if kill not in window]
    torn = [kill for kill in (*kills, *daemons) if not kill.is_whole]
    broken_daemons = [kill for kill in daemons if kill.trouble is not None]
    slowest = max((cell.slowest_status for cell in cells), default=0.0)
    return Outcome(
        part="keyring",
        asked=f"{len(cells)} states",
        claims=[
            exactly(
                f"of {len(cells)} pairs of a store mode and a state of the keyring, those that "
                "broke a promise",
                sum(bool(cell.broken) for cell in cells),
            ),
            Claim(
                f"slowest status in all of them, {STATUS_SECONDS:g} s being the most",
                f"{slowest:.2f} s",
                slowest <= STATUS_SECONDS,
            ),
            exactly(
                f"cycles, of {len(together.due)} in which a renewal was due for "
                f"{together.windows} windows, with more or less than one token request",
                sum(made != 1 for made in together.due),
            ),
            exactly(
                "breaks in the chain from the first token to the stored one, errors, and "
                "credentials that were not the newest",
                len(together.breaks) + len(together.errors) + together.stale,
            ),
            exactly("windows that asked their person to sign in", together.asked_to_sign_in),
            exactly("items of the login in the keyring at the end", together.items, 1),
            at_least("changes by a window and the Codex CLI in turns", turns.changes, 8),
            exactly(
                f"of these, not seen by the other, or not heard within {SOON:g} s",
                len(turns.unseen),
            ),
            exactly(
                f"of {len(kills):,} kills of a language server and {len(daemons):,} of the "
                "keyring, those that left anything but the old login or the new one, in one item",
                len(torn),
            ),
            exactly(
                "logins lost by the kills of a server, those apart that fell between the first "
                "byte of a token request and the write without an issuer's grace",
                len(wrong),
            ),
            at_least(
                "kills of a server between a token request and the write, so that there was a risk",
                sum(kill.is_in_window for kill in kills),
                len(kills) // 20,
            ),
            exactly(
                "logins that did not work, with the same server, after the keyring was back",
                len(broken_daemons),
            ),
        ],
        tables=[_states(cells), _kills(kills)],
        limits=[
            f"Of {len(window):,} kills in that window without grace, "
            f"{sum(kill.trouble is not None for kill in window):,} lost the login, as with a file; "
            f"with {GRACE_SECONDS:.0f} s of grace none may.",
            "gnome-keyring alone was run. KWallet and KeePassXC speak the same interface and were "
            "not; the keychain of macOS and the Credential Manager of Windows were not either.",
        ],
        failures=[
            *(str(cell) for cell in cells if cell.broken),
            *together.breaks,
            *together.errors,
            *turns.unseen,
            *map(str, torn),
            *map(str, wrong),
            *map(str, broken_daemons),
        ],
    )


def _states(cells: list[Cell]) -> Table:
    rows = []
    for cell in cells:
        found = cell.found
        words = (found.login, found.kept_in, found.logout, found.health) if found else ("—",) * 4
        rows.append((cell.mode, cell.state, *words, f"{cell.slowest_status:.2f} s"))
    heads = ("mode", "keyring", "login", "kept in", "logout", "health", "slowest status")
    return Table(heads, tuple(rows))


def _kills(kills: list[Kill]) -> Table:
    rows = []
    for name in dict.fromkeys(kill.campaign.name for kill in kills):
        of_kind = [kill for kill in kills if kill.campaign.name == name]
        cells = (
            len(of_kind),
            sum(kill.is_in_window for kill in of_kind),
            sum(kill.trouble is not None for kill in of_kind),
        )
        rows.append((name, *(f"{cell:,}" for cell in cells)))
    return Table(("server killed in", "kills", "in the window", "unusable logins"), tuple(rows))
