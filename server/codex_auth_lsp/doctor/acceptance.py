"""Whether the login is still accepted where it is used, asked without spending anything.

An access token can be dead before its time, and only who is asked for something with it says so.
The list of models is free, and no refresh token is needed for it.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from codex_auth_lsp.doctor.check import Check, Health
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.errors import SIGN_IN_WITH_API_KEY, IssuerError, Remediation
from codex_auth_lsp.oauth import http

if TYPE_CHECKING:
    from codex_auth_lsp.doctor.check import Scene

ANSWER_SECONDS = 10.0

_NAME = "acceptance"
_NOT_ASKED = "The provider was not asked whether it accepts the login; `doctor --network` asks it."
_OPENAI_SITES = ("https://chatgpt.com/", "https://api.openai.com/")


async def checks(scene: Scene) -> list[Check]:
    """Return how the provider answers to the login that it is given now."""
    if not scene.network:
        return [Check(_NAME, Health.SKIPPED, _NOT_ASKED)]
    if scene.login is None:
        return [Check(_NAME, Health.SKIPPED, "There is no login for the active model provider.")]
    credential = scene.login.credential
    site = f"{credential.base_url}/"
    if scene.options.issuer.issuer != OPENAI_ISSUER and site.startswith(_OPENAI_SITES):
        text = "OpenAI's models were not asked about a login of another issuer."
        return [Check(_NAME, Health.SKIPPED, text)]
    headers = {name: value.reveal() for name, value in credential.headers.items()}
    try:
        reply = await http.get(f"{site}models", headers, seconds=ANSWER_SECONDS)
    except IssuerError as error:
        return [Check(_NAME, Health.SKIPPED, error.message, f"kind {error.kind}")]
    return [_judged(scene, credential.provider_id, reply.status)]


def _judged(scene: Scene, provider_id: str, status: int) -> Check:
    if status == 401:
        text = f"The provider `{provider_id}` refuses the login (HTTP 401)."
        is_key = scene.status.get("method") == "apiKey"
        ways = SIGN_IN_WITH_API_KEY if is_key else _renewal(scene, provider_id)
        return Check(_NAME, Health.ERROR, text, remediation=(ways,))
    if status == 200:
        return Check(_NAME, Health.OK, f"The provider `{provider_id}` accepts the login.")
    text = f"The provider `{provider_id}` answered with HTTP {status}, which says nothing."
    return Check(_NAME, Health.SKIPPED, text)


def _renewal(scene: Scene, provider_id: str) -> Remediation:
    command = f"codex-auth-lsp{scene.options.typed} credential {quote(provider_id)} --header"
    return Remediation(f"Run: {command} --renew >/dev/null; where that fails, sign in again")
