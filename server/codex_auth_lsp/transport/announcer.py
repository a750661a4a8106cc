"""From the service's events to notifications, for a client that understands them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.flows.base import LoginPhase
from codex_auth_lsp.service.events import (
    Event,
    LoginClosing,
    LoginEnded,
    LoginProgressed,
    NoticeGiven,
    StatusChanged,
)
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.domain.notice import Notice
    from codex_auth_lsp.transport.client import ClientCapabilities
    from codex_auth_lsp.transport.progress import WorkDoneProgress

_MESSAGE_TYPES = {"error": 1, "warning": 2, "info": 3}
"""LSP's `MessageType` by a notice's severity."""


class Announcer:
    """Sends every event on, in its order."""

    def __init__(
        self,
        client: ClientCapabilities,
        notify: Callable[[str, Any], None],
        progress: WorkDoneProgress,
    ) -> None:
        self._client = client
        self._send = notify
        self._progress = progress

    def on_event(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, StatusChanged):
            self._notify(
                methods.STATUS_CHANGED,
                {
                    "status": event.status,
                    "cause": event.cause,
                    "origin": event.origin,
                    "accountChanged": event.account_changed,
                },
            )
        elif isinstance(event, LoginProgressed):
            cancellable = event.phase is not LoginPhase.STORING
            self._progress.report(event.attempt_id, event.message, cancellable=cancellable)
            params = {"attemptId": event.attempt_id, "phase": event.phase, "message": event.message}
            self._notify(methods.LOGIN_PROGRESS, params)
        elif isinstance(event, LoginClosing):
            self._progress.end_attempt(event.attempt_id)
        elif isinstance(event, NoticeGiven):
            self._give(event.notice)
        else:
            self._notify(methods.LOGIN_COMPLETED, _completed(event))

    def _give(self, notice: Notice) -> None:
        """Give a notice; a client without code for it shows it as it shows any message."""
        if self._client.speaks_auth:
            self._send(methods.NOTICE, notice.to_wire())
        else:
            params = {"type": _MESSAGE_TYPES[notice.severity], "message": notice.message}
            self._send("window/showMessage", params)

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        if self._client.speaks_auth:
            self._send(method, params)


def _completed(event: LoginEnded) -> dict[str, Any]:
    params: dict[str, Any] = {"attemptId": event.attempt_id, "outcome": event.outcome}
    return params if event.error is None else params | {"error": event.error.to_wire()}
