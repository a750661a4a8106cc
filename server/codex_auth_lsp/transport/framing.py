"""The base protocol's frames (LSP 3.17, "Base Protocol"): header, blank line, content.

The decoder is pure: bytes in, contents out. It takes header names in any case and refuses what
leaves open where the next frame begins, before it has taken more memory than the limits allow and
as soon as it is seen: a peer that waits for an answer may never send the rest of a bad header.
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

_LINE_END = b"\r\n"
_NAME = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_BLANKS = b" \t"
_FIELD = re.compile(rb"(%s)[ \t]*:([^\r\n]*)" % _NAME)  # one way to match: no line takes long
_BEGINNING = re.compile(rb"(?:%s[ \t]*(?::[^\r\n]*\r?)?)?" % _NAME)
_BLANK_LINE = re.compile(rb"\r?")


class FramingError(Exception):
    """The stream cannot be trusted any more. The message says why and repeats nothing of it."""


class FrameDecoder:
    """Cuts a stream of bytes into the contents of its frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length: int | None = None
        self._header_complete = False
        self._line = 0  # where the first header line begins that has not been judged

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Return the content of each frame that is complete with `data`, cut when it is asked for.

        Raises:
            FramingError: What came is no frame, or one that is too large.
        """
        self._buffer += data
        return self._complete()

    def _complete(self) -> Iterator[bytes]:
        while True:
            if not self._header_complete:
                self._read_header()
            if not self._header_complete or self._length is None:
                return
            if len(self._buffer) < self._length:
                return
            content = bytes(self._buffer[: self._length])
            del self._buffer[: self._length]
            self._length, self._header_complete = None, False
            if content:
                yield content

    def _read_header(self) -> None:
        while (end := self._buffer.find(_LINE_END, self._line, MAXIMUM_HEADER)) >= 0:
            line = bytes(self._buffer[self._line : end])
            self._line = end + len(_LINE_END)
            if line:
                self._take_field(line)
            elif self._length is None:
                raise FramingError("a header needs one Content-Length")
            else:
                del self._buffer[: self._line]
                self._line, self._header_complete = 0, True
                return
        if len(self._buffer) >= MAXIMUM_HEADER:
            raise FramingError("a header has more than 8 KiB")
        begun = bytes(self._buffer[self._line :])
        if not (_BEGINNING.fullmatch(begun) or _BLANK_LINE.fullmatch(begun)):
            raise FramingError(_what_is_wrong(begun))

    def _take_field(self, line: bytes) -> None:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise FramingError(_what_is_wrong(line))
        if field[1].lower() == b"content-length":
            if self._length is not None:
                raise FramingError("a header needs one Content-Length")
            self._length = _number(field[2].strip(_BLANKS))


def encode_frame(content: bytes) -> bytes:
    """Return a frame around `content`."""
    return b"Content-Length: %d\r\n\r\n" % len(content) + content


def _number(digits: bytes) -> int:
    if not re.fullmatch(rb"[0-9]+", digits):
        raise FramingError("a Content-Length is no number")
    significant = digits.lstrip(b"0")
    if len(significant) > len(str(MAXIMUM_CONTENT)) or int(significant or b"0") > MAXIMUM_CONTENT:
        raise FramingError("a message has more than 8 MiB")
    return int(significant or b"0")


def _what_is_wrong(line: bytes) -> str:
    if b"\n" in line or b"\r" in line[:-1]:
        return "a header line does not end in CR LF"
    return "a header line is no field"
