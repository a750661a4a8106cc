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
    "accessToken": (
        "its use is part of a ChatGPT plan; the token was not checked, so whose plan that is shows "
        "only when it is used"
    ),
    "environmentKey": "its use is billed by the model provider",
}


def environment_notices(status: AuthStatus, *, in_shell: bool) -> tuple[Notice, ...]:
    """Return the notice about the environment's credential that decides, none where none does.

    Args:
        status: The status.
        in_shell: Whether a person at a shell reads it, who sets variables there.
    """
    has_login = any(entry["source"]["kind"] != "environment" for entry in status.shadowed)
    source = status.source
    if source is not None and source.kind == "environment" and source.name is not None:
        cost = _COSTS[str(status.method)]
        aim = "use the stored login" if has_login else "sign in with OpenAI instead"
        advice = (
            Remediation(f"Choose another model_provider in config.toml to {aim}")
            if status.billing == "provider"
            else _unset(source.name, aim, in_shell=in_shell)
        )
        if not has_login:
            text = f"{source.name} in the environment is in use, also while nobody is signed in"
            return (Notice(CODE, "alone", "info", f"{text}; {cost}.", (advice,)),)
        text = f"{source.name} in the environment is used in the place of the stored login"
        return (Notice(CODE, "overrides", "warning", f"{text}; {cost}.", (advice,)),)
    shadowed = {entry["source"].get("name") for entry in status.shadowed}
    if API_KEY_VARIABLE in shadowed and (has_login or source is not None):
        text = (
            f"{API_KEY_VARIABLE} is set in the environment: `codex exec` uses it in the place of "
            "the stored login and is billed at API rates; editors use the stored login."
        )
        advice = _unset(API_KEY_VARIABLE, "use the stored login everywhere", in_shell=in_shell)
        return (Notice(CODE, "exec", "warning", text, (advice,)),)
    return ()


def _unset(variable: str, aim: str, *, in_shell: bool) -> Remediation:
    if in_shell:
        where = f"Unset {variable} in this shell, and where every new shell gets it,"
    else:
        where = f"Unset {variable} and restart the editor"
    return Remediation(f"{where} to {aim}")
