"""The token endpoint: code exchange, API-key exchange and refresh (RFC 6749 section 4.1.3, 5, 6).

Request bodies are those of the Codex CLI 0.169.0, in its order of fields. The judges are pure and
tolerant of what RFC 6749 section 5.1 lets an issuer add, strict with what it must send.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NoReturn

from codex_auth_lsp.domain.claims import decode_claims
from codex_auth_lsp.errors import (
    AuthError,
    IssuerResponseInvalid,
    IssuerUnavailable,
    NeedsReauth,
    RateLimited,
    RefreshTokenExpired,
    RefreshTokenReused,
    RefreshTokenRevoked,
    TokenExchangeFailed,
)
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.oauth.authorization import AuthorizationRequest
    from codex_auth_lsp.oauth.http import Reply

_ERROR_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_MAXIMUM_RETRY_SECONDS = 3600

_PERMANENT_REFRESH_ERRORS: Mapping[str, type[NeedsReauth]] = {
    "refresh_token_expired": RefreshTokenExpired,
    "refresh_token_reused": RefreshTokenReused,
    "refresh_token_invalidated": RefreshTokenRevoked,
}


@dataclass(frozen=True, slots=True)
class NewTokens:
    """The tokens of a new login, and the issuer's time where its answer tells it."""

    id_token: Secret
    access_token: Secret
    refresh_token: Secret
    issuer_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class RenewedTokens:
    """The tokens of a refresh; None stands for "keep the one you have" (RFC 6749 section 6).

    `trouble` says what is wrong with an id token that was left aside.
    """

    access_token: Secret
    id_token: Secret | None
    refresh_token: Secret | None
    trouble: IssuerResponseInvalid | None = None


def code_exchange_fields(request: AuthorizationRequest, code: Secret) -> list[tuple[str, str]]:
    """Return the form of RFC 6749 section 4.1.3 with the verifier of RFC 7636 section 4.5."""
    return [
        ("grant_type", "authorization_code"),
        ("client_id", request.issuer.client_id),
        ("code", code.reveal()),
        ("redirect_uri", request.redirect_uri),
        ("code_verifier", request.code_verifier.reveal()),
    ]


def api_key_exchange_fields(client_id: str, id_token: Secret) -> list[tuple[str, str]]:
    """Return the form (RFC 8693) by which OpenAI's issuer makes an API key for a sign-in."""
    return [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("client_id", client_id),
        ("requested_token", "openai-api-key"),
        ("subject_token", id_token.reveal()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
    ]


def refresh_payload(client_id: str, refresh_token: Secret, reason: str) -> dict[str, str]:
    """Return OpenAI's JSON body of a refresh.

    `reason` is `proactive_expiry`, `scheduled` (by age) or `forced`, as the Codex CLI says it.
    """
    return {
        "client_id": client_id,
        "grant_type": "refresh_token",
        "refresh_reason": reason,
        "refresh_token": refresh_token.reveal(),
    }


def refresh_fields(client_id: str, refresh_token: Secret) -> list[tuple[str, str]]:
    """Return the form of RFC 6749 section 6, from a client that is public."""
    return [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.reveal()),
        ("client_id", client_id),
    ]


def judge_code_exchange(reply: Reply) -> NewTokens:
    """Return the tokens of a code exchange, which must bring all three.

    Raises:
        TokenExchangeFailed: The issuer refused the code.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: It gave no answer that counts.
    """
    if reply.status != 200:
        refuse_exchange(reply)
    body = _token_body(reply)
    id_token, access_token = _id_token(body), _token(body, "access_token")
    refresh_token = _token(body, "refresh_token")
    if not (id_token and access_token and refresh_token):
        _refuse("lacks a token")
    return NewTokens(id_token, access_token, refresh_token, answered_at(reply))


def refuse_exchange(reply: Reply) -> NoReturn:
    """Raise for an answer that is none of a success.

    Raises:
        TokenExchangeFailed: The issuer refused.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: It gave no answer that counts.
    """
    _raise_without_verdict(reply)
    error = oauth_error(reply)
    raise TokenExchangeFailed(
        f"The issuer refused to complete the sign-in ({error or reply.status}); sign in again.",
        oauth_error=error,
    )


def judge_api_key_exchange(reply: Reply) -> Secret | None:
    """Return the API key, None when the issuer gave none: the sign-in works without it."""
    key = (json_object(reply) or {}).get("access_token") if reply.status == 200 else None
    return Secret(key) if isinstance(key, str) and key.strip() else None


def rotated_token(reply: Reply) -> Secret | None:
    """Return the new refresh token that an answer holds, whatever else is wrong with it.

    None where it is no success or brings none. The one that was sent is spent then.
    """
    try:
        return _rotated_token(json_object(reply) or {}) if _is_success(reply) else None
    except IssuerResponseInvalid:
        return None


def judge_refresh(reply: Reply) -> RenewedTokens:
    """Return the tokens of a refresh; an id token that cannot be read is left aside.

    Raises:
        RefreshTokenExpired, RefreshTokenReused, RefreshTokenRevoked, NeedsReauth: For good.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: It may work later.
    """
    if _is_success(reply):
        body = _token_body(reply)
        access_token = _token(body, "access_token")
        if access_token is None:
            _refuse("lacks an access token")
        refresh_token = _rotated_token(body)
        try:
            return RenewedTokens(access_token, _id_token(body), refresh_token)
        except IssuerResponseInvalid as trouble:
            return RenewedTokens(access_token, None, refresh_token, trouble)
    error = oauth_error(reply)
    if error is not None and error in _PERMANENT_REFRESH_ERRORS:
        raise _PERMANENT_REFRESH_ERRORS[error](oauth_error=error)
    if reply.status == 401 or (reply.status == 400 and error == "invalid_grant"):
        raise NeedsReauth(
            "The issuer no longer accepts this sign-in; sign in again.", oauth_error=error
        )
    _raise_without_verdict(reply)
    raise IssuerUnavailable(
        f"The issuer did not renew the sign-in ({error or reply.status}); it will be tried again.",
        retry_after_seconds=retry_after_seconds(reply),
        oauth_error=error,
    )


def _is_success(reply: Reply) -> bool:
    """Say whether a refresh worked; as for the Codex CLI, any such status will do."""
    return 200 <= reply.status < 300


def _raise_without_verdict(reply: Reply) -> None:
    """Raise for the answers that say nothing about the grant itself."""
    failure: AuthError | None = None
    if reply.status == 429:
        failure = RateLimited(retry_after_seconds=retry_after_seconds(reply))
    elif reply.status >= 500:
        failure = IssuerUnavailable(
            f"The issuer answered with HTTP {reply.status}; try again in a few minutes.",
            retry_after_seconds=retry_after_seconds(reply),
        )
    elif reply.status < 400:
        failure = IssuerResponseInvalid(
            f"The issuer answered with HTTP {reply.status}, which has no meaning here; try again "
            "later."
        )
    if failure is not None:
        raise failure


def retry_after_seconds(reply: Reply) -> int | None:
    """Return the seconds of `Retry-After`, an hour at most (RFC 9110 section 10.2.3).

    A date is counted from the answer's own, so that a clock that is wrong here changes nothing.
    """
    value = reply.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return min(int(value), _MAXIMUM_RETRY_SECONDS)
    moment, answered = _http_date(value), answered_at(reply) or reply.received_at
    if moment is None or answered is None:
        return None
    seconds = math.ceil((moment - answered).total_seconds())
    return max(0, min(seconds, _MAXIMUM_RETRY_SECONDS))


def answered_at(reply: Reply) -> datetime | None:
    """Return the time of `Date` in aware UTC (RFC 9110 section 6.6.1), None where it tells none."""
    return _http_date(reply.headers.get("date", ""))


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def oauth_error(reply: Reply) -> str | None:
    """Return the issuer's error code, None where it names none or one with odd characters.

    OpenAI's issuer sends `{"error": {"code": ...}}` or `{"code": ...}` beside RFC 6749's form.
    """
    body = json_object(reply) or {}
    error = body.get("error", body.get("code"))
    return error_code(error.get("code") if isinstance(error, dict) else error)


def error_code(value: object) -> str | None:
    """Return an `error` value from outside when it is fit to pass on, else None."""
    return value if isinstance(value, str) and _ERROR_CODE.fullmatch(value) else None


def _token_body(reply: Reply) -> Mapping[str, Any]:
    body = json_object(reply)
    if body is None:
        _refuse("is not a JSON object")
    if body.get("error") is not None:
        _refuse("is an error in the place of tokens")
    kind = body.get("token_type")
    if kind is not None and (not isinstance(kind, str) or kind.lower() != "bearer"):
        _refuse("holds a kind of token that is not known")
    return body


def _id_token(body: Mapping[str, Any]) -> Secret | None:
    id_token = _token(body, "id_token")
    if id_token is not None and decode_claims(id_token) is None:
        _refuse("holds an id token that cannot be read")
    return id_token


def _token(body: Mapping[str, Any], name: str) -> Secret | None:
    value = body.get(name)
    if value is None:
        return None
    # RFC 6749 appendix A.12: tokens are visible ASCII; anything else could break a header.
    if not isinstance(value, str) or not value or not value.isascii() or not value.isprintable():
        _refuse(f"holds a bad {name.replace('_', ' ')}")
    return Secret(value)


def _rotated_token(body: Mapping[str, Any]) -> Secret | None:
    """Return the refresh token: any text that can be stored and sent again, as the CLI takes it."""
    value = body.get("refresh_token")
    if value is None:
        return None
    if not isinstance(value, str) or not value or _has_surrogates(value):
        _refuse("holds a bad refresh token")
    return Secret(value)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _refuse(what: str) -> NoReturn:
    raise IssuerResponseInvalid(f"The issuer's answer {what}; try again later.")


def json_object(reply: Reply) -> dict[str, Any] | None:
    """Return the JSON object that an answer holds, None where it holds something else."""
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
