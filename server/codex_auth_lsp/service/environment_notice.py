"""What a person should hear of credentials in the environment: pure, from a status to a notice.

As the Codex CLI 0.169.0 has it: `CODEX_ACCESS_TOKEN` wins over what is stored, `CODEX_API_KEY` does
so for `codex exec` alone, and `OPENAI_API_KEY` counts only where a provider's `env_key` names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.notice import Notice
from codex_auth_lsp.domain.status import API_KEY_VARIABLE
from codex_auth_lsp.errors import Remediation

if TYPE_CHECKING:
    from codex_auth_lsp.domain.status import AuthStatus

CODE = "environmentKeyOverridesLogin"

_COSTS = {
    "subscription": "its use is part of a ChatGPT plan",
    "provider": "its use is billed by the model provider",
}


def environment_notices(status: AuthStatus) -> tuple[Notice, ...]:
    """Return the notice about the environment's credential that decides, none where none does."""
    has_login = any(entry["source"]["kind"] != "environment" for entry in status.shadowed)
    source = status.source
    if source is not None and source.kind == "environment" and source.name is not None:
        cost = _COSTS.get(status.billing, "its use is billed at API rates")
        if not has_login:
            text = f"{source.name} in the environment is in use, also while nobody is signed in"
            return (_notice("alone", "info", f"{text}; {cost}.", source.name),)
        text = f"{source.name} in the environment is used in the place of the stored login"
        if status.billing == "provider":
            advice = Remediation("Choose another model_provider in config.toml to use the login")
            return (Notice(CODE, "overrides", "warning", f"{text}; {cost}.", (advice,)),)
        return (_notice("overrides", "warning", f"{text}; {cost}.", source.name),)
    shadowed = {entry["source"].get("name") for entry in status.shadowed}
    if API_KEY_VARIABLE in shadowed and (has_login or source is not None):
        text = (
            f"{API_KEY_VARIABLE} is set in the environment: `codex exec` uses it in the place of "
            "the stored login and is billed at API rates; this editor uses the stored login."
        )
        return (_notice("exec", "warning", text, API_KEY_VARIABLE),)
    return ()


def _notice(cause: str, severity: str, message: str, variable: str) -> Notice:
    advice = Remediation(f"Unset {variable} and restart the editor to use the stored login")
    return Notice(CODE, cause, severity, message, (advice,))
