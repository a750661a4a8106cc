"""An API key: from a pipe, or typed or pasted at a terminal that does not show it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import ApiKeyInvalid, LoginTimedOut
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.terminal.screen import remark

if TYPE_CHECKING:
    from codex_auth_lsp.terminal.unseen import UnseenLines

ENTRY_SECONDS = 600.0
"""How long a person has to enter it, as for any sign-in."""

_MAXIMUM_INPUT = 64 * 1024
_QUESTION = "Paste the API key and press Enter; it is not shown. Ctrl-C cancels.\n"


def piped_key() -> Secret | None:
    """Return what stands on stdin, None where a person sits there.

    It waits for the pipe without an event loop, so that Ctrl-C ends it.

    Raises:
        ApiKeyInvalid: It is no text.
    """
    if sys.stdin.isatty():
        return None
    try:
        return Secret(sys.stdin.buffer.read(_MAXIMUM_INPUT).decode("utf-8"))
    except UnicodeDecodeError as exc:
        raise ApiKeyInvalid("The API key is no text; copy it again.") from exc


async def typed_key(lines: UnseenLines, typed: str) -> Secret:
    """Return what a person enters.

    Raises:
        ApiKeyInvalid: The terminal would show it.
        LoginTimedOut: Nobody has entered anything.
    """
    key: asyncio.Future[Secret] = asyncio.get_running_loop().create_future()

    def take(line: Secret) -> None:
        if not key.done():
            key.set_result(line)

    with lines.listening(take) as can_type:
        if not can_type:
            raise ApiKeyInvalid(
                "The API key is read from stdin, so that no history keeps it; for example: "
                f"printenv OPENAI_API_KEY | codex-auth-lsp{typed} login --with-api-key"
            )
        remark(_QUESTION)
        try:
            return await asyncio.wait_for(key, ENTRY_SECONDS)
        except TimeoutError:
            raise LoginTimedOut from None
