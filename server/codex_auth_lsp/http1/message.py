"""Requests and responses as values, and the bytes of a response.

Of a request nothing is decoded but header names, to lower case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [ -~]*")


@dataclass(frozen=True, slots=True)
class Request:
    """A complete request. `path` and `query` are as sent, not decoded; header names lower case.

    `peer` is the address and port that it came from. What may hold a secret is left out of `repr`.
    """

    method: str
    path: str
    query: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    peer: tuple[str, int] = ("", 0)

    def header(self, name: str) -> str | None:
        """Return the first value of a header, None when it is absent."""
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str) -> list[str]:
        """Return each value of a header that may stand more than once."""
        return [value for header_name, value in self.headers if header_name == name.lower()]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; Content-Length and Connection are added when it is sent."""

    status: int
    body: bytes = field(default=b"", repr=False)
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def encoded(
    response: Response, common_headers: tuple[tuple[str, str], ...], method: str = "GET"
) -> bytes:
    """Return an answer as it is sent.

    Raises:
        ValueError: A header is none; its text is not told.
    """
    headers = [
        *([("Content-Type", response.content_type)] if response.body else []),
        *common_headers,
        *response.headers,
        ("Content-Length", str(len(response.body))),
        ("Connection", "close"),
    ]
    lines = [f"{name}: {value}" for name, value in headers]
    if not all(map(_HEADER.fullmatch, lines)):
        raise ValueError
    start = f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"
    head = "\r\n".join([start, *lines, "", ""]).encode("ascii")
    return head if method == "HEAD" else head + response.body
