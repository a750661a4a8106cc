"""What a run of cases found, and how it is kept from one run to the next."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass, field
from pathlib import Path

_KEPT_FINDINGS = 20


@dataclass(slots=True)
class Found:
    """Cases that ran, and what was seen."""

    cases: int = 0
    findings: list[str] = field(default_factory=list)
    """Each broken promise with the seed of its case."""
    slowest: float = 0.0
    """Seconds of the slowest case."""
    slowest_case: str = ""
    """Its seed."""
    growth: int = 0
    """By how many bytes the memory of what was tried grew."""
    seconds: float = 0.0

    def add(self, other: Found) -> None:
        """Take in what a further run found."""
        self.cases += other.cases
        self.findings = [*self.findings, *other.findings][:_KEPT_FINDINGS]
        self.timed(other.slowest, other.slowest_case)
        self.growth = max(self.growth, other.growth)
        self.seconds += other.seconds

    def timed(self, seconds: float, case: str) -> None:
        """Note how long a case took; what it means, the report judges."""
        if seconds > self.slowest:
            self.slowest, self.slowest_case = seconds, case

    def save(self, path: Path) -> None:
        """Keep it, so that a stopped run is taken up where it was."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Found:
        """Return what an earlier run kept, nothing where there was none."""
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return cls()


def resident_bytes(pid: int | str = "self") -> int:
    """Return the resident memory of a process (Linux)."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()
