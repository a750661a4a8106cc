"""What to type next, for a person at a terminal: pure, from an error's remedies to words.

`typed` are the options that the person gave and that the next command needs as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_auth_lsp.errors import AuthError, Remediation

_COMMANDS = {
    "codexAuth.signIn": ("login", "signs in with the browser"),
    "codexAuth.signInWithDeviceCode": ("login --device-auth", "signs in with a code"),
    "codexAuth.signInWithApiKey": ("login --with-api-key", "reads an API key"),
}


def command_line(command: str, typed: str) -> str:
    """Return a command of this program as it is typed."""
    return f"`codex-auth-lsp{typed} {command}`"


def error_line(error: AuthError, typed: str = "") -> str:
    """Return an error's sentence, with the first command that helps unless it names one itself."""
    for remedy in error.remediation:
        command, effect = _COMMANDS.get(remedy.command or "", ("", ""))
        if command and "codex-auth-lsp " not in error.message:
            return printable(f"{error.message} {command_line(command, typed)} {effect}.")
    return printable(error.message)


def advice_lines(remedies: Iterable[Remediation], typed: str = "") -> list[str]:
    """Return a line for each remedy, with what to type where that is a command of ours.

    What only an editor can do is left out.
    """
    lines = []
    for remedy in remedies:
        if remedy.command is None:
            lines.append(remedy.title)
        elif remedy.command in _COMMANDS:
            lines.append(f"{remedy.title}: {command_line(_COMMANDS[remedy.command][0], typed)}")
    return lines
