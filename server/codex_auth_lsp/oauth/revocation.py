"""Token revocation (RFC 7009), as OpenAI's issuer takes it in JSON and as others take a form."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import ChatGptCredential


def revocation_payload(credential: ChatGptCredential, client_id: str) -> dict[str, str]:
    """Return the body that ends a login: its refresh token, else its access token.

    The Codex CLI names the client beside a refresh token alone (observed on 0.169.0).
    """
    if credential.refresh_token:
        return {
            "token": credential.refresh_token.reveal(),
            "token_type_hint": "refresh_token",
            "client_id": client_id,
        }
    return {"token": credential.access_token.reveal(), "token_type_hint": "access_token"}


def revocation_fields(credential: ChatGptCredential, client_id: str) -> list[tuple[str, str]]:
    """Return the form of RFC 7009 section 2.1; a public client always names itself."""
    payload = {**revocation_payload(credential, client_id), "client_id": client_id}
    return list(payload.items())
