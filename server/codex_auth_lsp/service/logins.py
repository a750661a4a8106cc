"""Signing in: one attempt at a time in this process, and what becomes of it.

Invariants: a credential is stored only by an attempt that nobody stopped; an attempt that ends
otherwise leaves the store as it was; every attempt is told once as ended, after the changes that it
brought.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.login_method import LoginMethodId
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
    LoginSuperseded,
    ShuttingDown,
    WrongAccount,
)
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.flows.api_key import checked_api_key
from codex_auth_lsp.flows.base import Farewell
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.attempt import Attempt, Ending, IfRunning, LoginRequest
from codex_auth_lsp.service.events import Events, LoginClosing, LoginEnded
from codex_auth_lsp.service.methods import drop_forbidden_remedies, method_refusal
from codex_auth_lsp.service.policy import workspace_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.account import Account
    from codex_auth_lsp.flows.base import LoginPrompts
    from codex_auth_lsp.service.login_cache import LoginCache
    from codex_auth_lsp.service.opening import Opening
    from codex_auth_lsp.service.sign_in import SignIn
    from codex_auth_lsp.service.status_keeper import StatusKeeper

_REMEMBERED_ATTEMPTS = 10_000  # whose ids cannot be used again; a bound for the memory

logger = logging.getLogger(__name__)


class Logins:
    """The login attempts of this process."""

    def __init__(
        self,
        sign_in: SignIn,
        cache: LoginCache,
        keeper: StatusKeeper,
        clock: Clock,
        events: Events,
        opening: Opening,
    ) -> None:
        self._sign_in = sign_in
        self._cache = cache
        self._keeper = keeper
        self._clock = clock
        self._events = events
        self._opening = opening
        self._running: Attempt | None = None
        self._ids: OrderedDict[str, None] = OrderedDict()
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
    def not_offered(self) -> Mapping[LoginMethodId, str]:
        """Why the issuer does not offer a method, where that was found."""
        return self._sign_in.not_offered

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
        await self._sign_in.close(hurried=hurried)

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
            end = await self._sign_in.run(attempt, prompts, farewell)
        except asyncio.CancelledError:
            end = attempt.stopped_by or LoginCancelled()
        except AuthError as error:
            end = error
            drop_forbidden_remedies(error, self._cache.look().settings)
        except Exception as exc:  # noqa: BLE001 - a defect must end the attempt like any failure
            end = InternalError()
            end.correlation_id = log_defect(logger, exc)
        self._finish(attempt, Ending(end if isinstance(end, AuthError) else None))
        if farewell.say is not None:
            farewell.say(end)

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
