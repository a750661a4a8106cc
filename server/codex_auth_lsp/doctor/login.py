"""The login and the credentials of the environment, by name and never by value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.doctor.check import UNKNOWN, Check, Health
from codex_auth_lsp.domain.status import ACCESS_TOKEN_VARIABLE, API_KEY_VARIABLE
from codex_auth_lsp.errors import SIGN_IN, SIGN_IN_AGAIN, Remediation

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene

_STATES = {
    "signedIn": (Health.OK, "Somebody is signed in"),
    "notRequired": (Health.OK, "The active model provider needs no OpenAI sign-in"),
    "signedOut": (Health.WARNING, "Nobody is signed in"),
    "needsReauth": (Health.ERROR, "The stored login is dead; sign in again"),
    "unavailable": (Health.ERROR, "The stored login cannot be read"),
}
_OPENAI_KEY_VARIABLE = "OPENAI_API_KEY"


async def checks(scene: Scene) -> list[Check]:
    """Return the state of sign-in, its freshness, and what the environment adds."""
    return [_login(scene), _freshness(scene), _environment(scene)]


def _login(scene: Scene) -> Check:
    status = scene.status
    if status["state"] == "signedOut" and not scene.view.settings_known:
        return Check("login", Health.SKIPPED, UNKNOWN.format(what="Who is signed in"))
    health, text = _STATES[status["state"]]
    method = f" (method {status['method']})" if "method" in status else ""
    shadowed = [
        f"not in use: {entry['source'].get('name', entry['source']['kind'])}: {entry['reason']}"
        for entry in status["shadowed"]
    ]
    advice = {"signedOut": (SIGN_IN,), "needsReauth": (SIGN_IN_AGAIN,)}.get(status["state"], ())
    return Check("login", health, f"{text}{method}.", "\n".join(shadowed) or None, advice)


def _freshness(scene: Scene) -> Check:
    status = scene.status
    error = status.get("lastError")
    ends = f" It ends {status['expiresAt']}." if "expiresAt" in status else ""
    if error is not None:
        health = Health.WARNING if error["retryable"] else Health.ERROR
        return Check("freshness", health, error["message"], f"kind {error['kind']}.{ends}")
    if status["freshness"] == "stale":
        text = f"The access token has ended and was not renewed yet.{ends}"
        return Check("freshness", Health.WARNING, text)
    if status["freshness"] == "fresh":
        return Check("freshness", Health.OK, f"The access token is valid.{ends}")
    return Check("freshness", Health.SKIPPED, "There is no token that says when it ends.")


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
        return "in use"
    if name == API_KEY_VARIABLE:
        return "used by `codex exec` alone, at API rates"
    if name == ACCESS_TOKEN_VARIABLE:
        return "not in use"
    return "counts only where a provider's `env_key` names it"
