"""Where OpenAI's issuer listens, and its sandbox: fixed routes below the issuer's URL.

Source: requests of the Codex CLI 0.169.0. OpenAI's issuer is not discovered by metadata; another
that names endpoints in its metadata is asked there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from codex_auth_lsp.domain.issuer import IssuerSettings

CALLBACK_PATH = "/auth/callback"


def authorization_endpoint(issuer: IssuerSettings) -> str:
    """Return the URL of RFC 6749 section 3.1."""
    return issuer.issuer + "/oauth/authorize"


def token_endpoint(issuer: IssuerSettings) -> str:
    """Return the URL of RFC 6749 section 3.2."""
    return issuer.issuer + "/oauth/token"


def revocation_endpoint(issuer: IssuerSettings) -> str:
    """Return the URL of RFC 7009 section 2."""
    return issuer.issuer + "/oauth/revoke"
