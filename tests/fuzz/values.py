"""Odd values, and odd changes to bytes: what every generator is made of.

All choices come from one `random.Random`. A seed makes a case come back, hypothesis can be the
source of choices and so make a failing case small, and atheris can, and so be led by coverage.
"""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

MARKER = "sec-ret-FUZZ-MARKER"
"""Stands where a secret stands; whatever comes out with it in it is a leak."""

_TEXTS = (
    "", " ", "\0", "\n", "\r\n", "a", "null", "true", "0", "../../x", "%00", "\u202e", "\ud800",
    "\U0001f511", "e\u0301", "\ufeff", "](javascript:x)", "<script>", "\x1b[31m", "__class__",
    "a" * 300, "9" * 40, "-1", "1e999", "https://127.0.0.1:1/", "http://[::1", "//", "://",
)  # fmt: skip
_NUMBERS = (
    0, -1, 1, 255, 2**31 - 1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, 5e-324,
    1700000000, 4102444800, 253402300800,
)  # fmt: skip
_SPLINTERS = (
    b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\r\n\r\n", b"\n", b"{", b"}", b"[", b"]", b'"',
    b"\\u0000", b"\\ud800", b",", b":", b"=", b"#", b"'''", b"\xef\xbb\xbf", b"-", b"NaN",
    b"1e9999", b"\x1a", b"&", b"%", b"%2", b"..",
)  # fmt: skip

_PUMPED = (
    b" ", b"\t", b"\n", b"[", b"]", b"{", b'{"":', b"}", b'"', b'\\"', b"\\\\", b"'", b'"""', b"1,",
    b"[],", b'"a":1,', b".", b"a.", b"a=1\n", b"[a]\n", b"#", b"\\ud800", b"=", b"-", b"%41", b"A",
)  # fmt: skip


def text(rng: Random) -> str:
    """Return a text that programs stumble over, or a plain one."""
    if rng.random() < 0.6:
        return rng.choice(_TEXTS)
    return "".join(rng.choice(string.printable) for _ in range(rng.randrange(12)))


def scalar(rng: Random) -> Any:
    """Return a JSON value that is neither an object nor an array."""
    return rng.choice((None, True, False, rng.choice(_NUMBERS), text(rng)))


def json_value(rng: Random, depth: int = 3) -> Any:
    """Return any JSON value."""
    if depth == 0 or rng.random() < 0.5:
        return scalar(rng)
    if rng.random() < 0.5:
        return [json_value(rng, depth - 1) for _ in range(rng.randrange(4))]
    return {text(rng): json_value(rng, depth - 1) for _ in range(rng.randrange(4))}


def altered(rng: Random, value: Any) -> Any:
    """Return a copy of a JSON value with one change somewhere in it."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        changed = dict(value)
        name = rng.choice(list(changed))
        kind = rng.randrange(8)
        if kind == 0:
            del changed[name]
        elif kind == 1:
            changed[text(rng)] = json_value(rng)
        elif kind == 2:
            changed[text(rng)] = changed.pop(name)
        else:
            changed[name] = altered(rng, changed[name])
        return changed
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], altered(rng, value[place]), *value[place + 1 :]]
    return json_value(rng)


def json_bytes(rng: Random, value: Any) -> bytes:
    """Return a JSON value as bytes, some of them spoiled."""
    ascii_only = rng.random() < 0.5
    encoded = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    return spoiled(rng, encoded) if rng.random() < 0.3 else encoded


def nested(rng: Random) -> bytes:
    """Return objects and arrays inside one another, around and far beyond every limit."""
    depth = rng.choice((10, 60, 63, 64, 65, 66, 200, 2_000, 100_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return opening * depth + b"1" + closing * rng.choice((depth, depth, depth - 1, 0))


def pumped(rng: Random, data: bytes, most: int) -> bytes:
    """Return bytes with a few of them, or of those that open and close things, put in very often.

    What reads them may need the square of their number, or go into every one of them.
    """
    start = rng.randrange(len(data) + 1)
    own = data[start : start + rng.randrange(1, 8)]
    unit = b"".join(rng.choice((*_PUMPED, own)) for _ in range(rng.randrange(1, 4))) or b"["
    count = rng.choice((most // 100, most // 10, most)) // len(unit)
    end = b"" if rng.random() < 0.5 else data[start:]
    return data[:start] + unit * count + end


def spoiled(rng: Random, data: bytes) -> bytes:
    """Return bytes with some of them changed, cut out, doubled, or put in."""
    spoilt = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        start = rng.randrange(len(spoilt) + 1)
        end = min(len(spoilt), start + rng.randrange(1, 16))
        kind = rng.randrange(6)
        if kind == 0:
            spoilt[start:end] = b""
        elif kind == 1:
            spoilt[start:start] = rng.choice(_SPLINTERS)
        elif kind == 2:
            spoilt[start:start] = spoilt[start:end]
        elif kind == 3 and start < len(spoilt):
            spoilt[start] ^= 1 << rng.randrange(8)
        elif kind == 4:
            spoilt[start:end] = bytes(rng.randrange(256) for _ in range(end - start))
        else:
            del spoilt[start:]
    return bytes(spoilt)
