"""What an issuer's answer to a refresh brings (RFC 6749 section 6, OpenID Connect Core 12.2).

Invariant: a new refresh token that has come is never dropped, whatever else the answer holds and
whatever goes wrong while it is read, since the one that was sent is spent. So

- an id token that cannot be read is left aside, and the one that there was stays;
- of an answer that names somebody else, or that cannot be used otherwise, nothing is taken but the
  refresh token: its access token is given to nobody.

Each time the trouble is told. (The Codex CLI drops the whole answer for a bad id token, and takes
another account's tokens for the login's own.)
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.errors import AuthError, IssuerResponseInvalid
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.oauth.token import judge_refresh, rotated_token

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.oauth.http import Reply

_DEFECT = "The issuer's answer could not be read; the log has the details."

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A login after a refresh.

    `trouble` is what was wrong with the answer; `is_usable` whether it brought an access token all
    the same.
    """

    login: ChatGptCredential
    trouble: IssuerResponseInvalid | None = None
    is_usable: bool = True


def take_answer(reply: Reply, spent: ChatGptCredential, now: datetime) -> Renewal:
    """Return what is to be stored in the place of the spent tokens.

    Raises:
        RefreshTokenExpired, RefreshTokenReused, RefreshTokenRevoked, NeedsReauth: For good.
        IssuerUnavailable, RateLimited, IssuerResponseInvalid: There is nothing to be kept.
    """
    rotated = rotated_token(reply)
    try:
        return _renewal(reply, spent, now)
    except IssuerResponseInvalid as error:
        trouble = error
    except AuthError:
        raise
    except Exception as exc:  # noqa: BLE001 - whatever it is, this is the only refresh token
        trouble = IssuerResponseInvalid(_DEFECT)
        trouble.correlation_id = log_defect(logger, exc)
    if rotated in {None, spent.refresh_token}:
        raise trouble
    return Renewal(replace(spent, refresh_token=rotated), trouble, is_usable=False)


def _renewal(reply: Reply, spent: ChatGptCredential, now: datetime) -> Renewal:
    tokens = judge_refresh(reply)
    renewed = replace(
        spent,
        id_token=tokens.id_token or spent.id_token,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token or spent.refresh_token,
        last_refresh=now,
    )
    if _is_somebody_else(spent, renewed):
        raise IssuerResponseInvalid("The issuer answered with the login of another account.")
    return Renewal(renewed, tokens.trouble)


def _is_somebody_else(spent: ChatGptCredential, renewed: ChatGptCredential) -> bool:
    account = account_from_claims(spent.id_claims, spent.account_id).id
    if account is not None and account_from_claims(renewed.id_claims, account).id != account:
        return True
    before, after = spent.id_claims.get("sub"), renewed.id_claims.get("sub")
    return before is not None and after is not None and before != after
