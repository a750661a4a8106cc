"""Credentials: what the login cache can hold, as frozen values.

Times are aware UTC datetimes. Every secret field is a `Secret`.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.domain.account import Account, account_from_claims
from codex_auth_lsp.domain.claims import Claims, decode_claims, numeric_date
from codex_auth_lsp.domain.issuer import OPENAI_CLIENT_ID, OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from codex_auth_lsp.secret import Secret


@frozen
class ChatGptCredential:
    """Tokens of a ChatGPT sign-in (RFC 6749 section 1.4, 1.5; OpenID Connect Core section 2).

    `issuer` and `client_id` are the login's provenance: the only place where these tokens are
    ever sent for renewal or revocation. Both are None in files of older Codex versions, whose
    tokens belong to OpenAI's issuer. `token_endpoint` and `revocation_endpoint` are where an issuer
    wants forms (RFC 6749, 7009), on its own origin; None where it speaks as OpenAI's does, or where
    nobody knows. `refresh_token` may be empty. `api_key` is the key that
    OpenAI's browser sign-in hands out beside the tokens; the tokens are what is used.
    """

    method: ClassVar[str] = "chatgpt"

    id_token: Secret
    access_token: Secret
    refresh_token: Secret
    last_refresh: datetime | None = None
    account_id: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    token_endpoint: str | None = None
    revocation_endpoint: str | None = None
    login_owner_id: str | None = None
    api_key: Secret | None = None

    @property
    def provenance(self) -> IssuerSettings:
        """The issuer and client that these tokens belong to: the recorded ones, else OpenAI's."""
        return IssuerSettings(
            (self.issuer or OPENAI_ISSUER).rstrip("/"), self.client_id or OPENAI_CLIENT_ID
        )

    @cached_property
    def id_claims(self) -> Claims:
        """The id token's claims, empty when it is no JWT."""
        return decode_claims(self.id_token) or {}

    @cached_property
    def expires_at(self) -> datetime | None:
        """When the access token ends, None for an opaque one."""
        return numeric_date(decode_claims(self.access_token) or {}, "exp")

    @cached_property
    def lifetime(self) -> timedelta | None:
        """How long an access token of this login is valid, None where nobody can say."""
        issued_at = numeric_date(decode_claims(self.access_token) or {}, "iat") or self.last_refresh
        if self.expires_at is None or issued_at is None or issued_at >= self.expires_at:
            return None
        return self.expires_at - issued_at

    @cached_property
    def account(self) -> Account:
        """Who is signed in."""
        return account_from_claims(self.id_claims, self.account_id)


@frozen
class ApiKeyCredential:
    """An API key of the OpenAI platform, billed by use."""

    method: ClassVar[str] = "apiKey"

    api_key: Secret


@frozen
class AccessTokenCredential:
    """A personal access token, of `codex login --with-access-token` or of the environment."""

    method: ClassVar[str] = "accessToken"

    access_token: Secret


@frozen
class BedrockKeyCredential:
    """A bearer key for Amazon Bedrock, which no other provider is given, and its region."""

    method: ClassVar[str] = "bedrockApiKey"

    api_key: Secret
    region: str


@frozen
class ForeignCredential:
    """A credential of another Codex program that this server keeps but does not use.

    `mode` is the file's `auth_mode`: `bedrockAccessKeys` or `agentIdentity`.
    """

    mode: str

    @property
    def method(self) -> str:
        """The kind of credential, for `AuthStatus.method`."""
        return self.mode


Credential = (
    ChatGptCredential
    | ApiKeyCredential
    | AccessTokenCredential
    | BedrockKeyCredential
    | ForeignCredential
)


def is_same_login(stored: Credential | None, credential: ChatGptCredential) -> bool:
    """Say whether the stored tokens come from the same sign-in, renewed or not.

    Files of older Codex versions have no owner id; there the account has to do.
    """
    if not isinstance(stored, ChatGptCredential):
        return False
    if stored.login_owner_id is not None and credential.login_owner_id is not None:
        return stored.login_owner_id == credential.login_owner_id
    return stored.account.id == credential.account.id
