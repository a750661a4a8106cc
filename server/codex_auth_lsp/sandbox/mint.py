"""The sandbox's secrets: all made here, marked as the sandbox's own, and remembered for leak tests.

JSON Web Tokens (RFC 7519) carry OpenAI's claims and are signed with ES256: unlike an RSA key, one
of a curve is made at once, and it lives only as long as the process. Its public half is published.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.sandbox.people import Person

AUTH_NAMESPACE = "https://api.openai.com/auth"
PROFILE_NAMESPACE = "https://api.openai.com/profile"
MODEL_AUDIENCE = "https://api.openai.com/v1"

_PREFIXES = {
    "code": "sandbox-code-",
    "refreshToken": "sandbox-rt-",
    "apiKey": "sk-sandbox-",
    "deviceAuthId": "sandbox-device-",
    "codeVerifier": "sandbox-verifier-",
}
_ALGORITHM = "ES256"
_USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words (RFC 8628 section 6.1)


class Mint:
    """Makes secrets and keeps the list of them."""

    def __init__(self) -> None:
        self._signing_key = ec.generate_private_key(ec.SECP256R1())
        self._key_id = f"sandbox-{secrets.token_hex(4)}"
        self.minted: list[tuple[str, str]] = []

    def opaque(self, kind: str) -> str:
        """Return a new secret of a kind that has a prefix."""
        return self._remembered(kind, _PREFIXES[kind] + secrets.token_urlsafe(32))

    def jwt(self, kind: str, claims: Mapping[str, Any]) -> str:
        """Return a signed token with the claims and an id of its own."""
        payload = {**claims, "jti": secrets.token_urlsafe(16)}
        headers = {"kid": self._key_id}
        token = jwt.encode(payload, self._signing_key, _ALGORITHM, headers=headers)
        return self._remembered(kind, token)

    def jwks(self) -> dict[str, Any]:
        """Return the public half of the signing key as a set (RFC 7517 section 5)."""
        public = self._signing_key.public_key()
        key = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
        return {"keys": [{**key, "kid": self._key_id, "use": "sig", "alg": _ALGORITHM}]}

    def _remembered(self, kind: str, value: str) -> str:
        self.minted.append((kind, value))
        return value


def new_user_code() -> str:
    """Return a code for a person to type; it is shown to them and so no secret of the list."""
    letters = "".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of RFC 7636 section 4.2."""
    return _part(hashlib.sha256(code_verifier.encode("utf-8")).digest())


def id_token_claims(
    person: Person, *, issuer: str, client_id: str, now: float, seconds: float, organizations: bool
) -> dict[str, Any]:
    """Return the claims of OpenAI's id tokens (OpenID Connect Core section 2)."""
    claims = {
        **_common(person, issuer, now, seconds),
        "aud": [client_id],
        "auth_time": int(now),
        "email": person.email,
        "email_verified": True if person.email else None,
        "name": person.name,
        "auth_provider": person.auth_provider,
        "amr": list(person.amr) or None,
    }
    auth = {
        **_account(person),
        "completed_platform_onboarding": person.api_access,
        "is_org_owner": person.organization == "Personal",
        "groups": [],
    }
    if organizations:
        auth["organizations"] = [
            {
                "id": f"org-sandbox-{person.id}",
                "title": person.organization,
                "is_default": True,
                "role": "owner" if person.organization == "Personal" else "member",
            }
        ]
    return _without_none({**claims, AUTH_NAMESPACE: auth})


def access_token_claims(
    person: Person, *, issuer: str, client_id: str, now: float, seconds: float, scope: str
) -> dict[str, Any]:
    """Return the claims of OpenAI's access tokens."""
    return _without_none(
        {
            **_common(person, issuer, now, seconds),
            "aud": [MODEL_AUDIENCE],
            "client_id": client_id,
            "nbf": int(now),
            "scp": scope.split(),
            AUTH_NAMESPACE: _account(person),
            PROFILE_NAMESPACE: _without_none({"email": person.email, "email_verified": True}),
        }
    )


def _common(person: Person, issuer: str, now: float, seconds: float) -> dict[str, Any]:
    return {"iss": issuer, "sub": person.sub, "iat": int(now), "exp": int(now + seconds)}


def _account(person: Person) -> dict[str, Any]:
    return _without_none(
        {
            "chatgpt_plan_type": person.plan_type,
            "chatgpt_user_id": person.user_id,
            "chatgpt_account_id": person.account_id,
            "user_id": person.user_id,
        }
    )


def _without_none(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not None}


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
