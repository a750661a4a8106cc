"""The built-in provider `openai`: what to put on a request to it.

ChatGPT sign-ins and API keys go to different origins, as in the Codex CLI 0.169.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.config.settings import DEFAULT_PROVIDER
from codex_auth_lsp.domain.claims import AUTH_NAMESPACE, namespace
from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    ChatGptCredential,
    Credential,
)
from codex_auth_lsp.providers.request_credential import RequestCredential, bearer, fits_header
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from codex_auth_lsp.config.settings import Settings

CHATGPT_BASE_URL = "https://chatgpt.com/backend-api"
API_BASE_URL = "https://api.openai.com/v1"


def openai_request_credential(
    credential: Credential, settings: Settings
) -> RequestCredential | None:
    """Return the headers for a credential, None for one that OpenAI's endpoints do not take.

    Its address is OpenAI's own, for a provider that names none.
    """
    if not fits_header(_token(credential)):
        return None
    if isinstance(credential, ApiKeyCredential):
        headers = bearer(credential.api_key)
        return RequestCredential(DEFAULT_PROVIDER, API_BASE_URL, headers)
    if isinstance(credential, AccessTokenCredential):
        headers = bearer(credential.access_token)
        return RequestCredential(DEFAULT_PROVIDER, _chatgpt_base_url(settings), headers)
    if isinstance(credential, ChatGptCredential):
        headers = bearer(credential.access_token)
        if credential.account.id is not None and fits_header(Secret(credential.account.id)):
            headers["chatgpt-account-id"] = Secret(credential.account.id)
        if (
            namespace(credential.id_claims, AUTH_NAMESPACE).get("chatgpt_account_is_fedramp")
            is True
        ):
            headers["x-openai-fedramp"] = Secret("true")
        return RequestCredential(
            DEFAULT_PROVIDER, _chatgpt_base_url(settings), headers, credential.expires_at
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


def _chatgpt_base_url(settings: Settings) -> str:
    backend = settings.chatgpt_base_url or CHATGPT_BASE_URL
    return f"{backend}/codex"
