"""The subcommand `check-client`: plays every scenario to a client and says how it did.

Its exit status is 0 when no scenario found a mistake, else 1. The client's own output goes to
stderr, so that a report as JSON stands alone on stdout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_auth_lsp.conformance.findings import Findings
    from codex_auth_lsp.conformance.scenarios import Scenario

_PROGRAM = "codex-auth-lsp"
_DEFAULT_SECONDS = 60.0
_MAXIMUM_SECONDS = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the subcommand."""
    parser.usage = "%(prog)s [--scenario NAME] [--seconds N] [--json] -- COMMAND ..."
    parser.description = (
        "Plays the server to a client, scenario by scenario, and says what the client does wrong. "
        "It is started anew for each, with a PATH whose codex-auth-lsp leads here; protocol.md "
        "(Checking a client) has the rest."
    )
    parser.add_argument(
        "--scenario",
        action="append",
        metavar="NAME",
        help="play this one only, can be given more than once (default: all)",
    )
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=_DEFAULT_SECONDS,
        metavar="N",
        help="how long the client may take for each step (default: %(default)g)",
    )
    parser.add_argument("--json", action="store_true", help="the findings as JSON")
    parser.add_argument(
        "client", nargs="+", metavar="COMMAND", help="what starts the client, with arguments"
    )


async def run(
    arguments: argparse.Namespace, usage_trouble: Callable[[Sequence[str]], str | None]
) -> int:
    """Play the scenarios; return the exit status. `usage_trouble` judges server command lines."""
    from codex_auth_lsp.conformance.scenarios import SCENARIOS

    wanted = arguments.scenario or [scenario.name for scenario in SCENARIOS]
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if unknown := [name for name in wanted if name not in known]:
        sys.stderr.write(
            f"{_PROGRAM}: there is no scenario {unknown[0]}; choose from {', '.join(known)}.\n"
        )
        return 2
    results = {}
    for name in wanted:
        _say(f"\n{name}: {known[name].task}")
        try:
            findings = await _check(known[name], arguments, usage_trouble)
        except OSError as exc:
            sys.stderr.write(
                f"{_PROGRAM}: {arguments.client[0]} cannot be started: {exc.strerror}.\n"
            )
            return 1
        results[name] = findings
        _tell(findings)
    wrong = [name for name, findings in results.items() if findings.mistakes]
    if arguments.json:
        sys.stdout.write(_as_json(results) + "\n")
    else:
        mistakes = f"mistakes in {', '.join(wrong)}" if wrong else "no mistakes"
        _say(f"\n{len(results)} scenario{'' if len(results) == 1 else 's'}, {mistakes}.")
    return 1 if wrong else 0


async def _check(
    scenario: Scenario,
    arguments: argparse.Namespace,
    usage_trouble: Callable[[Sequence[str]], str | None],
) -> Findings:
    from codex_auth_lsp.clock import SystemClock
    from codex_auth_lsp.conformance.findings import Findings
    from codex_auth_lsp.conformance.player import NotForThisClient, Player, Stopped
    from codex_auth_lsp.conformance.stage import NOT_STARTED, NoConversation, Stage

    findings = Findings()
    stage = Stage(scenario, findings, usage_trouble)
    try:
        async with stage.client(arguments.client) as conversation:
            server = await asyncio.wait_for(asyncio.shield(conversation), arguments.seconds)
            player = Player(
                server,
                stage.events,
                findings,
                SystemClock(),
                page=stage.page,
                seconds=arguments.seconds,
            )
            await scenario.play(player)
    except TimeoutError:
        findings.mistake(f"After {arguments.seconds:g} seconds the client {NOT_STARTED}")
    except NoConversation:
        findings.mistake(f"The client's program has ended, and {NOT_STARTED}")
    except NotForThisClient as exc:
        findings.skipped = str(exc)
    except Stopped as exc:
        findings.mistake(str(exc))
    return findings


def _tell(findings: Findings) -> None:
    for sentence in findings.mistakes:
        _say(f"  WRONG  {sentence}")
    for sentence in findings.advice:
        _say(f"  note   {sentence}")
    if findings.outcome == "skipped":
        _say(f"  skipped, since {findings.skipped}.")
    if findings.outcome == "ok":
        _say("  ok")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _as_json(results: dict[str, Findings]) -> str:
    scenarios = [
        {
            "name": name,
            "outcome": findings.outcome,
            "mistakes": findings.mistakes,
            "advice": findings.advice,
        }
        for name, findings in results.items()
    ]
    return json.dumps({"scenarios": scenarios})


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if 0 < seconds <= _MAXIMUM_SECONDS:
        return seconds
    raise argparse.ArgumentTypeError(f"give a number of seconds up to {_MAXIMUM_SECONDS:g}")
