"""What a fuzz run claims, for `docs/reliability.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prove.results import Claim, Outcome, Table, at_least, exactly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzz.found import Found
    from fuzz.parts import Part

NAME = "fuzz"

HANG_SECONDS = 1.0
"""How long one case may take."""

_GROWTH = 20e6  # bytes


def tells_all(all_found: Mapping[Part, Found]) -> bool:
    """Say whether every part has run to its full size, or something was found, which ends one."""
    has_found = any(found.findings for found in all_found.values())
    return has_found or all(found.cases >= part.full for part, found in all_found.items())


def outcome(all_found: Mapping[Part, Found], seed: int, scale: float) -> Outcome:
    """Return the claims about all parts, run or not."""
    wanted = {part: int(part.full * scale) for part in all_found}
    growth = max(found.growth for found in all_found.values())
    slowest = max(found.slowest for found in all_found.values())
    total = sum(found.cases for found in all_found.values())
    return Outcome(
        part=NAME,
        asked=f"{sum(wanted.values()):,} cases",
        claims=[
            at_least("cases", total, sum(wanted.values())),
            exactly(
                "crashes, wrong answers and secrets in an output",
                sum(len(found.findings) for found in all_found.values()),
            ),
            Claim(
                f"seconds of the slowest case, at most {HANG_SECONDS:g}",
                f"{slowest:.2f}",
                slowest <= HANG_SECONDS,
            ),
            Claim(
                "growth of memory, below 20 MB",
                f"{growth / 1e6:.1f} MB",
                growth < _GROWTH,
            ),
        ],
        tables=[
            Table(
                ("what was sent", "cases", "findings", "slowest", "memory", "took"),
                tuple(
                    (
                        part.title,
                        f"{found.cases:,}",
                        f"{len(found.findings)}",
                        f"{found.slowest * 1000:.0f} ms",
                        f"+{found.growth / 1e6:.1f} MB",
                        f"{found.seconds:.0f} s",
                    )
                    for part, found in all_found.items()
                ),
            )
        ],
        limits=[
            "Messages go out 200 at a time, and the slowest is the longest silence between two "
            "answers. The memory is that of the language server, and of the whole test process for "
            "the parsers; it counts from the first messages of each process, so what is imported "
            "later is part of it.",
        ],
        failures=[finding for found in all_found.values() for finding in found.findings],
        seed=seed,
        seconds=sum(found.seconds for found in all_found.values()),
    )
