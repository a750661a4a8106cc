"""What `config.toml` forbids of logins: `forced_login_method`, `forced_chatgpt_workspace_id`.

Pure. A stored login that is forbidden is not used and not renewed; it is told of and left where
it is. Who signs in to another one replaces it, and a changed configuration brings it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
)
from codex_auth_lsp.errors import LoginMethodNotAllowed, WrongWorkspace

if TYPE_CHECKING:
    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.domain.credential import Credential

_FORCED_KINDS: dict[type, tuple[str, str]] = {
    ChatGptCredential: ("chatgpt", "a sign-in with ChatGPT"),
    AccessTokenCredential: ("chatgpt", "a personal access token"),
    ApiKeyCredential: ("api", "an API key"),
    BedrockKeyCredential: ("api", "an Amazon Bedrock API key"),
}

_FORCED_WAYS = {"chatgpt": "ChatGPT", "api": "an API key"}


def credential_refusal(
    credential: Credential, settings: Settings
) -> LoginMethodNotAllowed | WrongWorkspace | None:
    """Return why a credential must not be used, None where it may."""
    kind, name = _FORCED_KINDS.get(type(credential), (None, ""))
    forced = settings.forced_login_method
    if kind is not None and forced is not None and forced != kind:
        return LoginMethodNotAllowed(
            f'`forced_login_method = "{forced}"` in config.toml does not allow {name}, so this '
            f"one is not used; sign in with {_FORCED_WAYS[forced]}."
        )
    if isinstance(credential, ChatGptCredential):
        return workspace_refusal(credential.account.id, settings)
    if isinstance(credential, AccessTokenCredential) and settings.forced_workspace_ids:
        # The Codex CLI 0.169.0 asks the issuer whose it is, which a status must not wait for.
        return WrongWorkspace(
            "`forced_chatgpt_workspace_id` in config.toml allows certain ChatGPT workspaces only, "
            "and a personal access token does not show its own, so it is not used; sign in with "
            "ChatGPT."
        )
    return None


def workspace_refusal(account_id: str | None, settings: Settings) -> WrongWorkspace | None:
    """Return why nobody of this ChatGPT workspace may sign in, None where they may."""
    allowed = settings.forced_workspace_ids
    if not allowed or account_id in allowed:
        return None
    return WrongWorkspace(
        "`forced_chatgpt_workspace_id` in config.toml does not allow this ChatGPT workspace; sign "
        "in and choose one that it names."
    )
