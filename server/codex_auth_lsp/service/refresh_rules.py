"""The decisions of a refresh, pure: what a process may do with what it sees in the store.

Five invariants rest on them, whatever other programs do at the same time:

1. of our processes, one at a time spends a refresh token, and none that is already spent, but for
   one retry after a crash whose outcome nobody knows;
2. a rotation is written only over the very token that was spent for it;
3. a login that somebody ended meanwhile does not come back;
4. whatever is written is a whole login;
5. nobody is told to sign in again while tokens that nobody refused are stored.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, TypeGuard

from codex_auth_lsp.domain.credential import ChatGptCredential, is_same_login

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import Credential


class Turn(Enum):
    """What to do once our own lock is held."""

    SPEND = auto()  # the token that was seen is still the stored one
    ADOPT = auto()  # somebody has renewed it: theirs counts
    LEAVE = auto()  # the login is gone or another one


class Success(Enum):
    """What to do with tokens that the issuer has just given."""

    WRITE = auto()
    ADOPT = auto()  # another program has renewed the same login: theirs stay
    REVOKE = auto()  # the login they belong to is gone, so nobody may keep them


class Refusal(Enum):
    """What a permanent refusal of a token means."""

    ADOPT = auto()  # somebody else had renewed it: nothing is wrong
    LEAVE = auto()  # the login is gone or another one
    DEAD = auto()  # the refused token is still the stored one


def judge_turn(seen: ChatGptCredential, stored: Credential | None) -> Turn:
    """Return what may be done now, after the store was read under our own lock."""
    # Some issuers keep the refresh token: then the access token alone shows a renewal.
    if holds(stored, seen) and stored.access_token == seen.access_token:
        return Turn.SPEND
    return Turn.ADOPT if is_same_login(stored, seen) else Turn.LEAVE


def judge_success(spent: ChatGptCredential, stored: Credential | None) -> Success:
    """Return what becomes of a rotation, after the store was read under Codex's locks."""
    if holds(stored, spent):
        return Success.WRITE
    return Success.ADOPT if is_same_login(stored, spent) else Success.REVOKE


def judge_refusal(spent: ChatGptCredential, stored: Credential | None) -> Refusal:
    """Return what a refusal means, after other programs had time to write what they got."""
    if holds(stored, spent):
        return Refusal.DEAD
    return Refusal.ADOPT if is_same_login(stored, spent) else Refusal.LEAVE


def holds(stored: Credential | None, credential: ChatGptCredential) -> TypeGuard[ChatGptCredential]:
    """Say whether the store holds this very refresh token."""
    return (
        isinstance(stored, ChatGptCredential) and stored.refresh_token == credential.refresh_token
    )
