"""What a soak has done so far and what it has measured, kept so that a stopped one goes on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """One window at one moment: memory (PSS) in MiB, and what was spent since its start."""

    memory: float
    descriptors: int
    threads: int
    cpu_seconds: float
    wake_ups: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Both windows at one moment, in seconds since the processes were there."""

    at: float
    busy: Measured
    idle: Measured


@dataclass(slots=True)
class Kept:
    """One soak; each of its stretches is one life of the processes."""

    minutes: float
    commit: str
    seconds: float = 0.0
    done: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    stretches: list[list[Sample]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether all minutes have run."""
        return self.seconds >= self.minutes * 60

    def save(self, path: Path) -> None:
        """Write it down in one step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path, minutes: float, commit: str) -> Kept:
        """Return the one that is there for so many minutes of this code, else a new one."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls(minutes, commit)
        if (values["minutes"], values["commit"]) != (minutes, commit):
            return cls(minutes, commit)
        stretches = [[_sample(sample) for sample in one] for one in values.pop("stretches")]
        return cls(**values, stretches=stretches)


def _sample(values: dict[str, object]) -> Sample:
    busy, idle = (Measured(**values[name]) for name in ("busy", "idle"))  # type: ignore[arg-type]
    return Sample(float(str(values["at"])), busy, idle)
