"""What a sign-in has to say beside its prompts, on stderr: why it waits, and what it found."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from codex_auth_lsp.flows.base import LoginPhase
from codex_auth_lsp.flows.chatgpt import MEETING_SECONDS
from codex_auth_lsp.service.events import Event, LoginClosing, LoginProgressed
from codex_auth_lsp.terminal.screen import remark

if TYPE_CHECKING:
    from codex_auth_lsp.domain.issuer import IssuerSettings

PATIENCE_SECONDS = 2.0
"""How long nothing may happen before a person is told what is waited for."""


class Remarks:
    """Shows them; a phase that is told again was reached before, so its message is news."""

    def __init__(self, issuer: IssuerSettings) -> None:
        self._issuer = issuer.issuer
        self._phase: LoginPhase | None = None
        self._patience: asyncio.TimerHandle | None = None

    def on_event(self, event: Event) -> None:
        """Write what is news."""
        if not isinstance(event, LoginProgressed | LoginClosing):
            return
        if self._patience is not None:
            self._patience.cancel()
        if isinstance(event, LoginClosing):
            return
        if event.phase is self._phase:
            _say(event.message)
        elif event.phase is LoginPhase.STARTING:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(PATIENCE_SECONDS, self._say_who_is_waited_for)
        self._phase = event.phase

    def _say_who_is_waited_for(self) -> None:
        _say(f"Waiting for an answer, from {self._issuer} for {MEETING_SECONDS:.0f} s at the most.")


def _say(text: str) -> None:
    remark(f"Note: {text}\n")
