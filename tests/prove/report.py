"""`docs/reliability.md`, written from what the parts of the proof found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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
    changed_since: Callable[[str], int | None] = lambda _: None,
) -> str:
    """Return the page.

    A part without an outcome has not run here; what the page said of it `before`, by another
    checkout, goes on to stand there with its commit and date, as does the version of a program that
    is missing here.

    Args:
        outcomes: What each part has found.
        versions: Of the programs, `missing` where one is.
        before: The page as it was.
        changed_since: Tells how many files of the server changed since a commit.
    """
    lines = _lines(outcomes, versions, before, changed_since)
    return "\n".join(lines).rstrip() + "\n"


def _lines(
    outcomes: Sequence[tuple[Page, Outcome | None]],
    versions: Mapping[str, str],
    before: str,
    changed_since: Callable[[str], int | None],
) -> Iterator[str]:
    for paragraph in ("# Reliability", INTRODUCTION, WORDS):
        yield paragraph
        yield ""
    yield from _summary(outcomes, before, changed_since)
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
    known = {
        name: version if version != "missing" else _version_before(before, name) or version
        for name, version in versions.items()
    }
    yield from _table(("program", "version"), list(known.items()))


def _version_before(before: str, name: str) -> str:
    _, _, took_part = before.partition("## What took part")
    return _found(took_part, rf"^\| {re.escape(name)} \| (.*) \|$")


def _summary(
    outcomes: Sequence[tuple[Page, Outcome | None]],
    before: str,
    changed_since: Callable[[str], int | None],
) -> Iterator[str]:
    rows = []
    for part, outcome in outcomes:
        if outcome is None:
            row = _found(before, rf"^\| {re.escape(part.title)} \| (.*) \|$")
            asked, verdict, when = row.split(" | ")[:3] if row else ("", "not run", "")
        else:
            failed = f"**{len(outcome.broken)} of {len(outcome.claims)} claims fail**"
            asked, verdict = outcome.asked, "holds" if outcome.holds else failed
            when = f"{outcome.commit}, {outcome.date}"
        changed = changed_since(when.partition(",")[0].partition(" ")[0]) if when else None
        rows.append((part.title, asked, verdict, when, "" if changed is None else f"{changed}"))
    heads = ("part", "size", "result", "commit and date", "files of the server changed since")
    yield from _table(heads, rows)


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
