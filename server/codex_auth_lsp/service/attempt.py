"""One login attempt: what was asked for, where it is, and how it ended.

    starting → waitingForUser → exchanging → verifying → storing → ended
        └───────────┴───────────────┴────────────┴→ ended

Until `storing` an attempt can be stopped, with the error that its requests get; from then on it
runs to its end, so that nobody is told "cancelled" about a login that is stored.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.pending_login import PendingLogin
from codex_auth_lsp.errors import (
    AuthError,
    DeviceCodeExpired,
    LoginCancelled,
    LoginSuperseded,
    LoginTimedOut,
    ShuttingDown,
)
from codex_auth_lsp.flows.base import Controls, LoginPhase

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.login_method import LoginMethodId
    from codex_auth_lsp.secret import Secret

DEFAULT_LOGIN_SECONDS = 600


class IfRunning(StrEnum):
    """What becomes of a login that already runs when another is asked for."""

    SUPERSEDE = "supersede"
    JOIN = "join"
    JOIN_ELSE_SUPERSEDE = "joinElseSupersede"  # what commands do; not on the wire
    FAIL = "fail"


@dataclass(frozen=True)
class LoginRequest:
    """What a language client or a person at a terminal asks for."""

    method: LoginMethodId
    api_key: Secret | None = None
    attempt_id: str | None = None
    if_running: IfRunning = IfRunning.SUPERSEDE
    expected_account_id: str | None = None
    seconds: int = DEFAULT_LOGIN_SECONDS


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended; without an error somebody is signed in."""

    error: AuthError | None = None

    @property
    def outcome(self) -> str:
        """The contract's `auth/loginCompleted.outcome`."""
        if self.error is None:
            return "signedIn"
        if isinstance(self.error, LoginCancelled | ShuttingDown):
            return "cancelled"
        if isinstance(self.error, LoginSuperseded):
            return "superseded"
        timed_out = isinstance(self.error, LoginTimedOut | DeviceCodeExpired)
        return "expired" if timed_out else "failed"


@dataclass(eq=False)
class Attempt:
    """A running attempt.

    `waiting` counts the requests that want its outcome; `is_abandoned` is true once the last of
    them was cancelled, and the attempt with it.
    """

    id: str
    request: LoginRequest
    started_at: datetime = field(init=False)
    expires_at: datetime = field(init=False)
    phase: LoginPhase = LoginPhase.STARTING
    waiting: int = 0
    nobody_waits: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    stopped_by: AuthError | None = None
    is_abandoned: bool = False
    controls: Controls = field(default_factory=Controls)
    ended: asyncio.Future[Ending] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def begin(self, now: datetime) -> None:
        """Count the time from now on."""
        self.started_at = now
        self.expires_at = now + timedelta(seconds=self.request.seconds)

    @property
    def can_be_joined(self) -> bool:
        """Whether another request can still wait for the same outcome."""
        return self.stopped_by is None and not self.ended.done()

    def stop(self, error: AuthError) -> bool:
        """End the attempt with `error`; return whether that was still possible."""
        if self.phase is LoginPhase.STORING or not self.can_be_joined:
            return False
        self.stopped_by = error
        if self.task is not None:
            self.task.cancel()
        return True

    async def over(self) -> Ending:
        """Wait for the end, whatever becomes of the waiting task."""
        return await asyncio.shield(self.ended)

    async def left(self) -> None:
        """Wait until it has ended and every request that waited knows."""
        await self.over()
        while self.waiting:
            self.nobody_waits.clear()
            await self.nobody_waits.wait()

    def to_pending_login(self) -> PendingLogin:
        """Return what a status shows of it."""
        return PendingLogin(self.id, self.request.method, self.started_at, self.expires_at)
