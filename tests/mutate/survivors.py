"""The mutants that no test noticed, with what each changes, and why some cannot be noticed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Survivor:
    """A mutant: its name, the lines that it takes out and the ones that it puts in."""

    name: str
    before: str
    after: str

    @classmethod
    def of(cls, name: str, diff: str) -> Survivor:
        """Read it from a unified diff."""
        lines = diff.splitlines()
        before = [line[1:].strip() for line in lines if re.match(r"-(?!--)", line)]
        after = [line[1:].strip() for line in lines if re.match(r"\+(?!\+\+)", line)]
        return cls(name, " ".join(before), " ".join(after))


@dataclass(frozen=True)
class Group:
    """Mutants that are alike in why nothing could notice them."""

    title: str
    reason: str
    before: str
    after: str
    """Patterns for what a mutant takes out and what it puts in."""
    where: str = ""

    def holds(self, one: Survivor) -> bool:
        """Say whether a mutant is one of these."""
        return all(
            re.search(pattern, text, re.DOTALL)
            for pattern, text in ((self.before, one.before), (self.after, one.after))
        ) and bool(re.search(self.where, one.name))


GROUPS: tuple[Group, ...] = ()


def by_group(survivors: Iterable[Survivor]) -> tuple[list[tuple[Group, int]], list[Survivor]]:
    """Return each group with its number of mutants, and the mutants that are in none."""
    counts: Counter[Group] = Counter()
    rest = []
    for one in survivors:
        group = next((group for group in GROUPS if group.holds(one)), None)
        if group is None:
            rest.append(one)
        else:
            counts[group] += 1
    return [(group, counts[group]) for group in GROUPS if counts[group]], rest
