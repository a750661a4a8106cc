"""Whether a stored login has to be renewed for somebody who asks. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.credential import ChatGptCredential

DEFAULT_VALIDITY_SECONDS = 300
"""How long a token has to be valid where nobody says."""

OPAQUE_TOKEN_AGE = timedelta(days=8)
"""After how long a token that does not say when it ends is renewed, as by the Codex CLI."""

_SHARE = 0.9  # of a token's lifetime that can be asked for


def is_older(credential: ChatGptCredential, moment: datetime, now: datetime) -> bool:
    """Say whether a login was not renewed after `moment`."""
    refreshed_at = _refreshed_at(credential, now)
    return refreshed_at is None or refreshed_at < moment


def ends_too_soon(credential: ChatGptCredential, seconds: float, now: datetime) -> bool:
    """Say whether a login is not valid for so many seconds more."""
    if credential.expires_at is not None:
        return credential.expires_at - now < _wanted(credential, seconds)
    refreshed_at = _refreshed_at(credential, now)
    return refreshed_at is None or now - refreshed_at >= OPAQUE_TOKEN_AGE


def is_valid(credential: ChatGptCredential, now: datetime) -> bool:
    """Say whether nothing tells that a login's access token has ended."""
    return credential.expires_at is None or credential.expires_at > now


def _refreshed_at(credential: ChatGptCredential, now: datetime) -> datetime | None:
    """Return `last_refresh`, unless a clock that went wrong has put it into the future."""
    moment = credential.last_refresh
    return moment if moment is not None and moment <= now else None


def _wanted(credential: ChatGptCredential, seconds: float) -> timedelta:
    """Return what can be asked for: no token is valid for longer, and asking would only spend."""
    lifetime = credential.lifetime
    wanted = timedelta(seconds=seconds)
    return wanted if lifetime is None else min(wanted, _SHARE * lifetime)
