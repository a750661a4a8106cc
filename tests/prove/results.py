"""What a part of the proof says when it is done: figures, claims that hold or not, and limits."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Claim:
    """One promise, the figure that was found for it, and whether it holds."""

    promise: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Table:
    """Figures with their heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(slots=True)
class Outcome:
    """A part that ran."""

    part: str
    asked: str
    """The sizes that were asked for, in words."""
    claims: list[Claim] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    """What this part does not show, or what cannot be had."""
    failures: list[str] = field(default_factory=list)
    """Each case that broke a promise, in words that lead to it."""
    seed: int | None = None
    seconds: float = 0.0
    commit: str = ""
    date: str = ""

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return bool(self.claims) and self.broken == []

    @property
    def broken(self) -> list[str]:
        """The claims that do not hold, with what was found."""
        return [f"{claim.promise}: {claim.found}" for claim in self.claims if not claim.holds]

    def save(self, folder: Path) -> None:
        """Keep it for a later report."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.part}.json").write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path, part: str) -> Outcome | None:
        """Return what an earlier run kept, None where there is nothing."""
        try:
            values = json.loads((folder / f"{part}.json").read_text())
        except FileNotFoundError:
            return None
        values["claims"] = [Claim(**claim) for claim in values["claims"]]
        values["tables"] = [
            Table(tuple(table["heads"]), tuple(tuple(row) for row in table["rows"]))
            for table in values["tables"]
        ]
        return cls(**values)


def exactly(promise: str, found: int, expected: int = 0) -> Claim:
    """Return the claim that a figure is this one."""
    return Claim(promise, f"{found:,}", found == expected)


def at_least(promise: str, found: int, expected: int) -> Claim:
    """Return the claim that a figure is no smaller than this."""
    return Claim(promise, f"{found:,}", found >= expected)
