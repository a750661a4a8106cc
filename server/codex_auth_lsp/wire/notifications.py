"""What the server tells without being asked (`protocol.md`, "Notifications")."""

from pydantic import Field

from codex_auth_lsp.wire.model import Sent
from codex_auth_lsp.wire.types import (
    AttemptId,
    AuthError,
    AuthStatus,
    LoginOutcome,
    LoginPhase,
    NoticeCode,
    NoticeSeverity,
    PromptKind,
    Remediation,
    Sentence,
    StatusCause,
    StatusOrigin,
    Timestamp,
)


class StatusChangedParams(Sent):
    """`auth/statusChanged`."""

    status: AuthStatus
    cause: StatusCause
    origin: StatusOrigin
    account_changed: bool


class LoginPromptParams(Sent):
    """`auth/loginPrompt`: what the person has to open or to enter; secret until the login ends."""

    attempt_id: AttemptId
    kind: PromptKind
    url: str = Field(pattern=r"^https?://", repr=False)
    user_code: str | None = Field(None, repr=False)
    expires_at: Timestamp | None = None
    callback_port: int | None = Field(None, ge=1, le=65_535)
    message: Sentence


class LoginProgressParams(Sent):
    """`auth/loginProgress`."""

    attempt_id: AttemptId
    phase: LoginPhase
    message: Sentence


class LoginCompletedParams(Sent):
    """`auth/loginCompleted`: exactly once an attempt."""

    attempt_id: AttemptId
    outcome: LoginOutcome
    error: AuthError | None = None


class NoticeParams(Sent):
    """`auth/notice`: what the person should hear once."""

    code: NoticeCode
    severity: NoticeSeverity
    message: Sentence
    actions: list[Remediation]
