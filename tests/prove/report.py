"""`docs/reliability.md`, written from what the parts of the proof found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from prove.parts import Page
    from prove.results import Outcome, Table

INTRODUCTION = (
    "`make prove` writes this page; nothing on it is written by hand. It starts the real language "
    "server, and the real programs beside it, and tries to lose, tear or burn a login. A shorter "
    "run of each part is in `make test`. One part alone is run by `make prove PROVE_ONLY=crash`."
)

WORDS = (
    "*Ours* are processes of this language server. A *rotation* is a refresh that the issuer "
    "answered with a new refresh token; the old one is then *spent*, and sending it again is a "
    "*reuse*. *Grace* is the time for which some issuers answer to a spent token once more."
)


def render(
    outcomes: Sequence[tuple[Page, Outcome | None]],
    versions: Mapping[str, str],
    before: str = "",
) -> str:
    """Return the page.

    A part without an outcome has not run here; what the page said of it `before`, by another
    checkout, goes on to stand there with its commit and date.
    """
    return "\n".join(_lines(outcomes, versions, before)).rstrip() + "\n"


def _lines(
    outcomes: Sequence[tuple[Page, Outcome | None]], versions: Mapping[str, str], before: str
) -> Iterator[str]:
    for paragraph in ("# Reliability", INTRODUCTION, WORDS):
        yield paragraph
        yield ""
    yield from _summary(outcomes, before)
    for part, outcome in outcomes:
        yield f"## {part.title}"
        yield ""
        chapter = _found(before, rf"^## {re.escape(part.title)}\n\n((?s:.*?))\n+(?=## )")
        if outcome is None and chapter:
            yield chapter
            yield ""
            continue
        yield part.text
        yield ""
        if outcome is None:
            yield "This part has not run."
            yield ""
        else:
            yield from _part(outcome)
    yield "## What took part"
    yield ""
    yield from _table(("program", "version"), list(versions.items()))


def _summary(outcomes: Sequence[tuple[Page, Outcome | None]], before: str) -> Iterator[str]:
    rows = []
    for part, outcome in outcomes:
        if outcome is None:
            row = _found(before, rf"^\| {re.escape(part.title)} \| (.*) \|$")
            rows.append((part.title, *(row.split(" | ") if row else ("", "not run", ""))))
            continue
        failed = f"**{len(outcome.broken)} of {len(outcome.claims)} claims fail**"
        verdict = "holds" if outcome.holds else failed
        rows.append((part.title, outcome.asked, verdict, f"{outcome.commit}, {outcome.date}"))
    yield from _table(("part", "size", "result", "commit and date"), rows)


def _part(outcome: Outcome) -> Iterator[str]:
    seed = "" if outcome.seed is None else f", seed {outcome.seed}"
    yield f"Ran with {outcome.asked}{seed}, in {_duration(outcome.seconds)}."
    yield ""
    rows = [
        (claim.promise, claim.found, "yes" if claim.holds else "**no**") for claim in outcome.claims
    ]
    yield from _table(("claim", "found", "holds"), rows)
    for table in outcome.tables:
        yield from _of(table)
    if outcome.failures:
        yield "What failed:"
        yield ""
        for failure in outcome.failures[:_FAILURES]:
            yield f"- {failure}"
        rest = len(outcome.failures) - _FAILURES
        if rest > 0:
            yield f"- and {rest} more"
        yield ""
    if outcome.limits:
        yield "Limits:"
        yield ""
        for limit in outcome.limits:
            yield f"- {limit}"
        yield ""


_FAILURES = 50


def _of(table: Table) -> Iterator[str]:
    yield from _table(table.heads, table.rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"| {' | '.join('---' for _ in heads)} |"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |"
    yield ""


def _found(text: str, pattern: str) -> str:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else ""


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
