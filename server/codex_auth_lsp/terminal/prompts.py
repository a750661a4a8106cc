"""The way to the person at a terminal: the address on stderr, and the desktop's browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from codex_auth_lsp.desktop import is_local, open_browser

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.flows.base import OpenUrlPrompt


class TerminalPrompts:
    """The `LoginPrompts` of a terminal."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def open_url(self, prompt: OpenUrlPrompt) -> None:
        """Show the URL, and open it where the person is likely to sit in front of a browser."""
        url = prompt.url.reveal()
        sys.stderr.write(
            "Finish signing in to Codex in your browser. If it does not open by itself, open this "
            f"address on this computer:\n\n  {url}\n\nCtrl-C cancels.\n"
        )
        sys.stderr.flush()
        if is_local(self._environment):
            await open_browser(url)
