"""A sign-in that a client has begun, as the scripted server knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from codex_auth_lsp.conformance.conversation import Event


@dataclass(frozen=True)
class Attempt:
    """Begun by a request or by a command, which is answered."""

    attempt_id: str
    method: str
    request: int | str | None
    token: int | str | None

    def is_meant_by(self, cancellation: Event) -> bool:
        """Return whether this event, in whichever of the ways, cancels this attempt."""
        match cancellation.method:
            case "$/cancelRequest":
                id_ = cancellation.params.get("id")
                return self.request is not None and id_ == self.request
            case "window/workDoneProgress/cancel":
                token = cancellation.params.get("token")
                return self.token is not None and token == self.token
            case methods.CANCEL_LOGIN:
                return cancellation.params.get("attemptId") in {None, self.attempt_id}
        return cancellation.method == methods.COMMAND_CANCEL
