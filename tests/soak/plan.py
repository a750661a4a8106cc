"""How much of each kind of work is due when: evenly over the whole time, with idling between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUS, LOGIN, REFRESH = "status requests", "logins", "refreshes"

FULL = {STATUS: 10_000, LOGIN: 200, REFRESH: 500}

_STEPS_A_RUN = 1200
_LONGEST_STEP = 6.0
_SAMPLES_A_RUN = 120
_LONGEST_BETWEEN_SAMPLES = 60.0


@dataclass(frozen=True)
class Plan:
    """A soak of so many minutes."""

    minutes: float
    totals: Mapping[str, int] = field(default_factory=lambda: FULL)

    @property
    def seconds(self) -> float:
        """How long it takes in all."""
        return self.minutes * 60

    @property
    def step(self) -> float:
        """Seconds from one piece of work to the next."""
        return min(_LONGEST_STEP, self.seconds / _STEPS_A_RUN)

    @property
    def between_samples(self) -> float:
        """Seconds from one measurement to the next."""
        return min(_LONGEST_BETWEEN_SAMPLES, self.seconds / _SAMPLES_A_RUN)

    def due(self, seconds: float, done: Mapping[str, int]) -> dict[str, int]:
        """Return what is to be done after so many seconds of it."""
        share = min(1.0, seconds / self.seconds) if self.seconds else 1.0
        return {
            name: max(0, int(total * share) - done.get(name, 0))
            for name, total in self.totals.items()
        }
