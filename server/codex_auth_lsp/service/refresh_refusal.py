"""What a permanent refusal of a refresh token comes to: another program may have renewed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.errors import RefreshTokenExpired, RefreshTokenRevoked
from codex_auth_lsp.service.refresh_rules import Refusal, judge_refusal
from codex_auth_lsp.stores.base import unreadable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.errors import NeedsReauth, StoreError
    from codex_auth_lsp.service.refresh_record import RefreshRecord
    from codex_auth_lsp.stores.base import CredentialStore

_WINNER_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.5)  # a Codex CLI writes within milliseconds


async def settle_refusal(
    store: CredentialStore,
    spent: ChatGptCredential,
    error: NeedsReauth,
    look: Callable[[], Awaitable[None]],
    clock: Clock,
) -> Refusal:
    """Return what it means, after who may have renewed the login had time to store it.

    Args:
        store: Where the spent token was read.
        spent: What was refused.
        error: The refusal.
        look: Lets the window see what is stored now.
        clock: Time.

    Raises:
        StoreError: What is stored cannot be read, and so nobody can tell.
    """
    hopeless = isinstance(error, RefreshTokenExpired | RefreshTokenRevoked)
    trouble: StoreError | None = None
    for delay in (0.0,) if hopeless else _WINNER_DELAYS:
        await look()
        await store.sync()
        found = store.read()
        trouble = unreadable(found.report)
        if trouble is None:
            meaning = judge_refusal(spent, found.credential)
            if meaning is not Refusal.DEAD:
                return meaning
        await clock.sleep(delay)
    if trouble is not None:
        raise trouble
    return Refusal.DEAD


def explained(error: NeedsReauth, before: RefreshRecord | None, fingerprint: str) -> NeedsReauth:
    """Return the refusal, with what led to it where a renewal broke off before."""
    if before is None or not before.is_interrupted(fingerprint):
        return error
    return type(error)(
        f"A renewal of this sign-in was interrupted at {before.sent_at:%H:%M} UTC, and the "
        "issuer does not accept it any more; sign in again.",
        oauth_error=error.oauth_error,
    )
