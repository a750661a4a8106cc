"""The signature of an id token (RFC 7515) by the keys that its issuer publishes (RFC 7517).

The only module that imports PyJWT, which costs 80 ms and is imported when somebody signs in.
Only algorithms with a public key count: with `none` or HS256 anybody could sign.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt

from codex_auth_lsp.errors import IssuerResponseInvalid, IssuerUnavailable
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.oauth.http import Reply

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip

_MAXIMUM_KEYS = 100
_MEMBERS = ("kty", "alg", "kid", "n", "e", "crv", "x", "y")
"""Of a public key. From a private one, which nobody publishes, PyJWT would compute for minutes."""
_LONGEST_MEMBER = 2732  # characters: 16,384 bits in base64url, the most that OpenSSL takes
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


# The base point of P-256: a public key of nobody, as any point of the curve is one.
_NOBODY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY",
    "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
}
_STRONG_KEYS: Any = {"enforce_minimum_key_length": True}  # RFC 7518 section 3.3: 2,048 bits of RSA
_NOTHING = ".".join(("eyJhbGciOiJFUzI1NiJ9", "e30", "A" * 86))  # has the form of a signed token


def prepare() -> None:
    """Check a signature of nobody, so that whatever a check needs is there before the first."""
    _has_signed(_NOBODY, "ES256", Secret(_NOTHING))


def judge_keys(reply: Reply) -> list[dict[str, Any]]:
    """Return the public keys of a JWK set, those for signatures alone (RFC 7517 section 4.2, 5).

    Raises:
        IssuerUnavailable: The issuer publishes keys and does not hand them out now.
        IssuerResponseInvalid: The answer is no JWK set.
    """
    if reply.status != 200:
        raise IssuerUnavailable(
            f"The issuer did not hand out its signing keys (HTTP {reply.status}), so the sign-in "
            "cannot be checked; try again in a few minutes."
        )
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise IssuerResponseInvalid(
            "The issuer's signing keys cannot be read, so the sign-in cannot be checked; try again "
            "later."
        )
    public = (
        {name: key[name] for name in _MEMBERS if name in key}
        for key in keys[:_MAXIMUM_KEYS]
        if isinstance(key, dict) and key.get("use", "sig") == "sig"
    )
    return [key for key in public if all(map(_is_short_text, key.values()))]


def check_signature(
    id_token: Secret, header: Mapping[str, Any], keys: list[dict[str, Any]]
) -> None:
    """Return when one of the keys has signed the token.

    Raises:
        IssuerResponseInvalid: None has, or the token's algorithm is none that counts.
    """
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise IssuerResponseInvalid(
            "The id token of this sign-in is not signed in a way that counts, so nothing was "
            "stored; try again later."
        )
    for key in keys:
        if key.get("kty") != _FAMILIES[algorithm[:2]] or key.get("alg", algorithm) != algorithm:
            continue
        # A token that names its key is checked by that key alone (RFC 7515 section 4.1.4).
        if (key_id is None or key.get("kid") == key_id) and _has_signed(key, algorithm, id_token):
            return
    raise IssuerResponseInvalid(
        "The id token of this sign-in is not signed by a key of the issuer, so nothing was stored; "
        "try again later."
    )


def _is_short_text(member: Any) -> bool:
    return isinstance(member, str) and len(member) <= _LONGEST_MEMBER


def _has_signed(key: dict[str, Any], algorithm: str, id_token: Secret) -> bool:
    try:
        jws = jwt.PyJWS(options=_STRONG_KEYS)
        jws.decode(id_token.reveal(), jwt.PyJWK(key, algorithm), algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError, TypeError):  # the latter two of keys that make no sense
        return False
    return True
