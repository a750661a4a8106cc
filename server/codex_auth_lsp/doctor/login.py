"""The login and the credentials of the environment, by name and never by value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.doctor.check import UNKNOWN, Check, Health
from codex_auth_lsp.domain.status import ACCESS_TOKEN_VARIABLE, API_KEY_VARIABLE, shadowed_line
from codex_auth_lsp.errors import SIGN_IN, SIGN_IN_AGAIN, SIGN_IN_WITH_API_KEY, Remediation
from codex_auth_lsp.service.methods import permitted
from codex_auth_lsp.stores.base import unreadable

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene

_STATES = {
    "signedIn": (Health.OK, "Somebody is signed in"),
    "notRequired": (Health.OK, "The active model provider needs no OpenAI sign-in"),
    "signedOut": (Health.WARNING, "Nobody is signed in"),
}
_UNREADABLE = "Who is signed in cannot be known until the stored login can be read."
_TOLD_BY_OTHERS = frozenset(
    {"configurationInvalid", "providerUnknown", "loginMethodNotAllowed", "wrongWorkspace"}
)
"""The kinds of `lastError` that the checks of the configuration are about."""
_OPENAI_KEY_VARIABLE = "OPENAI_API_KEY"


async def checks(scene: Scene) -> list[Check]:
    """Return the state of sign-in, its freshness, and what the environment adds."""
    return [_login(scene), _freshness(scene), _environment(scene)]


def _login(scene: Scene) -> Check:
    status = scene.status
    if status["state"] in {"signedOut", "unavailable"} and not scene.view.settings_known:
        return Check("login", Health.SKIPPED, UNKNOWN.format(what="Who is signed in"))
    if status["state"] == "unavailable":
        return Check("login", Health.SKIPPED, _UNREADABLE)
    if status["state"] == "needsReauth":
        return _dead_login(scene)
    health, text = _STATES[status["state"]]
    method = f" (method {status['method']})" if "method" in status else ""
    source = status.get("source", {})
    if status["state"] == "signedIn" and source.get("kind") == "environment":
        text = f"A token in {source['name']}, which was not checked, signs in"
    shadowed = [f"also there: {shadowed_line(entry)}" for entry in status["shadowed"]]
    is_wanted = status["state"] == "signedOut" and status["store"]["health"] != "readOnly"
    ways = (SIGN_IN, SIGN_IN_WITH_API_KEY) if is_wanted else ()
    advice = permitted(ways, scene.view.settings)[:1]
    return Check("login", health, f"{text}{method}.", "\n".join(shadowed) or None, advice)


def _dead_login(scene: Scene) -> Check:
    error = scene.status.get("lastError", {})
    is_told = error.get("kind") in {None, *_TOLD_BY_OTHERS}
    text = "The stored login has ended; sign in again." if is_told else error["message"]
    detail = None if is_told else f"kind {error['kind']}"
    advice = permitted((SIGN_IN_AGAIN, SIGN_IN_WITH_API_KEY), scene.view.settings)[:1]
    return Check("login", Health.ERROR, text, detail, advice)


def _freshness(scene: Scene) -> Check:
    status = scene.status
    if status["state"] == "needsReauth":
        return Check("freshness", Health.SKIPPED, "A login that has ended has no valid token.")
    error = status.get("lastError")
    ends = f" It ends {status['expiresAt']}." if "expiresAt" in status else ""
    if error is not None and not _is_told_elsewhere(error, scene):
        health = Health.WARNING if error["retryable"] else Health.ERROR
        return Check("freshness", health, error["message"], f"kind {error['kind']}.{ends}")
    if status["freshness"] == "stale":
        ended = f" It ended {status['expiresAt']}." if "expiresAt" in status else ""
        text = f"The access token has ended and was not renewed yet.{ended}"
        return Check("freshness", Health.WARNING, text)
    if status["freshness"] == "fresh":
        return Check("freshness", Health.OK, f"The access token is valid.{ends}")
    return Check("freshness", Health.SKIPPED, "There is no token that says when it ends.")


def _is_told_elsewhere(error: dict[str, Any], scene: Scene) -> bool:
    """Say whether another check is about an error, so that it is no second one here."""
    of_the_store = unreadable(scene.view.snapshot.report)
    own = {*_TOLD_BY_OTHERS, *(() if of_the_store is None else (of_the_store.kind,))}
    return error["kind"] in own


def _environment(scene: Scene) -> Check:
    environment = scene.options.environment
    names = (ACCESS_TOKEN_VARIABLE, API_KEY_VARIABLE, _OPENAI_KEY_VARIABLE)
    present = [name for name in names if environment.get(name, "").strip()]
    used = scene.status.get("source", {})
    in_use = used.get("name") if used.get("kind") == "environment" else None
    if not present and in_use is None:
        return Check("environmentCredentials", Health.OK, "The environment holds no credential.")
    lines = [
        f"{name}: {_role(name, in_use)}"
        for name in dict.fromkeys((*present, *filter(None, [in_use])))
    ]
    overriding = [name for name in (ACCESS_TOKEN_VARIABLE, API_KEY_VARIABLE) if name in present]
    if not overriding:
        summary = "A key in the environment is there and overrides no login."
        return Check("environmentCredentials", Health.OK, summary, "\n".join(lines))
    summary = f"{' and '.join(overriding)} in the environment may take the place of the login."
    advice = Remediation(f"Unset {' and '.join(overriding)} to use the stored login everywhere")
    return Check("environmentCredentials", Health.WARNING, summary, "\n".join(lines), (advice,))


def _role(name: str, in_use: str | None) -> str:
    if name == in_use:
        return "in use, and not checked" if name == ACCESS_TOKEN_VARIABLE else "in use"
    if name == API_KEY_VARIABLE:
        return "used by `codex exec` alone, at API rates"
    if name == ACCESS_TOKEN_VARIABLE:
        return "not in use"
    return "counts only where a provider's `env_key` names it"
