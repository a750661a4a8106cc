"""The built-in provider `openai`: what to put on a request to it.

ChatGPT sign-ins and API keys go to different origins, as in the Codex CLI 0.169.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.claims import AUTH_NAMESPACE, namespace
from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    ChatGptCredential,
    Credential,
)
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from codex_auth_lsp.config.settings import Settings

CHATGPT_BASE_URL = "https://chatgpt.com/backend-api"
API_BASE_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class RequestCredential:
    """Headers for requests to the origin of `base_url`, and for no other."""

    provider_id: str
    base_url: str
    headers: Mapping[str, Secret]
    expires_at: datetime | None = None

    def fingerprint(self) -> str:
        """Return what tells two credentials apart and gives neither away."""
        parts = [self.base_url, *(f"{n}:{v.fingerprint()}" for n, v in self.headers.items())]
        return Secret("\n".join(parts)).fingerprint()


def openai_request_credential(
    credential: Credential, settings: Settings
) -> RequestCredential | None:
    """Return the headers for a credential, None for one that OpenAI's endpoints do not take."""
    if not _fits_header(_token(credential)):
        return None
    if isinstance(credential, ApiKeyCredential):
        headers = _bearer(credential.api_key)
        return RequestCredential("openai", settings.openai_base_url or API_BASE_URL, headers)
    if isinstance(credential, AccessTokenCredential):
        headers = _bearer(credential.access_token)
        return RequestCredential("openai", _chatgpt_base_url(settings), headers)
    if isinstance(credential, ChatGptCredential):
        headers = _bearer(credential.access_token)
        if credential.account.id is not None and _fits_header(Secret(credential.account.id)):
            headers["chatgpt-account-id"] = Secret(credential.account.id)
        if (
            namespace(credential.id_claims, AUTH_NAMESPACE).get("chatgpt_account_is_fedramp")
            is True
        ):
            headers["x-openai-fedramp"] = Secret("true")
        return RequestCredential(
            "openai", _chatgpt_base_url(settings), headers, credential.expires_at
        )
    return None


def models_url(settings: Settings) -> str:
    """Return where an API key can be tried out: the list of models, which costs nothing."""
    return f"{settings.openai_base_url or API_BASE_URL}/models"


def _token(credential: Credential) -> Secret:
    if isinstance(credential, ApiKeyCredential):
        return credential.api_key
    if isinstance(credential, AccessTokenCredential | ChatGptCredential):
        return credential.access_token
    return Secret("")


def _fits_header(value: Secret) -> bool:
    """Say whether a value is visible ASCII (RFC 6749 appendix A.12), so that it ends no header."""
    text = value.reveal()
    return bool(text) and text.isascii() and text.isprintable()


def _bearer(token: Secret) -> dict[str, Secret]:
    return {"Authorization": Secret(f"Bearer {token.reveal()}")}


def _chatgpt_base_url(settings: Settings) -> str:
    backend = settings.chatgpt_base_url or CHATGPT_BASE_URL
    return settings.openai_base_url or f"{backend}/codex"
