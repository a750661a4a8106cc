"""The ways to sign in, best first, as policy and this version allow them: pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.flows.registry import METHOD_TEXTS, LoginMethodId

if TYPE_CHECKING:
    from codex_auth_lsp.config.settings import Settings

_FORCED_KINDS = {
    LoginMethodId.BROWSER: "chatgpt",
    LoginMethodId.DEVICE_CODE: "chatgpt",
    LoginMethodId.API_KEY: "api",
}


@dataclass(frozen=True, slots=True)
class MethodRefusal:
    """Why a login method cannot be used; `by_policy` where somebody has forbidden it."""

    reason: str
    by_policy: bool = False


def method_refusal(method: LoginMethodId, settings: Settings) -> MethodRefusal | None:
    """Return why `method` cannot be used here, None where it can."""
    forced = settings.forced_login_method
    if forced is not None and forced != _FORCED_KINDS[method]:
        return MethodRefusal(
            f'`forced_login_method = "{forced}"` in config.toml does not allow this way of '
            "signing in.",
            by_policy=True,
        )
    return None


def login_methods(settings: Settings) -> list[dict[str, Any]]:
    """Return the contract's `LoginMethod` list; the first that is available is recommended."""
    refusals = {method: method_refusal(method, settings) for method in LoginMethodId}
    usable = [method for method in LoginMethodId if refusals[method] is None]
    ranked = [*usable, *(method for method in LoginMethodId if method not in usable)]
    return [
        {
            "id": method.value,
            "title": METHOD_TEXTS[method].title,
            "description": METHOD_TEXTS[method].description,
            "available": refusal is None,
            **({} if refusal is None else {"unavailableReason": refusal.reason}),
            "recommended": method in usable[:1],
        }
        for method in ranked
        for refusal in (refusals[method],)
    ]
