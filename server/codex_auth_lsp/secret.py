"""Masked strings: a credential from its first line to its last.

A `Secret` prints as `***` wherever a string would print: `repr`, `str`, `format`, an f-string, a
log argument, a traceback's locals. `.reveal()` is the only way out and easy to search for.
It does not protect the memory of the process.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NoReturn, final


@final
class Secret:
    """A string that does not show itself.

    Two secrets compare in constant time; the hash is that of the fingerprint.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """Return the value, for the one place that has to send or store it."""
        return self.__value

    def fingerprint(self) -> str:
        """Return 16 hex digits that tell two secrets apart and do not give either away."""
        return hashlib.sha256(self.__value.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self.__value.encode("utf-8", "surrogatepass"),
            other.__value.encode("utf-8", "surrogatepass"),
        )

    def __hash__(self) -> int:
        return hash(self.fingerprint())

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")
