"""The way to the person at a terminal: addresses and codes on stderr, the desktop's browser."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, TextIO

from codex_auth_lsp.desktop import open_browser, read_server_facts
from codex_auth_lsp.domain.login_method import whereabouts
from codex_auth_lsp.errors import AuthError
from codex_auth_lsp.terminal.browser_text import Waiting, browser_text
from codex_auth_lsp.terminal.qr_code import can_show_qr_codes, qr_code
from codex_auth_lsp.terminal.screen import remark
from codex_auth_lsp.wording import DEVICE_CODE_WARNING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.flows.base import OpenUrlPrompt, UserCodePrompt
    from codex_auth_lsp.secret import Secret
    from codex_auth_lsp.terminal.unseen import UnseenLines


class TerminalPrompts:
    """The `LoginPrompts` of a terminal.

    `submit` takes an address that was pasted, as `Logins.submit_callback` does.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        clock: Clock,
        typed_lines: UnseenLines,
        submit: Callable[[str, Secret], None],
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._typed_lines = typed_lines
        self._submit = submit

    async def open_url(self, prompt: OpenUrlPrompt) -> None:
        """Show the URL, and open it where the person is likely to sit in front of a browser.

        Takes the address of the browser's last page from who pastes it, for as long as it may.
        """
        url = prompt.url.reveal()
        server = read_server_facts(self._environment)
        end = _until(prompt.expires_at, self._clock.now())
        until = f"The sign-in waits until {end} and then gives up."
        with self._typed_lines.listening(partial(self._paste, prompt.attempt_id)) as can_paste:
            remark(browser_text(Waiting(url, prompt.callback_port, can_paste, until), server))
            if whereabouts(server) is None:
                await open_browser(url)
            if can_paste:
                await asyncio.Event().wait()  # until the sign-in waits no more, and cancels this

    def _paste(self, attempt_id: str, line: Secret) -> None:
        try:
            self._submit(attempt_id, line)
        except AuthError as error:
            remark(f"{error.message}\n")
        else:
            remark("That is the address; the sign-in goes on.\n")

    async def show_user_code(self, prompt: UserCodePrompt) -> None:
        """Show the page and the code, and the page as a QR code where the terminal can."""
        complete = prompt.verification_uri_complete
        until = _until(prompt.expires_at, self._clock.now())
        text = (
            "To sign in to Codex, open this page in a browser on any device:\n\n"
            f"  {prompt.verification_uri}\n\n"
            f"and enter this code there, until {until}:\n\n"
            f"  {prompt.user_code.reveal()}\n\n"
            f"{DEVICE_CODE_WARNING} Ctrl-C cancels.\n\n"
        )
        if can_show_qr_codes(sys.stderr, self._environment):
            address = prompt.verification_uri if complete is None else complete.reveal()
            text += qr_code(address, _columns(sys.stderr))
        remark(text)


def _until(moment: datetime, now: datetime) -> str:
    """Return a time of day by the clock of this machine, with its zone, and how long that is."""
    seconds = round((moment - now).total_seconds())
    left = f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
    local = moment.astimezone()
    zone = local.strftime("%z")
    shown = "UTC" if zone == "+0000" else f"UTC{zone[:3]}:{zone[3:]}"
    return f"{local:%H:%M} {shown} ({left})"


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0
