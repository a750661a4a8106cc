"""Renewed tokens that the store did not take, used in the place of the spent ones that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.stores.base import READABLE
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from codex_auth_lsp.errors import AuthError
    from codex_auth_lsp.stores.base import Snapshot


@frozen
class HeldTokens:
    """A rotation that is in memory alone; `error` says why, `mode` is the store's."""

    spent_fingerprint: str
    renewed: ChatGptCredential
    error: AuthError
    mode: str

    def are_in_force(self, snapshot: Snapshot) -> bool:
        """Say whether they count, as they do not where the stored login is another one or gone.

        Where nobody can look, as into a locked keyring, what was read last counts.
        """
        report = snapshot.report
        if report.health not in READABLE:
            return report.mode == self.mode
        stored = snapshot.credential
        return isinstance(stored, ChatGptCredential) and (
            tokens_fingerprint(stored) == self.spent_fingerprint
        )


def tokens_fingerprint(credential: ChatGptCredential) -> str:
    """Return what tells one set of tokens from another."""
    return (credential.refresh_token or credential.access_token).fingerprint()
