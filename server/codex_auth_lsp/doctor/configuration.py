"""Where the configuration comes from and what is wrong with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codex_auth_lsp.config.endpoints import REFRESH_VARIABLE, REVOKE_VARIABLE, resolve_overrides
from codex_auth_lsp.config.settings import SYSTEM_CONFIG, is_out_of_reach
from codex_auth_lsp.doctor.access import is_closed, opening
from codex_auth_lsp.doctor.check import UNKNOWN, Check, Health
from codex_auth_lsp.errors import Remediation

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene

_WHY = {
    "option": "--codex-home names it",
    "environment": "CODEX_HOME names it",
    "default": "the default",
}


async def checks(scene: Scene) -> list[Check]:
    """Return the folder, `config.toml`, the policies, the provider, the issuer and overrides."""
    return [_home(scene), _config(scene), _policy(scene), _provider(scene), _issuer(scene),
            _overrides(scene)]  # fmt: skip


def _home(scene: Scene) -> Check:
    home = scene.options.home
    problem = home.problem()
    if problem is not None:
        return Check("home", Health.ERROR, problem.message)
    if is_closed(home.path):
        text = f"The Codex folder {home.path} ({_WHY[home.chosen_by]}) is closed to this user."
        return Check("home", Health.ERROR, text, remediation=(opening(home.path),))
    exists = home.path.is_dir()
    state = "" if exists else " It does not exist yet; a first sign-in makes it."
    return Check(
        "home", Health.OK, f"The Codex folder is {home.path} ({_WHY[home.chosen_by]}).{state}"
    )


def _config(scene: Scene) -> Check:
    path = scene.options.home.path / "config.toml"
    error = scene.view.settings_error
    if error is not None:
        is_closed_file = is_closed(path.parent) or (path.exists() and not os.access(path, os.R_OK))
        correct = Remediation("Correct config.toml; until then no sign-in begins")
        advice = opening(path) if is_closed_file else correct
        return Check("configuration", Health.ERROR, error.message, remediation=(advice,))
    closed = [path for path in SYSTEM_CONFIG if is_out_of_reach(path)]
    if closed:
        text = f"{closed[0]} does not count: its folder may not be searched by this user."
        open_it = Remediation("Ask the administrator to let everybody read that folder")
        return Check("configuration", Health.WARNING, text, remediation=(open_it,))
    known = "can be used" if path.exists() else "does not exist, so the defaults count"
    return Check("configuration", Health.OK, f"{path} {known}.")


def _policy(scene: Scene) -> Check:
    if not scene.view.settings_known:
        return Check("policy", Health.SKIPPED, UNKNOWN.format(what="What restricts sign-ins"))
    settings = scene.view.settings
    rules = []
    if settings.forced_login_method is not None:
        rules.append(f'forced_login_method = "{settings.forced_login_method}"')
    if settings.forced_workspace_ids:
        rules.append(f"forced_chatgpt_workspace_id: {len(settings.forced_workspace_ids)} allowed")
    if settings.chatgpt_base_url is not None:
        rules.append(f"chatgpt_base_url = {settings.chatgpt_base_url}")
    if not rules:
        return Check("policy", Health.OK, "config.toml restricts no sign-in.")
    error = scene.status.get("lastError", {})
    if error.get("kind") in {"loginMethodNotAllowed", "wrongWorkspace"}:
        return Check("policy", Health.ERROR, error["message"], "\n".join(rules))
    return Check("policy", Health.OK, "config.toml restricts sign-ins.", "\n".join(rules))


def _provider(scene: Scene) -> Check:
    if not scene.view.settings_known:
        return Check("provider", Health.SKIPPED, UNKNOWN.format(what="The model provider"))
    provider = scene.status["provider"]
    problems = provider["problems"]
    if problems:
        is_nowhere = scene.status.get("lastError", {}).get("kind") == "providerUnknown"
        harmless = (provider["ready"] or provider["requiresOpenaiAuth"]) and not is_nowhere
        health = Health.WARNING if harmless else Health.ERROR
        name = Remediation("Name another `model_provider` in config.toml, or define that one")
        advice = (name,) if is_nowhere else ()
        return Check("provider", health, problems[0], "\n".join(problems[1:]) or None, advice)
    wants = "an OpenAI sign-in" if provider["requiresOpenaiAuth"] else "no OpenAI sign-in"
    return Check("provider", Health.OK, f"The model provider `{provider['id']}` wants {wants}.")


def _issuer(scene: Scene) -> Check:
    issuer = scene.options.issuer
    summary = f"People sign in at {issuer.issuer} as client {issuer.client_id}."
    return Check("issuer", Health.OK, summary)


def _overrides(scene: Scene) -> Check:
    environment = scene.options.environment
    overrides = resolve_overrides(environment)
    counted = {REFRESH_VARIABLE: overrides.refresh, REVOKE_VARIABLE: overrides.revoke}
    set_names = [name for name in counted if environment.get(name)]
    if not set_names:
        return Check("overrides", Health.OK, "No variable overrides an endpoint.")
    lines = [
        f"{name} is {'used' if counted[name] == environment[name] else 'ignored'}"
        for name in set_names
    ]
    summary = "Variables that override endpoints are set; they count for loopback addresses alone."
    return Check("overrides", Health.WARNING, summary, "\n".join(lines))
