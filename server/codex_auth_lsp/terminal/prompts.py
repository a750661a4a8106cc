"""The way to the person at a terminal: addresses and codes on stderr, the desktop's browser."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from codex_auth_lsp.desktop import is_local, open_browser
from codex_auth_lsp.terminal.advice import command_line
from codex_auth_lsp.terminal.qr_code import can_show_qr_codes, qr_code
from codex_auth_lsp.terminal.screen import remark
from codex_auth_lsp.wording import DEVICE_CODE_WARNING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.flows.base import OpenUrlPrompt, UserCodePrompt

_CANCEL = "Ctrl-C cancels.\n"


class TerminalPrompts:
    """The `LoginPrompts` of a terminal."""

    def __init__(self, environment: Mapping[str, str], clock: Clock, typed: str = "") -> None:
        self._environment = environment
        self._clock = clock
        self._typed = typed

    async def open_url(self, prompt: OpenUrlPrompt) -> None:
        """Show the URL, and open it where the person is likely to sit in front of a browser."""
        url = prompt.url.reveal()
        near = is_local(self._environment)
        remark(
            "Finish signing in to Codex in your browser. If it does not open by itself, open this "
            f"address on this computer:\n\n  {url}\n\n"
            f"The sign-in waits until {_until(prompt.expires_at, self._clock.now())}. "
            + (_CANCEL if near else self._far_browser())
        )
        if near:
            await open_browser(url)

    async def show_user_code(self, prompt: UserCodePrompt) -> None:
        """Show the page and the code, and the page as a QR code where the terminal can."""
        complete = prompt.verification_uri_complete
        until = _until(prompt.expires_at, self._clock.now())
        text = (
            "To sign in to Codex, open this page in a browser on any device:\n\n"
            f"  {prompt.verification_uri}\n\n"
            f"and enter this code there, until {until}:\n\n"
            f"  {prompt.user_code.reveal()}\n\n"
            f"{DEVICE_CODE_WARNING}\n\n"
        )
        if can_show_qr_codes(sys.stderr, self._environment):
            address = prompt.verification_uri if complete is None else complete.reveal()
            text += qr_code(address, _columns(sys.stderr))
        remark(text)

    def _far_browser(self) -> str:
        code = command_line("login --device-auth", self._typed)
        return (
            "Where the browser is on another computer, end this with Ctrl-C and sign in with a "
            f"code: {code}\n\n"
        )


def _until(moment: datetime, now: datetime) -> str:
    """Return a moment as the clock here shows it, with its zone, and how long that is."""
    minutes = max(1, round((moment - now).total_seconds() / 60))
    local = moment.astimezone()
    zone = local.strftime("%z")
    shown = f"{local:%H:%M} UTC{'' if zone == '+0000' else f'{zone[:3]}:{zone[3:]}'}"
    return f"{shown} ({minutes} minute{'' if minutes == 1 else 's'})"


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0
