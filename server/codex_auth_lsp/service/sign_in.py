"""The course of a sign-in: to a credential, through what is looked at before, into the store.

Invariants: what is stored is of the account and the workspace that were asked for; the old login is
revoked only after the new one is stored.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from codex_auth_lsp.config.settings import DEFAULT_PROVIDER
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.domain.status import account_of
from codex_auth_lsp.errors import (
    LoginMethodUnavailable,
    LoginTimedOut,
    NetworkUnreachable,
    WrongAccount,
)
from codex_auth_lsp.flows.base import FlowContext, LoginPhase
from codex_auth_lsp.flows.chatgpt import meet_issuer
from codex_auth_lsp.flows.registry import create_flows
from codex_auth_lsp.providers.openai import models_url
from codex_auth_lsp.providers.plain import plain
from codex_auth_lsp.service.events import Events, LoginProgressed
from codex_auth_lsp.service.policy import credential_refusal
from codex_auth_lsp.stores.abandon import in_own_thread
from codex_auth_lsp.stores.document import Document, login_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.domain.account import Account
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.flows.base import Farewell, LoginFlow, LoginPrompts, NewCredential
    from codex_auth_lsp.oauth.metadata import IssuerMetadata
    from codex_auth_lsp.service.attempt import Attempt
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper

_PHASE_SENTENCES = {
    LoginPhase.STARTING: "Starting the sign-in",
    LoginPhase.WAITING_FOR_USER: "Waiting for you to finish signing in",
    LoginPhase.EXCHANGING: "Fetching the login from the issuer",
    LoginPhase.VERIFYING: "Checking the login",
    LoginPhase.STORING: "Storing the login",
}


class SignIn:
    """How every attempt of this process goes."""

    def __init__(
        self,
        cache: LoginCache,
        keeper: StatusKeeper,
        issuer: IssuerSettings,
        clock: Clock,
        events: Events,
        revoker: Revoker,
        on_issuer_time: Callable[[datetime | None], None],
        *,
        check_api_keys: bool = False,
    ) -> None:
        self._cache = cache
        self._keeper = keeper
        self._issuer = issuer
        self._clock = clock
        self._events = events
        self._revoker = revoker
        self._on_issuer_time = on_issuer_time
        self._check_api_keys = check_api_keys
        self._flows: dict[LoginMethodId, LoginFlow] | None = None
        self.not_offered: dict[LoginMethodId, str] = {}  # what the issuer was found not to offer
        self._published: IssuerMetadata | None = None

    async def run(self, attempt: Attempt, prompts: LoginPrompts, farewell: Farewell) -> Account:
        """Take an attempt to its end; return the account that is signed in.

        Raises:
            AuthError: It did not come to that, and nothing is stored.
        """
        credential = await self._obtain(attempt, prompts, farewell)
        account = account_of(credential)
        expected = attempt.request.expected_account_id
        if expected is not None and account.id != expected:
            raise WrongAccount
        # The configuration may have become another one while the person signed in.
        await self._cache.settle()
        refusal = credential_refusal(credential, self._cache.look().settings)
        if refusal is not None:
            raise refusal
        self._reach(attempt, LoginPhase.STORING)
        replaced = await self._store(credential)
        if replaced is not None:
            self._revoker.revoke_later(replaced)
        return account

    async def _obtain(
        self, attempt: Attempt, prompts: LoginPrompts, farewell: Farewell
    ) -> NewCredential:
        self._reach(attempt, LoginPhase.STARTING)
        view = self._cache.look()
        if self._flows is None:
            self._flows = create_flows()
        method = attempt.request.method
        context = FlowContext(
            issuer=self._issuer,
            workspace_ids=view.settings.forced_workspace_ids,
            prompts=prompts,
            on_phase=lambda phase: self._reach(attempt, phase),
            attempt_id=attempt.id,
            expires_at=attempt.expires_at,
            clock=self._clock,
            farewell=farewell,
            controls=attempt.controls,
            on_issuer_time=self._on_issuer_time,
            on_remark=lambda text: self._remark(attempt, text),
            api_key=attempt.request.api_key,
            api_key_check_url=self._check_url(attempt, view.settings),
        )
        try:
            async with asyncio.timeout(attempt.request.seconds):
                await in_own_thread(self._cache.store.check_writable)
                if method is not LoginMethodId.API_KEY:
                    context = replace(context, metadata=await self._meet_issuer(attempt))
                return await self._flows[method].sign_in(context)
        except TimeoutError as exc:
            raise LoginTimedOut from exc
        except LoginMethodUnavailable as error:
            self.not_offered[method] = error.message
            raise

    async def _meet_issuer(self, attempt: Attempt) -> IssuerMetadata | None:
        """Return what the issuer publishes; a proxy or certificate in the way ends the attempt.

        A network that is down may be up again when the person is done in the browser, so that is
        only told then.
        """
        try:
            published = await meet_issuer(self._issuer)
        except NetworkUnreachable as error:
            if attempt.request.method is not LoginMethodId.BROWSER:
                raise
            self._remark(attempt, error.message)
            return None
        if published.trouble is None and published != self._published:
            self._published = published
            self.not_offered.clear()
        return published

    def _check_url(self, attempt: Attempt, settings: Settings) -> str | None:
        """Return where an API key is tried out, None where it is not."""
        if not self._check_api_keys or attempt.request.method is not LoginMethodId.API_KEY:
            return None
        if settings.model_provider == DEFAULT_PROVIDER:
            return models_url(settings)
        self._remark(
            attempt,
            "The key could not be checked: the model provider in use is "
            f"`{plain(settings.model_provider)}`, and only OpenAI's own is asked about keys.",
        )
        return None

    async def _store(self, credential: NewCredential) -> ChatGptCredential | None:
        """Store the credential; return the ChatGPT login whose place it took."""
        replaced: list[ChatGptCredential] = []

        def merge(old: Document | None) -> Document:
            if old is not None and isinstance(old.credential, ChatGptCredential):
                replaced.append(old.credential)
            return login_document(credential, old)

        with self._keeper.own_change():
            update = partial(self._cache.store.update, merge, over_unreadable=True)
            await in_own_thread(update)
        return replaced[-1] if replaced else None

    def _remark(self, attempt: Attempt, text: str) -> None:
        """Tell the person something in the phase that was reached."""
        self._events.publish(LoginProgressed(attempt.id, attempt.phase, text))

    def _reach(self, attempt: Attempt, phase: LoginPhase) -> None:
        attempt.phase = phase
        if phase is LoginPhase.WAITING_FOR_USER:
            self.not_offered.pop(attempt.request.method, None)
        self._events.publish(LoginProgressed(attempt.id, phase, _PHASE_SENTENCES[phase]))

    async def close(self, *, hurried: bool) -> None:
        """Free what an ended attempt may still hold; unless hurried, once the person saw it."""
        for flow in (self._flows or {}).values():
            if not hurried:
                await flow.finish()
            await flow.close()
