"""What was covered of each package, in lines and in branches, out of coverage's own report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prove.results import Claim, Outcome, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "coverage"

PACKAGES = ("domain", "oauth", "stores", "service", "transport")
"""Those that have to reach the share that is wanted; the others are told."""

WANTED = 95.0
"""Percent of the lines, and of the branches."""


@dataclass
class Figures:
    """How much of a package there is, and how much of it ran."""

    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0
    not_run: dict[str, str] = field(default_factory=dict)
    """Per file, the lines and the branches that did not run."""

    @property
    def line_share(self) -> float:
        """In percent; of nothing, all has run."""
        return 100.0 * self.lines_run / self.lines if self.lines else 100.0

    @property
    def branch_share(self) -> float:
        """In percent; of nothing, all has run."""
        return 100.0 * self.branches_run / self.branches if self.branches else 100.0


def by_package(report: Mapping[str, Any]) -> dict[str, Figures]:
    """Return the figures of each package below `codex_auth_lsp`, modules of none as one."""
    found: dict[str, Figures] = {}
    for name, one in sorted(report["files"].items()):
        package, slash, _ = name.partition("codex_auth_lsp/")[2].partition("/")
        figures = found.setdefault(package if slash else "(none)", Figures())
        summary = one["summary"]
        figures.lines += summary["num_statements"]
        figures.lines_run += summary["covered_lines"]
        figures.branches += summary["num_branches"]
        figures.branches_run += summary["covered_branches"]
        missed = [str(line) for line in one["missing_lines"]]
        missed += [
            f"{start}->{end if end > 0 else 'end'}"
            for start, end in one["missing_branches"]
            if end not in one["missing_lines"]
        ]
        if missed:
            figures.not_run[name] = ", ".join(missed)
    return found


def outcome(found: Mapping[str, Figures], tests: str) -> Outcome:
    """Return the claims about the packages that count, and the figures of all.

    Args:
        found: The figures, per package.
        tests: What ran, in words.
    """
    claims = []
    for package in PACKAGES:
        figures = found.get(package, Figures(lines=1, branches=1))
        for kind, share in (("lines", figures.line_share), ("branches", figures.branch_share)):
            promise = f"{kind} of `{package}/`, over {WANTED:g} %"
            claims.append(Claim(promise, f"{share:.1f} %", share > WANTED))
    rows = [
        (
            package,
            f"{figures.lines:,}",
            f"{figures.line_share:.1f} %",
            f"{figures.branches:,}",
            f"{figures.branch_share:.1f} %",
        )
        for package, figures in sorted(found.items())
    ]
    heads = ("package", "lines", "ran", "branches", "ran")
    limits = [
        "A line that ran is not a line that was tested; the next chapter says what is noticed.",
        "Python 3.11 tells no tracer of a coroutine that goes on after a wait which was cancelled "
        "or has timed out, up to its next wait: such lines and branches count as not run.",
        "Processes that a test kills with SIGKILL leave no measurement, and code for macOS and "
        "Windows counts as any other.",
    ]
    return Outcome(NAME, tests, claims, [Table(heads, tuple(rows))], limits)
