"""The base protocol's frames (LSP 3.17, "Base Protocol"): header, blank line, content.

The decoder is pure: bytes in, contents out. It takes header names in any case and refuses what
leaves open where the next frame begins, before it has taken more memory than the limits allow.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_HEADER = 8 * 1024
"""Bytes of a header, its blank line included."""

MAXIMUM_CONTENT = 8 * 1024 * 1024
"""Bytes of a message."""

_END = b"\r\n\r\n"
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*")


class FramingError(Exception):
    """The stream cannot be trusted any more. The message says why and repeats nothing of it."""


class FrameDecoder:
    """Cuts a stream of bytes into the contents of its frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the content of each frame that is complete with `data`.

        Raises:
            FramingError: What came is no frame, or one that is too large.
        """
        self._buffer += data
        while True:
            if self._length is None and not self._read_header():
                return
            if self._length is None or len(self._buffer) < self._length:
                return
            content = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length = None
            if content:
                yield content

    def _read_header(self) -> bool:
        end = self._buffer.find(_END, max(self._searched - len(_END), 0), MAXIMUM_HEADER)
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched >= MAXIMUM_HEADER:
                raise FramingError("a header has more than 8 KiB")
            if _has_bare_line_feed(self._buffer):
                raise FramingError("a header line does not end in CR LF")
            return False
        self._length = _content_length(bytes(self._buffer[:end]))
        del self._buffer[: end + len(_END)]
        self._searched = 0
        return True


def encode_frame(content: bytes) -> bytes:
    """Return a frame around `content`."""
    return b"Content-Length: %d\r\n\r\n" % len(content) + content


def _content_length(header: bytes) -> int:
    lengths = []
    for line in header.split(b"\r\n"):
        field = _FIELD.fullmatch(line)
        if field is None:
            raise FramingError("a header line is no field")
        if field[1].lower() == b"content-length":
            lengths.append(field[2])
    if len(lengths) != 1:
        raise FramingError("a header needs one Content-Length")
    digits = lengths[0]
    if not re.fullmatch(rb"[0-9]+", digits):
        raise FramingError("a Content-Length is no number")
    if len(digits) > len(str(MAXIMUM_CONTENT)) or int(digits) > MAXIMUM_CONTENT:
        raise FramingError("a message has more than 8 MiB")
    return int(digits)


def _has_bare_line_feed(header: bytearray) -> bool:
    return header.count(b"\n") != header.count(b"\r\n")
