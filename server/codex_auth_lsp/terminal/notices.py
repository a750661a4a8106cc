"""Notices for a person at a terminal: a sentence on stderr, below it what can be done."""

from __future__ import annotations

from codex_auth_lsp.service.events import Event, NoticeGiven
from codex_auth_lsp.terminal.advice import advice_lines
from codex_auth_lsp.terminal.screen import remark


def show_notice(event: Event) -> None:
    """Write a notice; every other event shows itself in what the command says."""
    if not isinstance(event, NoticeGiven):
        return
    advice = "".join(f"  {line}\n" for line in advice_lines(event.notice.actions))
    remark(f"Note: {event.notice.message}\n{advice}")
