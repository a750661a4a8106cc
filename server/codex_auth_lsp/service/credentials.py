"""What to put on a request to a model provider, valid for long enough.

Never a refresh token, and never an empty answer in the place of a missing credential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.config.settings import DEFAULT_PROVIDER
from codex_auth_lsp.domain.credential import AccessTokenCredential, ChatGptCredential
from codex_auth_lsp.domain.timestamps import format_rfc3339
from codex_auth_lsp.errors import (
    ApiKeyRejected,
    IssuerError,
    NotSignedIn,
    ProviderUnknown,
    StoreError,
)
from codex_auth_lsp.providers.openai import RequestCredential, openai_request_credential

if TYPE_CHECKING:
    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.service.refresher import Refresher
    from codex_auth_lsp.service.status_keeper import StatusKeeper


@dataclass(frozen=True, slots=True)
class IssuedCredential:
    """A credential for one provider, and the count of changes that it is the result of."""

    credential: RequestCredential
    revision: int

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's result of `auth/credential`: the one place that shows it."""
        credential = self.credential
        wire: dict[str, Any] = {
            "providerId": credential.provider_id,
            "baseUrl": credential.base_url,
            "headers": {name: value.reveal() for name, value in credential.headers.items()},
        }
        if credential.expires_at is not None:
            wire["expiresAt"] = format_rfc3339(credential.expires_at)
        return wire | {"revision": self.revision}


class Credentials:
    """Gives out credentials and counts their changes."""

    def __init__(self, keeper: StatusKeeper, refresher: Refresher, clock: Clock) -> None:
        self._keeper = keeper
        self._refresher = refresher
        self._clock = clock
        self._revision = 0
        self._fingerprint = ""

    async def issue(
        self, provider_id: str | None, *, min_validity_seconds: float, rejected_revision: int | None
    ) -> IssuedCredential:
        """Return the credential of a provider, the active one where none is named.

        Args:
            provider_id: An id of `config.toml` or of a built-in provider.
            min_validity_seconds: How long it must be valid; renewed first where it is not.
            rejected_revision: The revision that the provider answered with 401.

        Raises:
            ProviderUnknown, NotSignedIn, NeedsReauth, ApiKeyRejected: There is none to give.
            IssuerError, StoreError: It could not be renewed, and what there is has ended.
        """
        await self._keeper.sync()
        self._keeper.look()
        provider_id = provider_id or self._keeper.status.provider.id
        if provider_id != DEFAULT_PROVIDER:
            raise ProviderUnknown(
                "This version of codex-auth-lsp gives credentials for the provider `openai` only.",
                provider_id=provider_id,
            )
        current = self._current()
        if rejected_revision is None:
            await self._renew_if_needed(min_validity_seconds)
        elif rejected_revision == current.revision:
            await self._replace_rejected()
        return self._current()

    async def _replace_rejected(self) -> None:
        credential = self._keeper.stored_credential()
        if isinstance(credential, AccessTokenCredential):
            name = self._keeper.status.source.name if self._keeper.status.source else None
            raise ApiKeyRejected(
                f"The provider refused the personal access token of {name or 'the login cache'}.",
                provider_id=DEFAULT_PROVIDER,
                remediation=(),
            )
        if not isinstance(credential, ChatGptCredential):
            raise ApiKeyRejected(provider_id=DEFAULT_PROVIDER)
        await self._refresher(force_since=self._clock.now())

    async def _renew_if_needed(self, min_validity_seconds: float) -> None:
        try:
            await self._refresher(min_validity_seconds=min_validity_seconds)
        except (IssuerError, StoreError):
            if not self._is_valid_now(self._keeper.stored_credential()):
                raise

    def _is_valid_now(self, credential: Credential) -> bool:
        expires_at = credential.expires_at if isinstance(credential, ChatGptCredential) else None
        return expires_at is None or expires_at > self._clock.now()

    def _current(self) -> IssuedCredential:
        """Return what is there now, with a new revision where it is another than the last."""
        stored = self._keeper.stored_credential()
        credential = openai_request_credential(stored, self._keeper.view.settings)
        if credential is None:
            raise NotSignedIn("The stored login is not one for OpenAI's models; sign in.")
        fingerprint = credential.fingerprint()
        if fingerprint != self._fingerprint:
            self._fingerprint = fingerprint
            self._revision += 1
        return IssuedCredential(credential, self._revision)
