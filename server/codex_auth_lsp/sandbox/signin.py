"""The part of the sandbox that a person's browser sees, from the authorization request to its end.

A session cookie holds the browser's transactions together; every form carries the session's CSRF
token (RFC 6749 section 10.12). A transaction ends with the first decision.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field, replace
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from codex_auth_lsp.sandbox import pages
from codex_auth_lsp.sandbox.authorization import (
    AuthorizationRequest,
    RedirectError,
    ShowError,
    judge_request,
)
from codex_auth_lsp.sandbox.device import DEVICE_SCOPE, DeviceLogin, DeviceLogins
from codex_auth_lsp.sandbox.fields import Fields, redirect
from codex_auth_lsp.sandbox.ledger import Grant, Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from codex_auth_lsp.http1 import Request, Response
    from codex_auth_lsp.sandbox.people import Person

_COOKIE = "sandbox_session"
_MAXIMUM_SESSIONS = 1000  # the oldest goes; a bound for floods

_EXPIRED = pages.message_page(
    "This page is no longer valid",
    "The sign-in has ended or belongs to another browser. Start again in your editor.",
    400,
)


@dataclass(eq=False, slots=True)
class _Transaction:
    """One sign-in under way: what asked for it, and who answers."""

    subject: AuthorizationRequest | DeviceLogin
    person: Person | None = None

    @property
    def redirect_origin(self) -> str | None:
        subject = self.subject
        return subject.redirect_origin if isinstance(subject, AuthorizationRequest) else None


@dataclass(eq=False, slots=True)
class _Session:
    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    transactions: dict[str, _Transaction] = field(default_factory=dict)

    def begin(self, subject: AuthorizationRequest | DeviceLogin) -> Response:
        transaction_id = secrets.token_urlsafe(24)
        self.transactions[transaction_id] = _Transaction(subject)
        return redirect(f"/sign-in?transaction={transaction_id}")

    def hidden(self, transaction_id: str | None = None) -> pages.Hidden:
        transaction = [("transaction", transaction_id)] if transaction_id else []
        return [("csrf", self.csrf), *transaction]


class SignIn:
    """The routes that a browser visits."""

    def __init__(
        self,
        ledger: Ledger,
        devices: DeviceLogins,
        client_ids: frozenset[str],
        people: Callable[[], Sequence[Person]],
    ) -> None:
        self._ledger = ledger
        self._devices = devices
        self._client_ids = client_ids
        self._people = people
        self._sessions: dict[str, _Session] = {}

    def authorize(self, request: Request, fields: Fields, error: str | None = None) -> Response:
        """Answer `GET /oauth/authorize`; a valid request meets `error` where one is given."""
        judged = judge_request(fields, self._client_ids)
        if isinstance(judged, ShowError):
            return pages.message_page("This sign-in cannot begin", judged.explanation, 400)
        if isinstance(judged, RedirectError):
            return redirect(judged.location)
        if error is not None:
            return redirect(judged.redirect(error=error, error_description="A test asked for it."))
        session = self._session(request) or self._new_session()
        return _with_cookie(session.begin(judged), session)

    def sign_in_page(self, request: Request, fields: Fields) -> Response:
        """Answer `GET /sign-in`."""
        session, transaction = self._transaction(request, fields)
        if session is None or transaction is None:
            return _EXPIRED
        hidden = session.hidden(fields.get("transaction"))
        return pages.sign_in_page(self._people(), hidden, transaction.redirect_origin)

    def sign_in(self, request: Request, fields: Fields) -> Response:
        """Answer `POST /sign-in`: somebody chose who to be."""
        session, transaction = self._transaction(request, fields, form=True)
        chosen = fields.get("person")
        person = next((one for one in self._people() if one.id == chosen), None)
        if session is None or transaction is None or person is None:
            return _EXPIRED
        transaction.person = person
        if not person.entitled:
            del session.transactions[fields.get("transaction")]
            return self.answer(transaction.subject, person, allows=False)
        return redirect(f"/consent?transaction={fields.get('transaction')}")

    def consent_page(self, request: Request, fields: Fields) -> Response:
        """Answer `GET /consent`."""
        session, transaction = self._transaction(request, fields)
        if session is None or transaction is None or transaction.person is None:
            return _EXPIRED
        subject = transaction.subject
        for_browser = isinstance(subject, AuthorizationRequest)
        return pages.consent_page(
            transaction.person,
            subject.scope if isinstance(subject, AuthorizationRequest) else DEVICE_SCOPE,
            "Codex on this computer" if for_browser else "The device that shows the code",
            session.hidden(fields.get("transaction")),
            transaction.redirect_origin,
        )

    def decide(self, request: Request, fields: Fields) -> Response:
        """Answer `POST /consent`."""
        session, transaction = self._transaction(request, fields, form=True)
        decision = fields.get("decision")
        if session is None or transaction is None or decision not in ("allow", "deny"):
            return _EXPIRED
        if transaction.person is None:
            return _EXPIRED
        del session.transactions[fields.get("transaction")]
        return self.answer(transaction.subject, transaction.person, allows=decision == "allow")

    def answer(
        self, subject: AuthorizationRequest | DeviceLogin, person: Person, *, allows: bool
    ) -> Response:
        """Let a person end a sign-in, whose workspace may have no Codex."""
        if not person.entitled:
            return self._deny(subject, "missing_codex_entitlement")
        if not allows:
            return self._deny(subject, "The person refused.")
        return self._allow(subject, person)

    def device_page(self, request: Request) -> Response:
        """Answer `GET /codex/device`."""
        if not self._ledger.policy.device_enabled:
            return pages.message_page("Not found", "Device code sign-in is not enabled.", 404)
        session = self._session(request) or self._new_session()
        return _with_cookie(pages.device_page(session.hidden()), session)

    def enter_code(self, request: Request, fields: Fields) -> Response:
        """Answer `POST /codex/device`."""
        session = self._form_session(request, fields)
        if session is None:
            return _EXPIRED
        login = self._devices.find(fields.get("user_code"))
        if login is None:
            return pages.device_page(
                session.hidden(), "That code is not valid, or no longer. Check it and try again."
            )
        return session.begin(login)

    def clear(self) -> None:
        """Forget every browser."""
        self._sessions.clear()

    def _allow(self, subject: AuthorizationRequest | DeviceLogin, person: Person) -> Response:
        if isinstance(subject, DeviceLogin):
            subject.grant = Grant(person, subject.client_id, DEVICE_SCOPE, organizations=True)
            return pages.message_page(
                "You are signed in", "You can close this tab and return to your editor."
            )
        grant = Grant(person, subject.client_id, subject.scope, subject.organizations)
        code = self._ledger.issue_code(grant, subject.redirect_uri, subject.code_challenge)
        return redirect(subject.redirect(code=code))

    def _deny(self, subject: AuthorizationRequest | DeviceLogin, description: str) -> Response:
        if isinstance(subject, DeviceLogin):
            subject.denied = True
            return pages.message_page("You are not signed in", "You can close this tab.")
        return redirect(subject.redirect(error="access_denied", error_description=description))

    def _new_session(self) -> _Session:
        if len(self._sessions) >= _MAXIMUM_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = _Session()
        self._sessions[session.id] = session
        return session

    def _session(self, request: Request) -> _Session | None:
        try:
            cookies = SimpleCookie(request.header("cookie") or "")
        except CookieError:
            return None
        morsel = cookies.get(_COOKIE)
        return self._sessions.get(morsel.value) if morsel is not None else None

    def _form_session(self, request: Request, fields: Fields) -> _Session | None:
        """Return the session whose own page sent this form."""
        session = self._session(request)
        origin = request.header("origin")
        if session is None or fields.problem is not None:
            return None
        if origin is not None and origin != f"http://{request.header('host')}":
            return None
        sent = fields.get("csrf").encode("utf-8", "replace")
        return session if hmac.compare_digest(sent, session.csrf.encode("ascii")) else None

    def _transaction(
        self, request: Request, fields: Fields, *, form: bool = False
    ) -> tuple[_Session | None, _Transaction | None]:
        session = self._form_session(request, fields) if form else self._session(request)
        if session is None:
            return None, None
        return session, session.transactions.get(fields.get("transaction"))


def _with_cookie(response: Response, session: _Session) -> Response:
    cookie = ("Set-Cookie", f"{_COOKIE}={session.id}; Path=/; HttpOnly; SameSite=Lax")
    return replace(response, headers=(*response.headers, cookie))
