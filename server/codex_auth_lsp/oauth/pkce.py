"""Proof Key for Code Exchange, S256 only (RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets

from codex_auth_lsp.secret import Secret

CODE_CHALLENGE_METHOD = "S256"

_VERIFIER_BYTES = 64  # gives 86 characters; RFC 7636 section 4.1 allows 43 to 128


def new_code_verifier() -> Secret:
    """Return 86 random characters of the unreserved set."""
    return Secret(secrets.token_urlsafe(_VERIFIER_BYTES))


def code_challenge(code_verifier: Secret) -> str:
    """Return the S256 challenge, 43 characters (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(code_verifier.reveal().encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
