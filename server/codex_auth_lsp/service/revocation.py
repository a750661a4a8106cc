"""Telling the issuer that a login is no longer wanted (RFC 7009), best effort.

Nothing waits for it but whoever wants to say how it went; a login's tokens go only to the issuer
and client that are recorded with it, or to an override on this machine.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.issuer import url_problem
from codex_auth_lsp.errors import IssuerError
from codex_auth_lsp.service import issuer_talk

if TYPE_CHECKING:
    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.endpoints import EndpointOverrides
    from codex_auth_lsp.domain.credential import ChatGptCredential

REVOCATION_SECONDS = 10.0
"""How long an issuer may take in all, as in the Codex CLI."""


class Revoker:
    """Revokes logins, at once or in the background."""

    def __init__(self, overrides: EndpointOverrides, clock: Clock) -> None:
        self._overrides = overrides
        self._clock = clock
        self._background: set[asyncio.Task[bool]] = set()

    async def revoke(self, credential: ChatGptCredential) -> bool:
        """Return whether the issuer said that the login is revoked."""
        override = self._overrides.revoke
        if override is None and url_problem(credential.provenance.issuer) is not None:
            return False
        try:
            reply = await issuer_talk.revoke(credential, self._clock, override, REVOCATION_SECONDS)
        except IssuerError:
            return False
        return reply.status == 200

    def revoke_later(self, credential: ChatGptCredential) -> None:
        """Revoke in the background; `close` waits for it."""
        task = asyncio.ensure_future(self.revoke(credential))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def close(self, seconds: float) -> None:
        """Wait for what is under way, and no longer than `seconds`."""
        if self._background:
            await asyncio.wait(self._background, timeout=seconds)
