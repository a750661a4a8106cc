"""The steps that scenarios are made of: what the server does next, and what the client must do."""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.conformance import answers
from codex_auth_lsp.conformance.attempt import Attempt
from codex_auth_lsp.conformance.pages import Pages
from codex_auth_lsp.conformance.unasked import Unasked
from codex_auth_lsp.errors import LoginCancelled
from codex_auth_lsp.transport.error_replies import error_reply
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.conformance.conversation import Conversation, Event
    from codex_auth_lsp.conformance.findings import Findings
    from codex_auth_lsp.errors import AuthError

SETTLE_SECONDS = 1.0
"""How long a client is watched for doing what it should leave alone."""

_BEFORE_ITS_TIME = {"login", "cancel", "logout", "submit", "reopen", "page"}
"""What a client may do before it has introduced itself: each is blamed where it is received."""


class Stopped(Exception):
    """The scenario cannot go on. The message says what the client did, or did not do."""


class NotForThisClient(Exception):
    """The scenario has no meaning for a client that declares so little."""


class Player:
    """A scenario's view of the client."""

    def __init__(
        self,
        conversation: Conversation,
        events: asyncio.Queue[Event],
        findings: Findings,
        clock: Clock,
        *,
        page: str,
        seconds: float,
    ) -> None:
        """`page` is the address of a page that can be opened, `seconds` the patience."""
        self.server = conversation
        self._events = events
        self._findings = findings
        self._clock = clock
        self._page = page
        self._seconds = seconds
        self._pages = Pages(findings)
        self._unasked = Unasked(conversation, findings, self._pages)

    async def is_introduced(self) -> None:
        """Wait for `initialized`, and announce the state."""
        what = "sent `initialize` and then `initialized`"
        await self.expect("initialized", what=what, ignoring=_BEFORE_ITS_TIME)
        self.server.announce(self.server.status, "startup", account_changed=False)

    def wants_notifications(self) -> None:
        """Leave a client alone that hears of no changes."""
        if not self.server.has_auth:
            raise NotForThisClient("the client sends no `experimental.auth` and hears of nothing")

    async def begins(self, method: str) -> Attempt:
        """Wait for the person's sign-in to begin."""
        what = f"asked for `auth/login` with method `{method}`"
        event = await self.expect("login", what=what)
        by_command = event.method in methods.COMMANDS
        device_code = event.method == methods.COMMAND_SIGN_IN_WITH_DEVICE_CODE
        asked = ("deviceCode" if device_code else "browser") if by_command else event.params
        name = asked if isinstance(asked, str) else asked.get("method")
        if name != method:
            raise Stopped(
                f"The client signed in with method `{name}`, where the person wants `{method}`."
            )
        own = secrets.token_hex(8)
        attempt = Attempt(
            attempt_id=str(event.params.get("attemptId") or own),
            method=method,
            request=None if by_command else event.id,
            token=None if by_command else event.params.get("workDoneToken"),
        )
        self._unasked.began(attempt)
        if by_command and event.id is not None:
            self.server.answer(event.id, {"attemptId": attempt.attempt_id})
        self._report(attempt, {"kind": "begin", "title": "Sign in", "cancellable": True})
        now = self._clock.now()
        status = answers.waiting(self.server.status, attempt.attempt_id, method, now)
        self.server.change(status, "pendingLogin")
        self.goes_on(attempt, "starting", "Preparing the sign-in.")
        return attempt

    async def asks_for_page(self, attempt: Attempt) -> str | None:
        """Ask for the sign-in page to be opened; return by which method, if one does that."""
        url = f"{self._page}/authorize?state={secrets.token_hex(8)}&scope=openid+email"
        prompt = {"kind": "openUrl", "url": url, "message": "Sign in in the browser."}
        asked_by = await self._ask(attempt, prompt, external=url)
        self.goes_on(attempt, "waitingForUser", "Waiting for you to sign in in the browser.")
        return asked_by

    async def shows_page(self, attempt: Attempt) -> None:
        """Ask for the sign-in page to be opened, and wait until it is."""
        asked_by = await self.asks_for_page(attempt)
        if asked_by is not None and not self._pages.is_open:
            event = await self.expect("page", what=f"opened the page that `{asked_by}` named")
            self._opens(event)
        await self.leaves_alone("while the person was at the sign-in page")

    async def shows_code(self, attempt: Attempt) -> None:
        """Ask for a code to be shown; its page is not to be opened."""
        prompt = {
            "kind": "deviceCode",
            "url": f"{self._page}/device",
            "userCode": answers.USER_CODE,
            "expiresAt": "2099-01-01T00:00:00Z",
            "message": "Never share this code, and go on only if you began this sign-in.",
        }
        await self._ask(attempt, prompt, external=None)
        self.goes_on(attempt, "waitingForUser", "Waiting for the code to be entered.")
        await self.leaves_alone("before the code was entered on another device")

    def goes_on(self, attempt: Attempt, phase: str, message: str) -> None:
        """Tell of a phase."""
        progress = {"attemptId": attempt.attempt_id, "phase": phase, "message": message}
        self.server.notify_auth(methods.LOGIN_PROGRESS, progress)
        self._report(attempt, {"kind": "report", "message": message})

    def succeeds(self, attempt: Attempt, status: dict[str, Any]) -> None:
        """Let the sign-in succeed."""
        self.goes_on(attempt, "storing", "Storing the login.")
        message = f"Signed in to Codex as {status['account']['label']}."
        result = {
            "attemptId": attempt.attempt_id,
            "status": status,
            "message": message,
            "links": [],
        }
        self._end(attempt, status, "login", {"outcome": "signedIn"})
        if attempt.request is None:
            self.server.notify("window/showMessage", {"type": 3, "message": message})
        else:
            self.server.answer(attempt.request, result)

    def fails(self, attempt: Attempt, status: dict[str, Any], error: AuthError) -> None:
        """Let the sign-in fail."""
        self._end_without_login(attempt, status, "failed", error)
        self._say_failure(attempt, error)

    def is_cancelled(self, attempt: Attempt, status: dict[str, Any], event: Event) -> None:
        """Let the sign-in be cancelled by this event."""
        error = LoginCancelled()
        if event.id is not None:
            self.server.answer(event.id, {"outcome": "cancelled"})
        self._end_without_login(attempt, status, "cancelled", error)
        if event.method == "$/cancelRequest" and attempt.request is not None:
            self.server.refuse(attempt.request, error_reply(asyncio.CancelledError()))
        else:
            self._say_failure(attempt, error)

    async def quits(self) -> None:
        """Wait for the client to end the conversation in order."""
        what = "quit, with the request `shutdown` and then `exit`"
        event = await self.expect("shutdown", "exit", "end", what=what)
        if event.kind == "shutdown":
            await self.expect("exit", "end", what="sent `exit` after `shutdown`")

    async def leaves_alone(self, when: str) -> None:
        """Watch for a moment that the client does nothing that was not asked for."""
        watch = asyncio.ensure_future(self._clock.sleep(SETTLE_SECONDS))
        try:
            while not watch.done():
                heard = asyncio.ensure_future(self._events.get())
                await asyncio.wait({watch, heard}, return_when=asyncio.FIRST_COMPLETED)
                if heard.done():
                    self._not_asked_for(heard.result(), f"The client quit {when}.")
                else:
                    heard.cancel()
        finally:
            watch.cancel()

    async def expect(self, *kinds: str, what: str, ignoring: Collection[str] = ()) -> Event:
        """Wait for one of these events. `what` is what the client should have done by then.

        Raises:
            Stopped: It did not, or has left.
        """
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    event = await self._events.get()
                    if event.kind in kinds:
                        return event
                    if event.kind in ignoring:
                        continue
                    self._not_asked_for(event, f"The client left before it had {what}.")
        except TimeoutError:
            raise Stopped(f"The client has not {what} within {self._seconds:g} seconds.") from None

    def _not_asked_for(self, event: Event, if_it_left: str) -> None:
        if event.kind in {"shutdown", "exit", "end"}:
            raise Stopped(if_it_left)
        self._unasked.take(event)

    def _opens(self, event: Event) -> None:
        if not self._pages.is_prompted(event.method):
            raise Stopped("The client opened another address than the one that it was given.")
        self._pages.opened(event.method)

    async def _ask(
        self, attempt: Attempt, prompt: dict[str, Any], *, external: str | None
    ) -> str | None:
        """Prompt the person as the client can; return the method that has a page opened, if any."""
        if external is not None:
            self._pages.prompted(external)
        if self.server.has_prompt:
            params = {"attemptId": attempt.attempt_id, **prompt}
            self._show(partial(self.server.notify, methods.LOGIN_PROMPT, params), external)
            return methods.LOGIN_PROMPT
        if external is not None and self.server.shows_documents:
            params = {"uri": external, "external": True, "takeFocus": True}
            self._show(partial(self.server.request, "window/showDocument", params), external)
            answer = await self.expect("answer", "page", what="answered `window/showDocument`")
            if answer.kind == "page":
                self._opens(answer)
                return "window/showDocument"
            result = answer.params.get("result")
            if isinstance(result, dict) and result.get("success") is True:
                return "window/showDocument"
        words = [prompt["message"], prompt["url"], prompt.get("userCode", "")]
        text = " ".join(word for word in words if word)
        message = {"type": 3, "message": text}
        self._show(partial(self.server.notify, "window/showMessage", message), external)
        return None

    def _show(self, send: Callable[[], Any], page: str | None) -> None:
        """Send a prompt, now and whenever the client asks for it."""

        def again() -> None:
            if page is not None:
                self._pages.prompted(page)
            send()

        send()
        self._unasked.prompted(again)

    def _report(self, attempt: Attempt, value: dict[str, Any]) -> None:
        if attempt.token is not None:
            self.server.notify("$/progress", {"token": attempt.token, "value": value})

    def _end_without_login(
        self, attempt: Attempt, status: dict[str, Any], outcome: str, error: AuthError
    ) -> None:
        error.attempt_id = attempt.attempt_id
        completed = {"outcome": outcome, "error": answers.auth_error(error)}
        self._end(attempt, status, "pendingLogin", completed)

    def _say_failure(self, attempt: Attempt, error: AuthError) -> None:
        if attempt.request is None:
            self.server.notify("window/showMessage", {"type": 1, "message": error.message})
        else:
            self.server.refuse(attempt.request, error_reply(error))

    def _end(
        self, attempt: Attempt, status: dict[str, Any], cause: str, completed: dict[str, Any]
    ) -> None:
        self._unasked.ended()
        self._pages.ended()
        self._report(attempt, {"kind": "end"})
        self.server.change(status, cause)
        params = {"attemptId": attempt.attempt_id, **completed}
        self.server.notify_auth(methods.LOGIN_COMPLETED, params)
