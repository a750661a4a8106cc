"""What the sandbox has granted, and the rules by which it grants (RFC 6749, 7009, 7636; RFC 9700).

A code is good once, for its client, redirect URI and verifier; used twice, it takes back what it
gave. A refresh token is good once; what happens to a spent one is the policy's. Times are seconds
since 1970 from the clock that is handed in.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.sandbox import mint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.sandbox.people import Person


@dataclass(slots=True)
class Policy:
    """Lifetimes in seconds, and what a real issuer's operator decides."""

    code_seconds: float = 60
    access_seconds: float = 3600
    id_seconds: float = 3600
    refresh_seconds: float = 30 * 86400
    device_seconds: float = 900
    device_interval_seconds: int = 5
    device_enabled: bool = True
    grace_seconds: float = 0
    family_revocation: bool = False


class GrantRefusedError(Exception):
    """What was presented earns nothing; `error` is an error code of RFC 6749 section 5.2."""

    def __init__(self, error: str, description: str) -> None:
        self.error = error
        self.description = description


@dataclass(eq=False, slots=True)
class Grant:
    """A person's consent to one client."""

    person: Person
    client_id: str
    scope: str
    organizations: bool = False
    revoked: bool = False


@dataclass(eq=False, slots=True)
class _Code:
    grant: Grant
    redirect_uri: str
    code_challenge: str
    expires_at: float
    used: bool = False


@dataclass(eq=False, slots=True)
class _Token:
    grant: Grant
    expires_at: float
    revoked: bool = False
    spent_at: float | None = None
    answer: dict[str, Any] = field(default_factory=dict)


class Ledger:
    """Every code, token and key, and the person behind it."""

    def __init__(self, issuer: str, clock: Clock, policy: Policy) -> None:
        self.mint = mint.Mint()
        self.policy = policy
        self._issuer = issuer
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._refresh_tokens: dict[str, _Token] = {}
        self._access_tokens: dict[str, _Token] = {}
        self._id_tokens: dict[str, _Token] = {}
        self._api_keys: dict[str, Grant | None] = {}

    def now(self) -> float:
        """Return the time."""
        return self._clock.now().timestamp()

    def issue_code(self, grant: Grant, redirect_uri: str, code_challenge: str) -> str:
        """Return a code for one exchange."""
        code = self.mint.opaque("code")
        expires_at = self.now() + self.policy.code_seconds
        self._codes[code] = _Code(grant, redirect_uri, code_challenge, expires_at)
        return code

    def redeem_code(
        self, code: str, *, client_id: str, redirect_uri: str, code_verifier: str
    ) -> dict[str, Any]:
        """Return the tokens for a code. Whatever comes of it, the code is used.

        Raises:
            GrantRefusedError: `invalid_grant` (RFC 6749 section 5.2, RFC 7636 section 4.6).
        """
        known = self._codes.get(code)
        if known is None:
            raise GrantRefusedError("invalid_grant", "The code is unknown.")
        if known.used:
            known.grant.revoked = True
            raise GrantRefusedError("invalid_grant", "The code has been used before.")
        known.used = True
        if known.expires_at <= self.now():
            raise GrantRefusedError("invalid_grant", "The code has expired.")
        if known.grant.client_id != client_id:
            raise GrantRefusedError("invalid_grant", "The code belongs to another client.")
        if known.redirect_uri != redirect_uri:
            raise GrantRefusedError("invalid_grant", "The redirect_uri is not that of the code.")
        if not hmac.compare_digest(mint.code_challenge(code_verifier), known.code_challenge):
            raise GrantRefusedError("invalid_grant", "The code_verifier does not fit.")
        return self._issue_tokens(known.grant)

    def refresh(self, refresh_token: str, *, client_id: str) -> dict[str, Any]:
        """Return new tokens for a refresh token, which is then spent (RFC 6749 section 6).

        Raises:
            GrantRefusedError: `refresh_token_reused`, `_expired` or `_invalidated` as OpenAI's
                issuer says it, or `invalid_grant`.
        """
        known = self._refresh_tokens.get(refresh_token)
        if known is None:
            raise GrantRefusedError("refresh_token_invalidated", "The token is unknown.")
        if known.grant.client_id != client_id:
            raise GrantRefusedError("invalid_grant", "The token belongs to another client.")
        if known.spent_at is not None:
            return self._answer_to_spent(known, known.spent_at)
        if known.revoked or known.grant.revoked:
            raise GrantRefusedError("refresh_token_invalidated", "The token has been revoked.")
        if known.expires_at <= self.now():
            raise GrantRefusedError("refresh_token_expired", "The token has expired.")
        known.spent_at = self.now()
        known.answer = self._issue_tokens(known.grant)
        return known.answer

    def _answer_to_spent(self, known: _Token, spent_at: float) -> dict[str, Any]:
        if not known.grant.revoked and self.now() < spent_at + self.policy.grace_seconds:
            return known.answer
        if self.policy.family_revocation:
            known.grant.revoked = True
        raise GrantRefusedError("refresh_token_reused", "The token has been used before.")

    def make_api_key(self, id_token: str, *, client_id: str) -> str:
        """Return an API key for the person of an id token (RFC 8693, OpenAI's requested_token).

        Raises:
            GrantRefusedError: `invalid_grant`, or `invalid_request` for a person without one.
        """
        known = self._id_tokens.get(id_token)
        if known is None or known.grant.client_id != client_id or not self._live(known):
            raise GrantRefusedError("invalid_grant", "The id token is not valid here.")
        if not known.grant.person.api_access:
            raise GrantRefusedError("invalid_request", "The person has no API organization.")
        api_key = self.mint.opaque("apiKey")
        self._api_keys[api_key] = known.grant
        return api_key

    def register_api_key(self, api_key: str) -> None:
        """Accept a key that somebody made up for a test."""
        self._api_keys[api_key] = None

    def revoke(self, presented: str) -> None:
        """Revoke a token; a refresh token ends its whole grant (RFC 7009 section 2.1)."""
        if refresh_token := self._refresh_tokens.get(presented):
            refresh_token.grant.revoked = True
        elif access_token := self._access_tokens.get(presented):
            access_token.revoked = True

    def revoke_all(self) -> None:
        """Revoke every grant."""
        for token in self._tokens():
            token.grant.revoked = True

    def expire(self, *, refresh_tokens: bool, access_tokens: bool) -> None:
        """Let what has been issued so far expire now."""
        issued = [
            *(self._refresh_tokens.values() if refresh_tokens else ()),
            *(self._access_tokens.values() if access_tokens else ()),
        ]
        for token in issued:
            token.expires_at = min(token.expires_at, self.now())

    def person_of(self, bearer: str) -> Person | None:
        """Return whose live access token this is, None where it is no such token."""
        known = self._access_tokens.get(bearer)
        return known.grant.person if known is not None and self._live(known) else None

    def accepts(self, bearer: str) -> bool:
        """Say whether the model endpoint takes this access token or API key."""
        return bearer in self._api_keys or self.person_of(bearer) is not None

    def _live(self, token: _Token) -> bool:
        return not (token.revoked or token.grant.revoked) and token.expires_at > self.now()

    def _tokens(self) -> Iterator[_Token]:
        yield from self._refresh_tokens.values()
        yield from self._access_tokens.values()
        yield from self._id_tokens.values()

    def _issue_tokens(self, grant: Grant) -> dict[str, Any]:
        now, policy = self.now(), self.policy
        id_claims = mint.id_token_claims(
            grant.person,
            issuer=self._issuer,
            client_id=grant.client_id,
            now=now,
            seconds=policy.id_seconds,
            organizations=grant.organizations,
        )
        access_claims = mint.access_token_claims(
            grant.person,
            issuer=self._issuer,
            client_id=grant.client_id,
            now=now,
            seconds=policy.access_seconds,
            scope=grant.scope,
        )
        id_token = self.mint.jwt("idToken", id_claims)
        access_token = self.mint.jwt("accessToken", access_claims)
        refresh_token = self.mint.opaque("refreshToken")
        self._id_tokens[id_token] = _Token(grant, now + policy.id_seconds)
        self._access_tokens[access_token] = _Token(grant, now + policy.access_seconds)
        self._refresh_tokens[refresh_token] = _Token(grant, now + policy.refresh_seconds)
        return {
            "id_token": id_token,
            "access_token": access_token,
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": int(policy.access_seconds),
            "scope": grant.scope,
        }
