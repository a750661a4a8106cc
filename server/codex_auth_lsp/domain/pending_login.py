"""A login attempt that waits for a person, as a status shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.timestamps import format_rfc3339

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class PendingLogin:
    """The contract's `pendingLogin` object; times are aware UTC."""

    attempt_id: str
    method: str
    started_at: datetime
    expires_at: datetime

    def to_wire(self) -> dict[str, str]:
        """Return the contract's `pendingLogin` object."""
        return {
            "attemptId": self.attempt_id,
            "method": self.method,
            "startedAt": format_rfc3339(self.started_at),
            "expiresAt": format_rfc3339(self.expires_at),
        }
