"""What is known of the packages of one lock file: all checked, some vulnerable, or not checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """What a service said of a lock file.

    Nothing counts as checked but a package that the service knows and has judged: a service that
    cannot be reached, or that has never heard of a package, says nothing of its safety.
    """

    lock: str
    checked: int = 0
    vulnerable: tuple[str, ...] = ()
    """Each known vulnerability in one line."""
    unchecked: str | None = None
    """Why something could not be checked."""

    def lines(self) -> list[str]:
        """Return it for a person."""
        found = [f"VULNERABLE {self.lock}: {line}" for line in self.vulnerable]
        if self.unchecked is not None:
            return [*found, f"UNCHECKED {self.lock}: {self.unchecked}"]
        return found or [f"ok {self.lock}: {self.checked} packages, no known vulnerability"]


def status(verdicts: list[Verdict]) -> int:
    """Return the exit status: 1 for a vulnerability, else 2 for what is not checked, else 0."""
    if any(verdict.vulnerable for verdict in verdicts):
        return 1
    return 2 if not verdicts or any(verdict.unchecked is not None for verdict in verdicts) else 0


def some_of(names: list[str]) -> str:
    """Return a few names, and how many more there are."""
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
