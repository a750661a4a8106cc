"""What the service tells of itself: values, and the one place where they are handed on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.domain.notice import Notice
    from codex_auth_lsp.errors import AuthError
    from codex_auth_lsp.flows.base import LoginPhase


logger = logging.getLogger(__name__)


@frozen
class StatusChanged:
    """The status is another one: the contract's `auth/statusChanged`."""

    status: dict[str, Any]
    cause: str
    origin: str
    account_changed: bool


@frozen
class LoginProgressed:
    """An attempt reached a phase: the contract's `auth/loginProgress`."""

    attempt_id: str
    phase: LoginPhase
    message: str


@frozen
class LoginClosing:
    """An attempt is over; the changes that it brings are told between this and `LoginEnded`."""

    attempt_id: str


@frozen
class LoginEnded:
    """An attempt ended: the contract's `auth/loginCompleted`, exactly once an attempt."""

    attempt_id: str
    outcome: str
    error: AuthError | None = None


@frozen
class ProvidersChanged:
    """The providers are others, or authenticate otherwise: `auth/providersChanged`."""

    providers: dict[str, Any]


@frozen
class NoticeGiven:
    """A person should hear something: the contract's `auth/notice`."""

    notice: Notice


Event = StatusChanged | ProvidersChanged | LoginProgressed | LoginClosing | LoginEnded | NoticeGiven


class Events:
    """Hands every event to every subscriber, in the order in which they happened."""

    def __init__(self) -> None:
        self._subscribers: list[Callable[[Event], None]] = []

    def subscribe(self, subscriber: Callable[[Event], None]) -> None:
        """Call `subscriber` with every event from now on."""
        self._subscribers.append(subscriber)

    def publish(self, event: Event) -> None:
        """Tell every subscriber at once; one that fails keeps nobody from hearing or going on."""
        for subscriber in self._subscribers:
            try:
                subscriber(event)
            except Exception as exc:  # noqa: BLE001 - a defect there must not break what happened
                log_defect(logger, exc)
