"""One parser, led by the coverage of its code (atheris), as `make fuzz` runs it.

The bytes of atheris are the choices of the same generators, so that what it finds is a case like
any other. It ends with the status of libFuzzer: 0 when nothing was found.
"""

from __future__ import annotations

import argparse
import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["codex_auth_lsp"]):
    from fuzz.judges import TARGETS

_HANG_SECONDS = 5  # with instrumented code; what is not is held to one
_LONGEST = 4096  # bytes of choices


class Choices(Random):
    """Choices out of given bytes; when they are used up, always the first."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._left = memoryview(data)

    def random(self) -> float:
        """Return a number of 16 bits between 0 and 1."""
        return self.getrandbits(16) / 65536

    def getrandbits(self, k: int, /) -> int:
        """Return `k` bits."""
        count = (k + 7) // 8
        taken, self._left = self._left[:count], self._left[count:]
        return int.from_bytes(taken, "big") & ((1 << k) - 1)


def main() -> None:
    """Fuzz the parser that was named."""
    parser = argparse.ArgumentParser(prog="fuzz.guided")
    parser.add_argument("target", choices=[target.name for target in TARGETS])
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args()
    target = next(target for target in TARGETS if target.name == arguments.target)
    options = [
        f"-runs={arguments.runs}",
        f"-seed={arguments.seed}",
        f"-timeout={_HANG_SECONDS}",
        f"-max_len={_LONGEST}",
        "-artifact_prefix=.cache/fuzz/",
    ]
    atheris.Setup(
        [sys.argv[0], *options], lambda data: target.check(target.make(Choices(bytes(data))))
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
