"""What a mutation run says: its score, its covered share, and what survived."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from mutate.survivors import Survivor, by_group
from prove.results import Claim, Outcome, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

NAME = "mutate"

WANTED = 95.0
"""Percent of the mutants that tests have to reach, and of these that have to be noticed."""

OUT_OF_TIME = 1.0
"""Percent of the mutants that may count as noticed because a test did not end."""

Counts = Counter[str]


def results(mutants: Path) -> dict[str, dict[str, str]]:
    """Return the state of each mutant, per module."""
    from mutmut.stats import status_by_exit_code

    found = {}
    for path in sorted(mutants.rglob("*.meta")):
        codes = json.loads(path.read_text())["exit_code_by_key"]
        if codes:
            module = path.relative_to(mutants / "src" / "codex_auth_lsp").with_suffix("").as_posix()
            found[module] = {name: status_by_exit_code[code] for name, code in codes.items()}
    return found


def outcome(found: Mapping[str, Mapping[str, str]], diff: Callable[[str], str]) -> Outcome:
    """Return the claims and tables.

    Args:
        found: The state of each mutant, per module.
        diff: Returns what a mutant changes.
    """
    by_module = {module: Counter(states.values()) for module, states in found.items()}
    total = sum(by_module.values(), Counts())
    survivors = [
        Survivor.of(name, diff(name))
        for states in found.values()
        for name, state in states.items()
        if state == "survived"
    ]
    groups, rest = by_group(survivors)
    claims = [
        Claim(
            "mutants that were tried, of all",
            _share(_tried(total), total.total()),
            _tried(total) == total.total(),
        ),
        Claim(
            f"mutants that tests reach, over {WANTED:g} %",
            _share(_reached(total), _tried(total)),
            _reached(total) * 100 > WANTED * _tried(total),
        ),
        Claim(
            f"of these, noticed; over {WANTED:g} %",
            _share(_noticed(total), _reached(total)),
            _noticed(total) * 100 > WANTED * _reached(total),
        ),
        Claim(
            f"mutants that ran out of time, counted as noticed, at most {OUT_OF_TIME:g} %",
            f"{total['timeout']}",
            total["timeout"] * 100 <= OUT_OF_TIME * _tried(total),
        ),
        Claim("survivors that no reason below explains", f"{len(rest)}", not rest),
    ]
    rows = [
        (
            module,
            f"{counts.total():,}",
            f"{_share(_reached(counts), _tried(counts))}",
            f"{_share(_noticed(counts), _reached(counts))}",
        )
        for module, counts in by_module.items()
    ]
    tables = [Table(("module", "mutants", "reached", "noticed"), tuple(rows))]
    if groups:
        reasons = tuple((group.title, f"{count}", group.reason) for group, count in groups)
        tables.append(Table(("what survived", "mutants", "why nothing notices it"), reasons))
    if rest:
        left = tuple((_short(one.name), _code(one.before), _code(one.after)) for one in rest)
        tables.append(Table(("also survived", "instead of", "stands"), left))
    limits = [
        "Only tests that run inside one process take part; the end-to-end tests, which notice "
        "more, do not. mutmut changes bodies of functions: no constants, no defaults of classes.",
    ]
    return Outcome(NAME, f"{total.total():,} small changes", claims, tables, limits)


def is_whole(found: Mapping[str, Mapping[str, str]]) -> bool:
    """Say whether every mutant was tried."""
    total = sum((Counter(states.values()) for states in found.values()), Counts())
    return 0 < _tried(total) == total.total()


def _tried(counts: Counts) -> int:
    return counts.total() - counts["not checked"] - counts["check was interrupted by user"]


def _reached(counts: Counts) -> int:
    return _tried(counts) - counts["no tests"] - counts["skipped"]


def _noticed(counts: Counts) -> int:
    return sum(counts[state] for state in ("killed", "timeout", "segfault"))


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}, {100 * part / whole:.1f} %" if whole else "none"


def _short(name: str) -> str:
    return name.removeprefix("codex_auth_lsp.").replace("ǁ", ".").replace(".x_", ".")


def _code(text: str) -> str:
    return f"`` {text[:80]} ``" if text else ""  # the text may hold a backtick
