"""From the tokens of a ChatGPT sign-in to a checked credential."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.domain.claims import decode_claims
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.errors import WrongWorkspace

if TYPE_CHECKING:
    from codex_auth_lsp.flows.base import FlowContext
    from codex_auth_lsp.oauth.token import NewTokens

_OWNER_ID_BYTES = 32  # 43 characters, as the Codex CLI makes them


def new_credential(context: FlowContext, tokens: NewTokens) -> ChatGptCredential:
    """Return the credential of a new login, with its provenance.

    Raises:
        WrongWorkspace: The configuration allows other workspaces only.
    """
    account = account_from_claims(decode_claims(tokens.id_token) or {}, None)
    if context.workspace_ids and account.id not in context.workspace_ids:
        raise WrongWorkspace(
            "This sign-in is for a workspace that `forced_chatgpt_workspace_id` in config.toml "
            "does not allow; sign in again and choose the allowed one."
        )
    return ChatGptCredential(
        id_token=tokens.id_token,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        last_refresh=context.clock.now(),
        account_id=account.id,
        issuer=context.issuer.issuer,
        client_id=context.issuer.client_id,
        login_owner_id=secrets.token_urlsafe(_OWNER_ID_BYTES),
    )
