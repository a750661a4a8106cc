"""Renewing a ChatGPT login (RFC 6749 section 6), one request for however many want it.

Invariants: a failed refresh never changes the store; a rotation is written only over the very
token that was spent for it, so a logout stays a logout and a newer login stays; a permanent
refusal is remembered for those tokens alone, and asked about no more.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.account import account_from_claims
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_CLIENT_ID, OPENAI_ISSUER, IssuerSettings
from codex_auth_lsp.errors import AuthError, IssuerResponseInvalid, NeedsReauth
from codex_auth_lsp.oauth.endpoints import token_endpoint
from codex_auth_lsp.stores.document import Document, refreshed_document

if TYPE_CHECKING:
    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.endpoints import EndpointOverrides
    from codex_auth_lsp.oauth.token import RenewedTokens
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper

DEFAULT_VALIDITY_SECONDS = 300

OPAQUE_TOKEN_AGE = timedelta(days=8)
"""After how long a token that does not say when it ends is renewed, as by the Codex CLI."""

FINISH_SECONDS = 30.0
"""How long the process stays for a token request under way, whose answer must not be lost."""


class Refresher:
    """Keeps the stored ChatGPT login usable."""

    def __init__(
        self,
        cache: LoginCache,
        keeper: StatusKeeper,
        clock: Clock,
        revoker: Revoker,
        overrides: EndpointOverrides,
    ) -> None:
        self._cache = cache
        self._keeper = keeper
        self._clock = clock
        self._revoker = revoker
        self._overrides = overrides
        self._running: asyncio.Task[None] | None = None

    async def __call__(
        self, *, force: bool = False, min_validity_seconds: float = DEFAULT_VALIDITY_SECONDS
    ) -> dict[str, Any]:
        """Return the status of a login that is valid for long enough; a static key always is.

        Raises:
            NotSignedIn, NeedsReauth: There is nothing to renew, or not any more.
            IssuerError, StoreError: It did not work this time.
        """
        self._keeper.look()
        credential = self._keeper.stored_credential()
        if isinstance(credential, ChatGptCredential) and (
            force or self._is_needed(credential, min_validity_seconds)
        ):
            foreign = self._keeper.foreign(credential)
            if foreign is not None:
                raise foreign
            await self._join(credential, "forced" if force else _reason(credential))
            self._keeper.stored_credential()  # raises where somebody signed out meanwhile
        return self._keeper.wire()

    async def close(self) -> None:
        """Wait for the answer to a request that is on its way, and until it is stored."""
        if self._running is not None:
            await asyncio.wait([self._running], timeout=FINISH_SECONDS)

    def _is_needed(self, credential: ChatGptCredential, min_validity_seconds: float) -> bool:
        now = self._clock.now()
        if credential.expires_at is not None:
            return (credential.expires_at - now).total_seconds() < min_validity_seconds
        last_refresh = credential.last_refresh
        return last_refresh is None or now - last_refresh >= OPAQUE_TOKEN_AGE

    async def _join(self, credential: ChatGptCredential, reason: str) -> None:
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._refresh(credential, reason))
        running = self._running
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            # Nobody may be left to hear how it ends.
            running.add_done_callback(lambda task: task.cancelled() or task.exception())
            raise

    async def _refresh(self, spent: ChatGptCredential, reason: str) -> None:
        try:
            renewed = await self._request(spent, reason)
        except AuthError as error:
            self._keeper.look()
            if isinstance(error, NeedsReauth) and not self._is_stored(spent):
                return  # another program has renewed or replaced the login: theirs counts
            self._keeper.refresh_failed(spent, error)
            self._keeper.look("refresh")
            raise
        await self._commit(spent, renewed)

    async def _request(self, spent: ChatGptCredential, reason: str) -> ChatGptCredential:
        if not spent.refresh_token:
            raise NeedsReauth("This sign-in cannot be renewed; sign in again.")
        await asyncio.to_thread(self._cache.store.check_writable)
        from codex_auth_lsp.oauth import http, token  # httpx is not needed before this

        client_id = spent.client_id or OPENAI_CLIENT_ID
        issuer = IssuerSettings((spent.issuer or OPENAI_ISSUER).rstrip("/"), client_id)
        reply = await http.post_json(
            self._overrides.refresh or token_endpoint(issuer),
            token.refresh_payload(client_id, spent.refresh_token, reason),
        )
        return self._renewed(spent, token.judge_refresh(reply))

    def _renewed(self, spent: ChatGptCredential, tokens: RenewedTokens) -> ChatGptCredential:
        renewed = replace(
            spent,
            id_token=tokens.id_token or spent.id_token,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token or spent.refresh_token,
            last_refresh=self._clock.now(),
        )
        # OpenID Connect Core section 12.2: a refresh never changes who is signed in.
        before = account_from_claims(spent.id_claims, spent.account_id).id
        if account_from_claims(renewed.id_claims, before).id != before:
            raise IssuerResponseInvalid("The issuer answered with the login of another account.")
        return renewed

    async def _commit(self, spent: ChatGptCredential, renewed: ChatGptCredential) -> None:
        found: list[Document | None] = []

        def merge(old: Document | None) -> Document | None:
            found.append(old)
            return refreshed_document(old, renewed) if old and _holds(old, spent) else None

        with self._keeper.own_change():
            stored = await asyncio.to_thread(self._cache.store.update, merge)
        if stored is not None:
            self._keeper.refresh_worked()
            self._keeper.look("refresh")
            return
        self._keeper.look()
        if not _is_same_login(found[-1], renewed):
            self._revoker.revoke_later(renewed)  # its login is gone, so nobody may keep it

    def _is_stored(self, credential: ChatGptCredential) -> bool:
        document = self._keeper.view.snapshot.document
        return document is not None and _holds(document, credential)


def _reason(credential: ChatGptCredential) -> str:
    return "scheduled" if credential.expires_at is None else "proactive_expiry"


def _holds(document: Document, credential: ChatGptCredential) -> bool:
    stored = document.credential
    return (
        isinstance(stored, ChatGptCredential) and stored.refresh_token == credential.refresh_token
    )


def _is_same_login(document: Document | None, credential: ChatGptCredential) -> bool:
    """Say whether the account is still signed in, so that its tokens must not be revoked."""
    stored = document.credential if document is not None else None
    if not isinstance(stored, ChatGptCredential):
        return False
    if stored.login_owner_id is not None and credential.login_owner_id is not None:
        return stored.login_owner_id == credential.login_owner_id
    return stored.account.id == credential.account.id
