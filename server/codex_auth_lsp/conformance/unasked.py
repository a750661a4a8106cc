"""What a client does that the scenario did not ask for: judged, and answered as by the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.errors import AttemptNotFound, AuthError, CallbackRejected, InternalError
from codex_auth_lsp.transport.error_replies import error_reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.conformance.attempt import Attempt
    from codex_auth_lsp.conformance.conversation import Conversation, Event
    from codex_auth_lsp.conformance.findings import Findings
    from codex_auth_lsp.conformance.pages import Pages


class Unasked:
    """The judge of one conversation. It is told which sign-in runs, and of each such event."""

    def __init__(self, server: Conversation, findings: Findings, pages: Pages) -> None:
        self._server = server
        self._findings = findings
        self._pages = pages
        self._running: Attempt | None = None
        self._known: set[str] = set()
        self._prompt: Callable[[], None] | None = None

    def began(self, attempt: Attempt) -> None:
        """Take note that a sign-in runs."""
        self._running = attempt
        self._known.add(attempt.attempt_id)

    def prompted(self, prompt: Callable[[], None]) -> None:
        """Take note of how the person is asked once more."""
        self._prompt = prompt

    def ended(self) -> None:
        """Take note that none runs any more."""
        self._running = None
        self._prompt = None

    def take(self, event: Event) -> None:
        """Judge an event and answer it, where it is a request."""
        match event.kind:
            case "cancel":
                self._cancel(event)
            case "submit":
                self._submit(event)
            case "reopen":
                self._reopen(event)
            case "page":
                self._pages.opened(event.method)
            case "login":
                self._blame(
                    event, "The client began a sign-in (`auth/login`) that nobody had asked for."
                )
            case "logout":
                self._blame(
                    event, "The client signed out (`auth/logout`), and nobody had asked for that."
                )

    def _cancel(self, event: Event) -> None:
        """A cancellation of what runs is blamed, one of what does not run is harmless."""
        running = self._running
        if running is not None and running.is_meant_by(event):
            self._findings.mistake(
                "The client ended the sign-in by itself; it takes as long as the person takes."
            )
            outcome = "alreadyFinished"  # it will succeed, as one that is being stored
        else:
            is_known = event.params.get("attemptId") in self._known
            outcome = "alreadyFinished" if is_known else "notFound"
        if event.id is not None:
            self._server.answer(event.id, {"outcome": outcome})

    def _submit(self, event: Event) -> None:
        self._findings.advise(
            "The client sent `auth/submitCallback`; that is right where the person pasted an "
            "address, which is refused here."
        )
        self._refuse(event, self._not_found(event) or CallbackRejected())

    def _reopen(self, event: Event) -> None:
        error = self._not_found(event)
        if error is None and self._prompt is None:
            error = AttemptNotFound(remediation=())
        if error is not None:
            self._refuse(event, error)
        elif self._prompt is not None and event.id is not None:
            self._prompt()
            self._server.answer(event.id, {})

    def _not_found(self, event: Event) -> AttemptNotFound | None:
        if self._running is None:
            return AttemptNotFound()
        is_meant = event.params.get("attemptId") in {None, self._running.attempt_id}
        return None if is_meant else AttemptNotFound(remediation=())

    def _refuse(self, event: Event, error: AuthError) -> None:
        running = None if self._running is None else self._running.attempt_id
        error.attempt_id = event.params.get("attemptId") or running
        if event.id is not None:
            self._server.refuse(event.id, error_reply(error))

    def _blame(self, event: Event, sentence: str) -> None:
        self._findings.mistake(sentence)
        if event.id is not None:
            error = InternalError()
            error.correlation_id = "not-in-the-scenario"
            self._server.refuse(event.id, error_reply(error))
