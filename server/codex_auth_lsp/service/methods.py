"""The ways to sign in, best first, as the contract's `LoginMethod` list: pure functions."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.login_method import (
    ClientFacts,
    LoginMethodId,
    RankedMethod,
    ServerFacts,
    policy_refusal,
    rank_methods,
)
from codex_auth_lsp.flows.registry import METHOD_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.errors import AuthError, Remediation

_METHODS_OF_COMMANDS = {
    "codexAuth.signIn": LoginMethodId.BROWSER,
    "codexAuth.signInWithDeviceCode": LoginMethodId.DEVICE_CODE,
    "codexAuth.signInWithApiKey": LoginMethodId.API_KEY,
}


def method_refusal(method: LoginMethodId, settings: Settings) -> RankedMethod | None:
    """Return the method with the reason why policy forbids it, None where it does not."""
    return policy_refusal(method, settings.forced_login_method)


def allowed_method_ids(settings: Settings) -> list[str]:
    """Return the ids of the methods that policy does not forbid."""
    return [method.value for method in LoginMethodId if method_refusal(method, settings) is None]


def permitted(remedies: Iterable[Remediation], settings: Settings) -> tuple[Remediation, ...]:
    """Return advice without the ways of signing in that policy forbids."""
    forbidden = {
        command
        for command, method in _METHODS_OF_COMMANDS.items()
        if method_refusal(method, settings) is not None
    }
    return tuple(remedy for remedy in remedies if remedy.command not in forbidden)


def drop_forbidden_remedies(error: AuthError, settings: Settings) -> None:
    """Take out of an error's advice the ways of signing in that policy forbids."""
    error.remediation = permitted(error.remediation, settings)


def login_methods(
    settings: Settings,
    client: ClientFacts = ClientFacts(),  # noqa: B008 - a frozen value
    server: ServerFacts = ServerFacts(),  # noqa: B008 - the same
    trouble: AuthError | None = None,
    not_offered: Mapping[LoginMethodId, str] = MappingProxyType({}),
) -> list[dict[str, Any]]:
    """Return the contract's `LoginMethod` list; the first that is available is recommended.

    With `trouble`, which is a configuration that cannot be used, none is available.
    """
    ranked = rank_methods(settings.forced_login_method, client, server, not_offered)
    if trouble is not None:
        ranked = tuple(RankedMethod(method.id, trouble.message) for method in ranked)
    usable = [method for method in ranked if method.unavailable_reason is None]
    return [_to_wire(method, recommended=method in usable[:1]) for method in ranked]


def _to_wire(method: RankedMethod, *, recommended: bool) -> dict[str, Any]:
    text = METHOD_TEXTS[method.id]
    reason = method.unavailable_reason
    return {
        "id": method.id.value,
        "title": text.title,
        "description": " ".join(filter(None, (text.description, method.hint))),
        "available": reason is None,
        **({} if reason is None else {"unavailableReason": reason}),
        "recommended": recommended,
    }
