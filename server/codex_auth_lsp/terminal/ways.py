"""Which way of signing in a hint at a terminal advises, by the ranking of `auth/methods`.

An error names the browser where it says "sign in", since a language client chooses for itself what
that means on its machine. A person at a terminal types what stands there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.login_method import ClientFacts, LoginMethodId
from codex_auth_lsp.errors import (
    SIGN_IN,
    SIGN_IN_WITH_API_KEY,
    SIGN_IN_WITH_DEVICE_CODE,
    BrowserOpenFailed,
    CallbackPortUnavailable,
    DeviceCodeDisabled,
    LoginMethodNotAllowed,
    LoginMethodUnavailable,
    Remediation,
)
from codex_auth_lsp.terminal.next_step import ONLY_IN_AN_EDITOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from codex_auth_lsp.errors import AuthError
    from codex_auth_lsp.service.auth_service import AuthService

_COMMANDS = {
    LoginMethodId.BROWSER.value: SIGN_IN.command,
    LoginMethodId.DEVICE_CODE.value: SIGN_IN_WITH_DEVICE_CODE.command,
    LoginMethodId.API_KEY.value: SIGN_IN_WITH_API_KEY.command,
}
_THE_WAY_IS_CLOSED = (
    BrowserOpenFailed,
    CallbackPortUnavailable,
    DeviceCodeDisabled,
    LoginMethodNotAllowed,
    LoginMethodUnavailable,
)


def ways_here(service: AuthService) -> list[str]:
    """Return the id of each login method that can work at this terminal, the best first."""
    return [str(way["id"]) for way in service.methods(ClientFacts()) if way["available"]]


def ways_after(error: AuthError, tried: str | None, ways: Sequence[str]) -> list[str]:
    """Return the ways to try after one has failed, the best first.

    One that is closed is left out. A code, which works on every machine, is tried again by who
    chose it, where only the answer was not the one that was wanted.
    """
    if isinstance(error, _THE_WAY_IS_CLOSED):
        return [way for way in ways if way != tried]
    if tried == LoginMethodId.DEVICE_CODE:
        return sorted(ways, key=lambda way: way != tried)
    return list(ways)


def suit(remedies: Iterable[Remediation], ways: Sequence[str]) -> tuple[Remediation, ...]:
    """Return the advice, where "sign in" is the best of the ways, if there is one."""
    best = _COMMANDS[ways[0]] if ways else SIGN_IN.command
    return tuple(
        replace(remedy, command=best) if remedy.command == SIGN_IN.command else remedy
        for remedy in remedies
    )


def keeps_logins(service: AuthService) -> bool:
    """Say whether a sign-in here would outlast its command, as far as that is known."""
    view = service.view
    return not view.settings_known or view.settings.store_mode != "ephemeral"


def lasting(remedies: Iterable[Remediation]) -> tuple[Remediation, ...]:
    """Return the advice for where a sign-in at a terminal would end with its command."""
    told = (
        Remediation(f"{ONLY_IN_AN_EDITOR[0].upper()}{ONLY_IN_AN_EDITOR[1:]}")
        if remedy.command in _COMMANDS.values()
        else remedy
        for remedy in remedies
    )
    return tuple(dict.fromkeys(told))
