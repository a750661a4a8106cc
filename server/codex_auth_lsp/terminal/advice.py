"""What to type next, for a person at a terminal: pure, from an error's remedies to words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from codex_auth_lsp.errors import AuthError, Remediation

_COMMAND_LINES = {
    "codexAuth.signIn": ("codex-auth-lsp login", "signs in with the browser"),
    "codexAuth.signInWithDeviceCode": (
        "codex-auth-lsp login --device-auth",
        "signs in with a code",
    ),
    "codexAuth.signInWithApiKey": ("codex-auth-lsp login --with-api-key", "reads an API key"),
}


def error_line(error: AuthError) -> str:
    """Return an error's sentence, with the first command that helps unless it names one itself."""
    for remedy in error.remediation:
        command, effect = _COMMAND_LINES.get(remedy.command or "", ("", ""))
        if command and "codex-auth-lsp " not in error.message:
            return printable(f"{error.message} `{command}` {effect}.")
    return printable(error.message)


def advice_lines(remedies: Iterable[Remediation]) -> list[str]:
    """Return a line for each remedy, with what to type where that is a command of ours."""
    lines = []
    for remedy in remedies:
        command, _ = _COMMAND_LINES.get(remedy.command or "", ("", ""))
        lines.append(f"{remedy.title}: `{command}`" if command else remedy.title)
    return lines
