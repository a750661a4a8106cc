"""What the server answers to each request (`protocol.md`, "Requests")."""

from pydantic import Field

from codex_auth_lsp.wire.model import Sent, UInteger
from codex_auth_lsp.wire.types import (
    AttemptId,
    AuthStatus,
    CancelOutcome,
    CheckStatus,
    ErrorKind,
    Link,
    LoginMethod,
    ProviderAuth,
    Remediation,
    Revocation,
    Sentence,
    StoreName,
    Timestamp,
)


class MethodsResult(Sent):
    """`auth/methods`: the ways of signing in, best first."""

    methods: list[LoginMethod]


class LoginResult(Sent):
    """`auth/login`: somebody is signed in. With an API key, `links` lead to keys and prices."""

    attempt_id: AttemptId
    status: AuthStatus
    message: Sentence
    links: list[Link]


class CancelLoginResult(Sent):
    """`auth/cancelLogin`."""

    outcome: CancelOutcome


class SubmitCallbackResult(Sent):
    """`auth/submitCallback`: the URL is the attempt's, whose end is told by the login."""

    accepted: bool


class ReopenBrowserResult(Sent):
    """`auth/reopenBrowser`: nothing."""


class RemainingLogin(Sent):
    """A store that a logout could not empty, and the kind of error that kept it from doing so."""

    store: StoreName
    kind: ErrorKind


class LogoutResult(Sent):
    """`auth/logout`."""

    removed: list[StoreName]
    remaining: list[RemainingLogin]
    revoked: Revocation
    status: AuthStatus


class ProvidersResult(Sent):
    """`auth/providers`: every model provider."""

    active_provider_id: str
    providers: list[ProviderAuth]
    revision: UInteger
    server_instance_id: Sentence


class CredentialResult(Sent):
    """`auth/credential`: what to put on a request to a provider; a secret as a whole."""

    provider_id: str
    base_url: str = Field(pattern=r"^https?://")
    headers: dict[str, str] = Field(repr=False)
    query_params: dict[str, str] | None = Field(None, repr=False)
    expires_at: Timestamp | None = None
    revision: UInteger


class SignInCommandResult(Sent):
    """The two sign-in commands: an attempt runs, its outcome comes as a message."""

    attempt_id: AttemptId


class DoctorCheck(Sent):
    """What one check of `auth/doctor` found."""

    id: str
    status: CheckStatus
    summary: Sentence
    detail: str | None = None
    remediation: list[Remediation] | None = None


class DoctorResult(Sent):
    """`auth/doctor`."""

    checks: list[DoctorCheck]
