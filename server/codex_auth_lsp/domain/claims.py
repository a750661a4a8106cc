"""JSON Web Token claims, read without checking a signature (RFC 7519 section 4).

The tokens read here come from the login cache or, over TLS, straight from the token endpoint;
nothing is granted because of them. What a claim holds is text from outside: `clean_text` makes it
fit to show.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codex_auth_lsp.secret import Secret

Claims = Mapping[str, Any]

AUTH_NAMESPACE = "https://api.openai.com/auth"
PROFILE_NAMESPACE = "https://api.openai.com/profile"

_SHOWN_CHARACTERS = 200
_BLANKS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
)  # no white space, but nothing to see
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


def decode_claims(token: Secret) -> Claims | None:
    """Return the claims of a JWT, or None when the token is no JWT (it may be opaque).

    The shape asked for is what every Codex version asks of an id token: three non-empty parts
    parted by dots, of which the second is unpadded base64url of a JSON object.
    """
    parts = token.reveal().split(".")
    if len(parts) != 3 or not all(parts) or not _BASE64URL.fullmatch(parts[1]):
        return None
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = json.loads(payload.decode("utf-8"))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def namespace(claims: Claims, name: str) -> Claims:
    """Return one of OpenAI's nested claim objects, empty when it is absent or no object."""
    value = claims.get(name)
    return value if isinstance(value, dict) else {}


def text_claim(claims: Claims, name: str) -> str | None:
    """Return a claim fit to show, or None when it is absent, blank or no string."""
    value = claims.get(name)
    return clean_text(value) or None if isinstance(value, str) else None


def numeric_date(claims: Claims, name: str) -> datetime | None:
    """Return a NumericDate claim (seconds since 1970) as aware UTC, None when it is unusable."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def clean_text(value: str, limit: int = _SHOWN_CHARACTERS) -> str:
    """Return text from outside made harmless to show: one line, no control or bidi characters.

    White space of every kind, and what looks like it, becomes a space; what else is in Unicode's
    category C goes (controls, formats such as U+202E, surrogates); a Markdown link, which editors
    draw as one in a message, is broken up; the rest is cut at `limit` characters.
    """
    kept = "".join(
        " " if character.isspace() or character in _BLANKS else character
        for character in value[: limit * 4]
        if character.isspace() or not unicodedata.category(character).startswith("C")
    )
    return kept.replace("](", "] (").strip()[:limit].rstrip()
