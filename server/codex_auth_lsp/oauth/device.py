"""The device authorization grant (RFC 8628), and OpenAI's dialect of it.

OpenAI's issuer has its own routes: the interval is a string, HTTP 403 and 404 stand for "not yet",
and the answer is an authorization code with the verifier that the issuer made for it (source:
requests of the Codex CLI 0.169.0). The RFC's way is taken where another issuer's metadata names a
device endpoint.
Pure. What an issuer says is data: a code or an address that is fit for no person is refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, NoReturn
from urllib.parse import urlsplit

from codex_auth_lsp.domain.issuer import PLAIN_ADDRESS, is_loopback
from codex_auth_lsp.domain.timestamps import parse_rfc3339
from codex_auth_lsp.errors import (
    DeviceCodeDisabled,
    DeviceCodeExpired,
    IssuerResponseInvalid,
    LoginDenied,
)
from codex_auth_lsp.oauth.authorization import AuthorizationRequest
from codex_auth_lsp.oauth.token import (
    NewTokens,
    answered_at,
    json_object,
    judge_code_exchange,
    oauth_error,
    refuse_exchange,
)
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.oauth.http import Reply

DEFAULT_INTERVAL: Final = 5.0
"""Seconds between two questions where the issuer names none (RFC 8628 section 3.2)."""

SLOW_DOWN: Final = 5.0
"""Seconds that `slow_down` adds to the interval for good (section 3.5)."""

LONGEST_INTERVAL: Final = 60.0
"""Seconds: an issuer that wants longer pauses would never hear that the person is done."""

CODE_SECONDS: Final = 900.0
"""How long a code is good where the issuer does not say so; OpenAI's page says 15 minutes."""

DEVICE_SCOPE = "openid profile email offline_access"
"""What any OpenID issuer knows; OpenAI's own endpoint takes no scope."""

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"

_SHORTEST_INTERVAL = 1.0
_LONGEST_CODE_SECONDS = 1800.0  # no attempt lasts longer
_USER_CODE = re.compile(r"[A-Za-z0-9]+(?:[ -][A-Za-z0-9]+){0,3}")  # no sentences
_USER_CODE_CHARACTERS = 24
_ADDRESS_CHARACTERS = 2048
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_OPAQUE_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code that waits for the person; names as in RFC 8628 section 3.2.

    `device_code` is OpenAI's `device_auth_id`. `interval` and `expires_in` are seconds.
    """

    device_code: Secret
    user_code: Secret
    verification_uri: str
    verification_uri_complete: Secret | None
    interval: float
    expires_in: float


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """OpenAI's answer: a code to exchange, with the verifier that the issuer made for it."""

    authorization_code: Secret
    code_verifier: Secret


class NotYet(Enum):
    """The person has not answered; `SLOW_DOWN` asks to be asked more rarely."""

    PENDING = auto()
    SLOW_DOWN = auto()


# OpenAI's dialect


def user_code_endpoint(issuer: IssuerSettings) -> str:
    """Return where a code is made."""
    return issuer.issuer + "/api/accounts/deviceauth/usercode"


def poll_endpoint(issuer: IssuerSettings) -> str:
    """Return where the device asks whether the person is done."""
    return issuer.issuer + "/api/accounts/deviceauth/token"


def poll_payload(code: DeviceCode) -> dict[str, str]:
    """Return the JSON body of that question."""
    return {
        "device_auth_id": code.device_code.reveal(),
        "user_code": code.user_code.reveal(),
    }


def code_request(issuer: IssuerSettings, issued: IssuedCode) -> AuthorizationRequest:
    """Return what the code is bound to, for its exchange."""
    return AuthorizationRequest(
        issuer, f"{issuer.issuer}/deviceauth/callback", code_verifier=issued.code_verifier
    )


def judge_user_code(reply: Reply, issuer: IssuerSettings) -> DeviceCode:
    """Return the code that OpenAI's issuer made.

    Raises:
        DeviceCodeDisabled: It makes none, which it says by having no such route.
        TokenExchangeFailed: It refused this client.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: It gave no answer that counts.
    """
    if reply.status == 404:
        raise DeviceCodeDisabled
    body = _object(reply)
    return DeviceCode(
        device_code=_opaque(body, "device_auth_id"),
        user_code=_user_code(body.get("user_code", body.get("usercode"))),
        verification_uri=f"{issuer.issuer}/codex/device",
        verification_uri_complete=None,
        interval=_interval(body.get("interval")),
        expires_in=_expires_in(body.get("expires_in", _seconds_until(body, reply))),
    )


def judge_poll(reply: Reply) -> IssuedCode | NotYet:
    """Return what became of a code at OpenAI's issuer.

    Raises:
        LoginDenied, DeviceCodeExpired, TokenExchangeFailed: It is over.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: It gave no answer that counts.
    """
    if reply.status == 200:
        body = _object(reply)
        return IssuedCode(_opaque(body, "authorization_code"), _opaque(body, "code_verifier"))
    not_yet = _not_yet(reply)
    if not_yet is None and reply.status in {403, 404}:
        return NotYet.PENDING  # whatever the body says, as the Codex CLI reads it
    return not_yet or _refuse_poll(reply)


# RFC 8628


def device_authorization_fields(issuer: IssuerSettings) -> list[tuple[str, str]]:
    """Return the form of RFC 8628 section 3.1."""
    return [("client_id", issuer.client_id), ("scope", DEVICE_SCOPE)]


def device_token_fields(issuer: IssuerSettings, code: DeviceCode) -> list[tuple[str, str]]:
    """Return the form of RFC 8628 section 3.4."""
    return [
        ("grant_type", GRANT_TYPE),
        ("device_code", code.device_code.reveal()),
        ("client_id", issuer.client_id),
    ]


def judge_device_authorization(reply: Reply, issuer: IssuerSettings) -> DeviceCode:
    """Return the code of RFC 8628 section 3.2.

    Raises:
        DeviceCodeDisabled: This client may not sign in so.
        TokenExchangeFailed: The issuer refused.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: It gave no answer that counts.
    """
    if reply.status == 404 or oauth_error(reply) in {
        "unauthorized_client",
        "unsupported_grant_type",
    }:
        raise DeviceCodeDisabled(oauth_error=oauth_error(reply))
    body = _object(reply)
    complete = body.get("verification_uri_complete")
    return DeviceCode(
        device_code=_opaque(body, "device_code"),
        user_code=_user_code(body.get("user_code")),
        verification_uri=_own_address(
            # Google's issuer wrote `verification_url` before the RFC was done.
            body.get("verification_uri", body.get("verification_url")),
            issuer,
            "page for the code",
        ),
        verification_uri_complete=None
        if complete is None
        else Secret(_own_address(complete, issuer, "page for the code")),
        interval=_interval(body.get("interval")),
        expires_in=_expires_in(body.get("expires_in")),
    )


def judge_device_token(reply: Reply) -> NewTokens | NotYet:
    """Return what became of a code (RFC 8628 section 3.5).

    Raises:
        LoginDenied, DeviceCodeExpired, TokenExchangeFailed: It is over.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: It gave no answer that counts.
    """
    if reply.status == 200:
        return judge_code_exchange(reply)
    return _not_yet(reply) or _refuse_poll(reply)


def is_own_address(address: str, issuer: IssuerSettings) -> bool:
    """Say whether an address is https on the issuer's host or below it.

    An issuer on a loopback address may use http, on its own port.
    """
    if len(address) > _ADDRESS_CHARACTERS or not PLAIN_ADDRESS.fullmatch(address):
        return False
    try:
        parts, own = urlsplit(address), urlsplit(issuer.issuer)
        host, port = parts.hostname or "", parts.port
        own_host, own_port = own.hostname or "", own.port
    except ValueError:
        return False
    if "@" in parts.netloc or parts.scheme != own.scheme or port != own_port:
        return False
    if not _HOST.fullmatch(host) or ".." in host:
        return False
    if host == own_host:
        return parts.scheme == "https" or is_loopback(host)
    return parts.scheme == "https" and host.endswith(f".{own_host}") and not _is_number(own_host)


def _is_number(host: str) -> bool:
    return host.replace(".", "").isdigit()


def _not_yet(reply: Reply) -> NotYet | None:
    error = oauth_error(reply)
    if error == "slow_down":
        return NotYet.SLOW_DOWN
    return NotYet.PENDING if error == "authorization_pending" else None


def _refuse_poll(reply: Reply) -> NoReturn:
    error = oauth_error(reply)
    if error == "access_denied":
        raise LoginDenied(oauth_error=error)
    if error == "expired_token":
        raise DeviceCodeExpired(oauth_error=error)
    refuse_exchange(reply)


def _object(reply: Reply) -> Mapping[str, Any]:
    if reply.status != 200:
        refuse_exchange(reply)
    body = json_object(reply)
    if body is None:
        raise IssuerResponseInvalid("The issuer's answer is not a JSON object; try again later.")
    return body


def _opaque(body: Mapping[str, Any], name: str) -> Secret:
    value = body.get(name)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= _OPAQUE_CHARACTERS
        or not (value.isascii() and value.isprintable())
    ):
        raise IssuerResponseInvalid(f"The issuer's answer holds no usable {name}; try again later.")
    return Secret(value)


def _user_code(value: object) -> Secret:
    """Return a code that a person can read and type, and that does nothing on a screen."""
    if (
        not isinstance(value, str)
        or len(value) > _USER_CODE_CHARACTERS
        or not _USER_CODE.fullmatch(value)
    ):
        raise IssuerResponseInvalid(
            "The issuer's answer holds no code that a person could enter; sign in another way."
        )
    return Secret(value)


def _own_address(value: object, issuer: IssuerSettings, what: str) -> str:
    if not isinstance(value, str) or not is_own_address(value, issuer):
        raise IssuerResponseInvalid(
            f"The issuer names a {what} that is not on its own site; sign in another way."
        )
    return value


def _interval(value: object) -> float:
    seconds = _seconds(value)
    if seconds is None:
        return DEFAULT_INTERVAL
    return min(max(seconds, _SHORTEST_INTERVAL), LONGEST_INTERVAL)


def _expires_in(value: object) -> float:
    return min(_seconds(value) or CODE_SECONDS, _LONGEST_CODE_SECONDS)


def _seconds_until(body: Mapping[str, Any], reply: Reply) -> float | None:
    """Return what is left until `expires_at`, which OpenAI's issuer sends, by its own clock."""
    begun = answered_at(reply) or reply.received_at
    try:
        return (parse_rfc3339(str(body["expires_at"])) - begun).total_seconds() if begun else None
    except (KeyError, ValueError):
        return None


def _seconds(value: object) -> float | None:
    """Return a positive number of seconds, also one in quotes, as OpenAI's issuer sends it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None
