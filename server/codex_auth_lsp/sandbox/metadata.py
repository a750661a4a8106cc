"""What the sandbox publishes of itself (RFC 8414 section 2; OpenID Connect Discovery 3)."""

from __future__ import annotations

from typing import Any

METADATA_PATH = "/.well-known/openid-configuration"
JWKS_PATH = "/.well-known/jwks.json"


def metadata(issuer: str) -> dict[str, Any]:
    """Return the document for a sandbox at this address."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "jwks_uri": issuer + JWKS_PATH,
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
    }
