"""What an issuer's answer to a refresh brings (RFC 6749 section 6, OpenID Connect Core 12.2).

Invariant: a new refresh token that has come is never dropped, whatever else the answer holds and
whatever goes wrong while it is read, since the one that was sent is spent. So

- an id token that cannot be read is left aside, and the one that there was stays;
- of an answer that names somebody else, or that cannot be used otherwise, nothing is taken but the
  refresh token: its access token is given to nobody;
- a refresh token that came with somebody else's login may be theirs: what it brings is taken only
  with an id token that names who is signed in.

Each time the trouble is told. (The Codex CLI drops the whole answer for a bad id token, and takes
another account's tokens for the login's own.)
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.domain.claims import decode_claims
from codex_auth_lsp.errors import AuthError, IssuerResponseInvalid
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.oauth.token import judge_refresh, rotated_token

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.claims import Claims
    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.oauth.http import Reply

_DEFECT = "The issuer's answer could not be read; the log has the details."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A login after a refresh.

    `trouble` is what was wrong with the answer; `is_usable` whether it brought an access token all
    the same; `is_doubted` whether its refresh token may be somebody else's.
    """

    login: ChatGptCredential
    trouble: IssuerResponseInvalid | None = None
    is_usable: bool = True
    is_doubted: bool = False


class _NotTheirs(IssuerResponseInvalid):
    """An answer that is another account's, or cannot be told from one."""


def take_answer(
    reply: Reply, spent: ChatGptCredential, now: datetime, *, is_doubted: bool = False
) -> Renewal:
    """Return what is to be stored in the place of the spent tokens.

    Args:
        reply: The answer.
        spent: The login that the refresh token was taken from.
        now: The time.
        is_doubted: Whether that token came with somebody else's login.

    Raises:
        RefreshTokenExpired, RefreshTokenReused, RefreshTokenRevoked, NeedsReauth: For good.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: There is nothing to be kept.
    """
    rotated = rotated_token(reply)
    try:
        return _renewal(reply, spent, now, is_doubted)
    except IssuerResponseInvalid as error:
        trouble = error
    except AuthError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it is, this is the only refresh token
        trouble = IssuerResponseInvalid(_DEFECT)
        trouble.correlation_id = log_defect(logger, exc)
    if rotated in {None, spent.refresh_token}:
        raise trouble
    is_doubted = is_doubted or isinstance(trouble, _NotTheirs)
    login = replace(spent, refresh_token=rotated)
    return Renewal(login, trouble, is_usable=False, is_doubted=is_doubted)


def _renewal(reply: Reply, spent: ChatGptCredential, now: datetime, is_doubted: bool) -> Renewal:
    tokens = judge_refresh(reply)
    renewed = replace(
        spent,
        id_token=tokens.id_token or spent.id_token,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token or spent.refresh_token,
        last_refresh=now,
    )
    if _is_somebody_else(spent, renewed):
        raise _NotTheirs("The issuer answered with the login of another account.")
    if is_doubted and not (tokens.id_token and _names(renewed.id_claims, spent)):
        raise _NotTheirs(
            "The issuer answered with the login of another account before, and does not say whose "
            "this one is."
        )
    if tokens.id_token is not None and not _goes_on(spent, renewed):
        trouble = IssuerResponseInvalid(
            "The issuer sent an id token that does not say whose it is as the one before did, so "
            "that one is kept."
        )
        return Renewal(replace(renewed, id_token=spent.id_token), trouble)
    return Renewal(renewed, tokens.trouble)


def _goes_on(spent: ChatGptCredential, renewed: ChatGptCredential) -> bool:
    """Say whether an id token that names nobody else names the person at all.

    OpenID Connect Core section 12.2. `iss` and `aud` are not compared: who answers is known by the
    connection, and logins are stored whose id token came from elsewhere.
    """
    if account_from_claims(spent.id_claims, spent.account_id).id is not None:
        return True  # that was compared, or comes from the login itself
    return spent.id_claims.get("sub") is None or renewed.id_claims.get("sub") is not None


def _is_somebody_else(spent: ChatGptCredential, renewed: ChatGptCredential) -> bool:
    access = decode_claims(renewed.access_token) or {}
    own = account_from_claims(spent.id_claims, spent.account_id).id
    accounts = [account_from_claims(claims, own).id for claims in (renewed.id_claims, access)]
    if own is not None and accounts != [own, own]:
        return True
    # Some issuers call a person by another `sub` in tokens that are for somebody else to read.
    subjects = _given(spent.id_claims.get("sub"))
    before = decode_claims(spent.access_token) or {}
    return _is_another(renewed.id_claims.get("sub"), subjects) or _is_another(
        access.get("sub"), subjects + _given(before.get("sub"))
    )


def _is_another(subject: Any, known: list[Any]) -> bool:
    return subject is not None and bool(known) and subject not in known


def _given(value: Any) -> list[Any]:
    return [] if value is None else [value]


def _names(claims: Claims, spent: ChatGptCredential) -> bool:
    """Say whether an id token, which is not another's, says that it is this person's."""
    by_account = account_from_claims(claims, None).id is not None and spent.account.id is not None
    return by_account or (claims.get("sub") is not None and spent.id_claims.get("sub") is not None)
