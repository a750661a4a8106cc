"""The claims of a new id token, judged (OpenID Connect Core section 3.1.3.7): pure, no keys.

An issuer that publishes keys has to send every claim that the standard requires. One that does
not may also leave out `iss` and what goes with it, as the Codex CLI lets it; what such a token
does say has to be right all the same.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from codex_auth_lsp.domain.claims import (
    AUTH_NAMESPACE,
    Claims,
    decode_claims,
    namespace,
    numeric_date,
)
from codex_auth_lsp.errors import IssuerResponseInvalid

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.secret import Secret

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of this computer and of the issuer may be apart."""

MAXIMUM_CHARACTERS = 64 * 1024
"""Of an id token; OpenAI's have some two thousand."""

_REQUIRED = ("iss", "sub", "aud", "exp")
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_LONG_UNITS = (("days", 24 * 60), ("hours", 60))  # with their minutes; each from two on
# They name the key that the token itself brings along or points to; ours come from the issuer.
_KEYS_OF_ITS_OWN = ("jku", "jwk", "x5u", "x5c", "crit")


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an id token has to fit: whose it is, and the time by both clocks where known."""

    issuer: IssuerSettings
    now: datetime
    issuer_now: datetime | None = None


def read_header(id_token: Secret) -> dict[str, Any]:
    """Return the JOSE header.

    Raises:
        IssuerResponseInvalid: It is no compact JWS of a sensible size, or names keys of its own.
    """
    text = id_token.reveal()
    if len(text) > MAXIMUM_CHARACTERS:
        _refuse("is far too large")
    if not _COMPACT.fullmatch(text):
        _refuse("cannot be read")
    part = text.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        _refuse("cannot be read")
    if any(name in header for name in _KEYS_OF_ITS_OWN):
        _refuse("brings keys of its own")
    return header


def judge_claims(id_token: Secret, expected: Expectation, *, complete: bool) -> Claims:
    """Return the claims of an id token that is for us, from this issuer and valid now.

    Args:
        id_token: The token, straight from the token endpoint.
        expected: What it has to fit.
        complete: Whether every required claim has to be there, whatever else is.

    Raises:
        IssuerResponseInvalid: It is not.
    """
    claims = decode_claims(id_token)
    if claims is None:
        _refuse("cannot be read")
    if complete or "iss" in claims:
        for name in _REQUIRED:
            if name not in claims:
                _refuse(f"lacks `{name}`")
    _judge_parties(claims, expected.issuer)
    _judge_times(claims, expected)
    account = namespace(claims, AUTH_NAMESPACE).get("chatgpt_account_id")
    if account is not None and not (isinstance(account, str) and account.strip()):
        _refuse("names no account")
    return claims


def _judge_parties(claims: Claims, issuer: IssuerSettings) -> None:
    named = claims.get("iss", issuer.issuer)
    if not isinstance(named, str) or named.rstrip("/") != issuer.issuer:
        _refuse("comes from another issuer")
    if "sub" in claims and not (isinstance(claims["sub"], str) and claims["sub"]):
        _refuse("names nobody")
    audience = claims.get("aud", issuer.client_id)
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or issuer.client_id not in audiences:
        _refuse("is for another client")
    party = claims.get("azp")
    if party not in {None, issuer.client_id} if isinstance(party, str | None) else True:
        _refuse("was issued to another client")
    if len(audiences) > 1 and party is None:
        _refuse("is for several clients and does not say for which")


def _judge_times(claims: Claims, expected: Expectation) -> None:
    for name in ("exp", "iat", "nbf"):
        if name in claims and numeric_date(claims, name) is None:
            _refuse(f"holds a bad `{name}`")
    expires_at = numeric_date(claims, "exp")
    if expires_at is not None and expected.now - CLOCK_SKEW >= expires_at:
        _refuse_time("has expired already", expected)
    for name in ("iat", "nbf"):
        begins_at = numeric_date(claims, name)
        if begins_at is not None and begins_at > expected.now + CLOCK_SKEW:
            _refuse_time("is from the future", expected)


def _refuse_time(what: str, expected: Expectation) -> NoReturn:
    skew = clock_difference(expected.now, expected.issuer_now)
    if skew is not None:
        raise IssuerResponseInvalid(
            f"{clock_finding(skew)}, so the sign-in cannot be checked; set the clock and sign in "
            "again."
        )
    _refuse(what)


def clock_difference(now: datetime, issuer_now: datetime | None) -> timedelta | None:
    """Return how far this computer's clock is ahead, None where that is within bounds."""
    if issuer_now is None or abs(now - issuer_now) <= CLOCK_SKEW:
        return None
    return now - issuer_now


def clock_finding(difference: timedelta) -> str:
    """Return what a difference of the clocks means, as the beginning of a sentence."""
    minutes = abs(round(difference.total_seconds() / 60))
    amount = next(
        (f"{minutes // length} {unit}" for unit, length in _LONG_UNITS if minutes >= 2 * length),
        f"{minutes} minutes",
    )
    side = "ahead of" if difference > timedelta() else "behind"
    return f"This computer's clock is {amount} {side} the issuer's"


def _refuse(what: str) -> NoReturn:
    raise IssuerResponseInvalid(
        f"The id token of this sign-in {what}, so nothing was stored; try again later."
    )
