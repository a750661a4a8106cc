"""Signing in: one attempt at a time in this process, and what becomes of it.

Invariants: a credential is stored only by an attempt that nobody stopped; an attempt that ends
otherwise leaves the store as it was; the old login is revoked only after the new one is stored;
every attempt is told once as ended, after the changes that it brought.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.config.settings import DEFAULT_PROVIDER
from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.domain.status import account_of
from codex_auth_lsp.errors import (
    ApiKeyInvalid,
    AttemptNotFound,
    AuthError,
    CallbackRejected,
    InternalError,
    InvalidParams,
    LoginCancelled,
    LoginInProgress,
    LoginMethodNotAllowed,
    LoginMethodUnavailable,
    LoginSuperseded,
    LoginTimedOut,
    NetworkUnreachable,
    ShuttingDown,
    WrongAccount,
)
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.flows.api_key import checked_api_key
from codex_auth_lsp.flows.base import Farewell, FlowContext, LoginPhase
from codex_auth_lsp.flows.chatgpt import meet_issuer
from codex_auth_lsp.flows.registry import create_flows
from codex_auth_lsp.providers.openai import models_url
from codex_auth_lsp.providers.plain import plain
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.attempt import Attempt, Ending, IfRunning, LoginRequest
from codex_auth_lsp.service.events import Events, LoginClosing, LoginEnded, LoginProgressed
from codex_auth_lsp.service.methods import drop_forbidden_remedies, method_refusal
from codex_auth_lsp.service.policy import credential_refusal, workspace_refusal
from codex_auth_lsp.stores.abandon import in_own_thread
from codex_auth_lsp.stores.document import Document, login_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.domain.account import Account
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.flows.base import LoginFlow, LoginPrompts, NewCredential
    from codex_auth_lsp.oauth.metadata import IssuerMetadata
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.opening import Opening
    from codex_auth_lsp.service.revocation import Revoker
    from codex_auth_lsp.service.status_keeper import StatusKeeper

_REMEMBERED_ATTEMPTS = 10_000  # whose ids cannot be used again; a bound for the memory

_PHASE_SENTENCES = {
    LoginPhase.STARTING: "Starting the sign-in",
    LoginPhase.WAITING_FOR_USER: "Waiting for you to finish signing in",
    LoginPhase.EXCHANGING: "Fetching the login from the issuer",
    LoginPhase.VERIFYING: "Checking the login",
    LoginPhase.STORING: "Storing the login",
}

logger = logging.getLogger(__name__)


class Logins:
    """The login attempts of this process."""

    def __init__(
        self,
        cache: LoginCache,
        keeper: StatusKeeper,
        issuer: IssuerSettings,
        clock: Clock,
        events: Events,
        revoker: Revoker,
        on_issuer_time: Callable[[datetime | None], None],
        opening: Opening,
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
        self._opening = opening
        self._check_api_keys = check_api_keys
        self._flows: dict[LoginMethodId, LoginFlow] | None = None
        self._running: Attempt | None = None
        self._ids: OrderedDict[str, None] = OrderedDict()
        self.not_offered: dict[LoginMethodId, str] = {}  # what the issuer was found not to offer
        self._published: IssuerMetadata | None = None
        self._beginning = asyncio.Lock()

    async def begin(self, request: LoginRequest, prompts: LoginPrompts) -> Attempt:
        """Start an attempt, or return the running one that the request joins.

        Raises:
            LoginInProgress, LoginMethodNotAllowed, ConfigurationInvalid, WrongWorkspace: No attempt
                was made.
            InvalidParams: The attempt's id was used before.
        """
        async with self._beginning:
            await self._cache.settle()
            running = self._running
            if running is not None and running.can_be_joined:
                if _joins(request, running):
                    return running
                if request.if_running in {IfRunning.JOIN, IfRunning.FAIL}:
                    raise LoginInProgress
            self._check(request)
            await self._check_api_key(request)
            if running is not None:
                running.stop(LoginSuperseded())
                await running.left()
            return self._start(request, prompts)

    async def wait(self, attempt: Attempt) -> dict[str, Any]:
        """Return the status once somebody is signed in.

        A waiter that is cancelled leaves; the attempt ends with its last waiter, unless it is too
        late to stop it, and then the waiter gets the result after all.

        Raises:
            AuthError: How the attempt ended.
        """
        attempt.waiting += 1
        try:
            ending = await attempt.over()
        except asyncio.CancelledError:
            if attempt.waiting > 1:
                raise
            attempt.is_abandoned |= attempt.stop(LoginCancelled())
            ending = await attempt.over()
            if ending.error is not None:
                raise
            _keep_running()
        finally:
            attempt.waiting -= 1
            if not attempt.waiting:
                attempt.nobody_waits.set()
        if ending.error is not None:
            raise ending.error
        return self._keeper.wire()

    @property
    def holds_callback_port(self) -> bool:
        """Whether a browser login of this process runs, whose port a newer one would take over."""
        running = self._running
        return running is not None and running.request.method is LoginMethodId.BROWSER

    def cancel(self, attempt_id: str | None) -> str:
        """Cancel the running attempt, or the one of this id; return the contract's `outcome`."""
        running = self._running
        if running is not None and attempt_id in {None, running.id}:
            return "cancelled" if running.stop(LoginCancelled()) else "alreadyFinished"
        return "alreadyFinished" if attempt_id in self._ids else "notFound"

    def submit_callback(self, attempt_id: str | None, url: Secret) -> None:
        """Hand in the redirect of the browser login that runs; its outcome is the login's.

        Raises:
            AttemptNotFound: There is no such login.
            CallbackRejected: The redirect is not its, or it waits for none.
        """
        attempt = self._waiting(attempt_id)
        submit = attempt.controls.submit_callback
        try:
            if submit is None:
                raise CallbackRejected(
                    "The sign-in that runs does not wait for an address; finish it as it asks for."
                )
            submit(url)
        except CallbackRejected as error:
            error.attempt_id = attempt.id
            raise

    async def show_again(self, attempt_id: str | None) -> None:
        """Show the person again what the running login has asked of them.

        Raises:
            AttemptNotFound: No such login waits for the person.
        """
        attempt = self._waiting(attempt_id)
        if attempt.controls.show_again is None:
            raise _not_found(attempt.id, "The sign-in that runs has nothing to show at this moment")
        await attempt.controls.show_again()

    def _waiting(self, attempt_id: str | None) -> Attempt:
        running = self._running
        if running is None or not running.can_be_joined:
            error = AttemptNotFound()
            error.attempt_id = attempt_id
            raise error
        if attempt_id not in {None, running.id}:
            raise _not_found(attempt_id, "Another sign-in is waiting, and not this one")
        return running

    async def stop(self, error: AuthError) -> None:
        """End the running attempt, if there is one, and wait until it has ended."""
        if self._running is not None:
            running = self._running
            running.stop(error)
            await running.left()

    async def shut_down(self) -> None:
        """End the running attempt; one that is stored holds no port while it waits for that."""
        if self._running is not None and not self._running.stop(ShuttingDown()):
            await self.close(hurried=True)
        await self.stop(ShuttingDown())

    async def close(self, *, hurried: bool) -> None:
        """Free what an ended attempt may still hold; unless hurried, once the person saw it."""
        for flow in (self._flows or {}).values():
            if not hurried:
                await flow.finish()
            await flow.close()

    def _check(self, request: LoginRequest) -> None:
        if request.attempt_id is not None and request.attempt_id in self._ids:
            raise InvalidParams("`attemptId` was used before; choose a new one.")
        view = self._cache.look()
        if view.settings_error is not None:
            raise view.settings_error.with_traceback(None)
        refusal = method_refusal(request.method, view.settings)
        if refusal is not None:
            raise LoginMethodNotAllowed(refusal.unavailable_reason)
        if request.method is not LoginMethodId.API_KEY and request.expected_account_id is not None:
            wrong = workspace_refusal(request.expected_account_id, view.settings)
            if wrong is not None:
                raise wrong

    async def _check_api_key(self, request: LoginRequest) -> None:
        """Tell of a key that cannot sign in before another sign-in is ended for it."""
        if request.method is not LoginMethodId.API_KEY:
            return
        try:
            checked_api_key(request.api_key or Secret(""))
            if request.expected_account_id is not None:
                raise WrongAccount(
                    "An API key names no account, so it cannot be that of the one asked for."
                )
        except (ApiKeyInvalid, WrongAccount) as error:
            drop_forbidden_remedies(error, self._cache.look().settings)
            await self._opening.passed()
            error.attempt_id = self._new_id(request)
            self._events.publish(LoginClosing(error.attempt_id))
            self._events.publish(LoginEnded(error.attempt_id, "failed", error))
            raise

    def _new_id(self, request: LoginRequest) -> str:
        attempt_id = request.attempt_id or uuid.uuid4().hex
        self._ids[attempt_id] = None
        if len(self._ids) > _REMEMBERED_ATTEMPTS:
            self._ids.popitem(last=False)
        return attempt_id

    def _start(self, request: LoginRequest, prompts: LoginPrompts) -> Attempt:
        attempt = Attempt(self._new_id(request), request)
        self._running = attempt
        attempt.task = asyncio.ensure_future(self._run(attempt, prompts))
        attempt.task.add_done_callback(lambda _: self._finish_unbegun(attempt))
        return attempt

    def _finish_unbegun(self, attempt: Attempt) -> None:
        """End an attempt that was stopped before it began, at once; it is told in its turn.

        Of one that its only request gave up, nobody has heard, and nobody will.
        """
        if attempt.ended.done():
            return
        error = attempt.stopped_by or LoginCancelled()
        error.attempt_id = attempt.id
        ending = Ending(error)
        self._running = None
        if attempt.is_abandoned:
            del self._ids[attempt.id]
        else:
            self._opening.after(lambda: self._tell_end_of_unbegun(attempt, ending))
        attempt.ended.set_result(ending)

    async def _run(self, attempt: Attempt, prompts: LoginPrompts) -> None:
        await self._opening.passed()
        farewell = Farewell()
        end: Account | AuthError
        try:
            attempt.begin(self._clock.now())
            self._keeper.begin_login(attempt.to_pending_login())
            end = await self._sign_in(attempt, prompts, farewell)
        except asyncio.CancelledError:
            end = attempt.stopped_by or LoginCancelled()
        except AuthError as error:
            end = error
            if isinstance(error, LoginMethodUnavailable):
                self.not_offered[attempt.request.method] = error.message
            drop_forbidden_remedies(error, self._cache.look().settings)
        except Exception as exc:  # noqa: BLE001 - a defect must end the attempt like any failure
            end = InternalError()
            end.correlation_id = log_defect(logger, exc)
        self._finish(attempt, Ending(end if isinstance(end, AuthError) else None))
        if farewell.say is not None:
            farewell.say(end)

    async def _sign_in(
        self, attempt: Attempt, prompts: LoginPrompts, farewell: Farewell
    ) -> Account:
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

    async def _meet_issuer(self, attempt: Attempt) -> IssuerMetadata | None:
        """Return what the issuer publishes; a proxy or certificate in the way ends the attempt.

        A network that is down may be up again when the person is done, so that is only told.
        """
        try:
            published = await meet_issuer(self._issuer)
        except NetworkUnreachable as error:
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

    def _finish(self, attempt: Attempt, ending: Ending) -> None:
        if ending.error is not None:
            ending.error.attempt_id = attempt.id
        self._events.publish(LoginClosing(attempt.id))
        self._keeper.end_login(stored=ending.error is None)
        self._running = None
        self._events.publish(LoginEnded(attempt.id, ending.outcome, ending.error))
        attempt.ended.set_result(ending)

    def _tell_end_of_unbegun(self, attempt: Attempt, ending: Ending) -> None:
        self._events.publish(LoginClosing(attempt.id))
        self._events.publish(LoginEnded(attempt.id, ending.outcome, ending.error))


def _not_found(attempt_id: str | None, sentence: str) -> AttemptNotFound:
    """Return the error of a request beside a sign-in that runs: no advice may end that one."""
    error = AttemptNotFound(f"{sentence}; it goes on.", remediation=())
    error.attempt_id = attempt_id
    return error


def _joins(request: LoginRequest, running: Attempt) -> bool:
    return (
        request.if_running in {IfRunning.JOIN, IfRunning.JOIN_ELSE_SUPERSEDE}
        and request.method is running.request.method
        and request.method is not LoginMethodId.API_KEY
        and request.expected_account_id in {None, running.request.expected_account_id}
    )


def _keep_running() -> None:
    """Take back the cancellation of the current task, which came too late."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
