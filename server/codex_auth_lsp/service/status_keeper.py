"""The current status, and the announcement of every difference to it.

Invariants: a status is announced when and only when it differs from the last one in anything but
`revision`; `revision` grows with every difference; a change that this process makes itself is
announced under its own cause, never as somebody else's.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.credential import ChatGptCredential
from codex_auth_lsp.domain.status import (
    API_KEY_VARIABLE,
    AuthStatus,
    Environment,
    StatusFacts,
    derive_status,
    login_serves,
)
from codex_auth_lsp.domain.store_report import CredentialSource
from codex_auth_lsp.errors import (
    AuthError,
    NeedsReauth,
    ProviderUnknown,
    Remediation,
)
from codex_auth_lsp.providers.active import active_provider
from codex_auth_lsp.providers.surroundings import FailedCommand, Surroundings
from codex_auth_lsp.service.change_cause import Look, find_cause
from codex_auth_lsp.service.events import Events, StatusChanged
from codex_auth_lsp.service.login_in_use import LoginInUse
from codex_auth_lsp.stores.base import READABLE, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.domain.pending_login import PendingLogin
    from codex_auth_lsp.domain.provider import ProviderAuth
    from codex_auth_lsp.service.login_cache import LoginCache, View

_CONFIGURATION_UNKNOWN = (
    "config.toml cannot be used, so what it says of model providers is not known."
)
_PLACE_UNKNOWN = "Where logins are kept cannot be known until config.toml is mended."
_NAME_ANOTHER = Remediation("Name another `model_provider` in config.toml, or define that one")
_LONGEST_TIMER = 86_400.0  # seconds; a later expiry is looked at again then


class StatusKeeper:
    """Derives the status from the login cache and from what this process knows beside it."""

    def __init__(
        self,
        cache: LoginCache,
        issuer: IssuerSettings,
        environment: Mapping[str, str],
        clock: Clock,
        events: Events,
    ) -> None:
        self._cache = cache
        self._environment = environment
        self._clock = clock
        self._events = events
        self.instance_id = os.urandom(8).hex()
        self._pending_login: PendingLogin | None = None
        self._failed_commands: Mapping[str, FailedCommand] = MappingProxyType({})
        self._own_changes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._announcing = False
        self._keeps_time = False
        self.tells_own_change = False
        """Whether the last look was for a change that this process made."""
        self._after_looks: list[Callable[[], None]] = []
        self._login_serves = False
        self._revision = 1
        self._view = cache.look()
        self.login = LoginInUse(lambda: self._view, issuer, environment)
        self._status = self._derive()
        self._wire = self._status.to_wire()
        self._told = self._tell()
        self._announced_identity = self._status.identity

    @property
    def view(self) -> View:
        """The login cache as it was last seen."""
        return self._view

    @property
    def status(self) -> AuthStatus:
        """The status as it was last derived."""
        return self._status

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that providers take their keys and headers from; `.env` wins."""
        variables = self._view.variables
        return {**self._environment, **variables} if variables else self._environment

    @property
    def surroundings(self) -> Surroundings:
        """What providers find beside their tables."""
        stored = self.login.credential()
        allowed = stored if self.login.refusal_of(stored) is None else None
        login = self.login.environment_access_token or allowed
        return Surroundings(self.environment, login, self._failed_commands)

    @property
    def providers_basis(self) -> tuple[object, ...]:
        """All that providers depend on; what is the same is the same object."""
        view = self._view
        return (
            view.settings,
            view.settings_known,
            view.variables,
            view.snapshot.credential,
            self._failed_commands,
            self._login_serves,
        )

    @property
    def login_serves(self) -> bool:
        """Whether there is a login for a provider that asks for one."""
        return self._login_serves

    def after_looks(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever the login cache was looked at."""
        self._after_looks.append(callback)

    def wire(self) -> dict[str, Any]:
        """Return the contract's `AuthStatus` as it was last derived: until then the same object."""
        return self._told

    def _tell(self) -> dict[str, Any]:
        return {
            "revision": self._revision,
            "serverInstanceId": self.instance_id,
            **self._wire,
        }

    def _basis(self) -> tuple[object, ...]:
        """Return what the status depends on beside the login cache and the time."""
        return (self._pending_login, *self.login.basis, self._failed_commands)

    def _holds(self, view: View) -> bool:
        """Say whether deriving the status from `view` would bring the same again."""
        if view is not self._view:
            return False
        expires_at = self._status.expires_at
        if expires_at is not None:
            now = self._clock.now()
            if (expires_at > now) != (expires_at > self._derived_at):
                return False
        return all(new is old for new, old in zip(self._basis(), self._derived_from, strict=True))

    @property
    def has_announced(self) -> bool:
        """Whether the first status was announced."""
        return self._announcing

    def announce(self) -> None:
        """Announce the first status, and from now on every difference that a look finds."""
        self.look()
        if not self._announcing:
            self._announcing = True
            self._announced_identity = self._status.identity
            self._publish("startup")

    def start(self) -> None:
        """Do the same, and look when the access token ends, from the running event loop."""
        self.announce()
        self._keeps_time = True
        self._schedule()

    async def sync(self) -> None:
        """Let the next `look` find what is stored now, where that cannot be read at once."""
        await self._cache.sync()

    async def settle(self) -> None:
        """Let the next `look` find settings that were written a moment ago."""
        await self._cache.settle()

    def look(self, cause: str | None = None) -> dict[str, Any]:
        """Look at the login cache, announce a difference, and return the status.

        Args:
            cause: What this process did; None where it only looks, and then the cause is found
                by comparison. While a change of its own is under way, looking waits for its end.
        """
        if cause is None and self._own_changes:
            return self.wire()
        view = self._cache.look()
        if not view.snapshot.known:
            return self.wire()  # nobody has looked into the keyring yet
        if cause is None and self._holds(view):
            return self.wire()
        before = Look(self._view, self._status)
        self._view, self.tells_own_change = view, cause is not None
        self._status = self._derive()
        wire = self._status.to_wire()
        if wire != self._wire:
            self._wire = wire
            self._revision += 1
            self._told = self._tell()
            self._publish(cause or self._find_cause(before))
        for callback in self._after_looks:
            callback()
        self._schedule()
        return self.wire()

    def begin_login(self, pending: PendingLogin) -> None:
        """Show that a login waits."""
        self.look()  # what others did until now is told under its own cause
        self._pending_login = pending
        self.look("pendingLogin")

    def end_login(self, *, stored: bool) -> None:
        """Show that the login is over; `stored` says whether it brought a credential."""
        if not stored:
            self.look()
        self._pending_login = None
        self.look("login" if stored else "pendingLogin")

    @contextmanager
    def own_change(self) -> Iterator[None]:
        """Keep a change that the body makes from being taken for somebody else's."""
        self._own_changes += 1
        try:
            yield
        finally:
            self._own_changes -= 1

    def as_known(self, provider: ProviderAuth) -> ProviderAuth:
        """Return a provider as not ready while no `config.toml` that could be used was ever read.

        With one that was, its last good settings stay in force.
        """
        return provider if self._view.settings_known else provider.unusable(_CONFIGURATION_UNKNOWN)

    def command_failed(self, provider_id: str, failed: FailedCommand) -> None:
        """Tell that a provider's command did not work, until it does or is another one."""
        failures = {**self._failed_commands, provider_id: failed}
        self._failed_commands = MappingProxyType(failures)
        self.look()

    def command_worked(self, provider_id: str) -> None:
        """Forget how a provider's command failed."""
        if provider_id in self._failed_commands:
            failures = {k: v for k, v in self._failed_commands.items() if k != provider_id}
            self._failed_commands = MappingProxyType(failures)
            self.look()

    def _derive(self) -> AuthStatus:
        self._derived_from, self._derived_at = self._basis(), self._clock.now()
        snapshot = self._view.snapshot
        stored = self.login.credential()
        is_held = stored is not None and snapshot.report.health not in READABLE
        forbidden = self.login.forbidden(stored)
        if self.login.refusal_of(stored) is not None:
            stored = None
        failure = self.login.verdict_on(stored) if isinstance(stored, ChatGptCredential) else None
        provider = self.as_known(active_provider(self._view.settings, self.surroundings))
        report, is_empty = snapshot.report, snapshot.credential is None
        if not self._view.settings_known and is_empty and unreadable(report) is None:
            report = report.unknown(_PLACE_UNKNOWN)
        facts = StatusFacts(
            now=self._derived_at,
            store=report,
            source=CredentialSource("memory") if is_held else snapshot.source,
            stored=stored,
            provider=provider,
            environment=Environment(
                access_token=self.login.environment_access_token,
                api_key_present=bool(self._environment.get(API_KEY_VARIABLE, "").strip()),
            ),
            refused=isinstance(failure, NeedsReauth) or self.login.is_of_a_stranger(stored),
            refresh_failed=failure is not None and not self.login.is_fresh_despite(failure),
            last_error=self._view.settings_error
            or self._unknown(provider)
            or failure
            or self._standing_error(),
            pending_login=self._pending_login,
            forbidden=forbidden,
        )
        self._login_serves = login_serves(facts)
        return derive_status(facts)

    def _unknown(self, provider: ProviderAuth) -> AuthError | None:
        """Return why nothing can be asked of a provider that is nowhere."""
        if provider.defined:
            return None
        return ProviderUnknown(
            provider.problems[0], provider_id=provider.id, remediation=(_NAME_ANOTHER,)
        )

    def _standing_error(self) -> AuthError | None:
        """Return what is wrong now and will be until somebody mends it."""
        if self.login.unsaved_error is not None:
            return self.login.unsaved_error
        stored = self._view.snapshot.credential
        foreign = self.login.foreign(stored) if isinstance(stored, ChatGptCredential) else None
        is_outranked = self.login.environment_access_token is not None
        refused = None if is_outranked else self.login.refusal_of(stored)
        return self.login.store_error() or refused or foreign

    def renewable(self) -> ChatGptCredential | None:
        """Return the login that may be renewed without being asked, None where there is none."""
        stored = self.login.credential()
        if not isinstance(stored, ChatGptCredential) or self.login.unsaved_error is not None:
            return None
        in_use = self._status.provider.requires_openai_auth and (
            self.login.environment_access_token is None
        )
        is_over = isinstance(self.login.verdict_on(stored), NeedsReauth)
        refusal = self.login.refusal_of(stored) or self.login.foreign(stored)
        return stored if in_use and not is_over and refusal is None else None

    def _find_cause(self, before: Look) -> str:
        now = Look(self._view, self._status)
        return find_cause(before, now, hides_leftover=self._cache.hides_leftover)

    def _publish(self, cause: str) -> None:
        if not self._announcing:
            return
        identity, before = self._status.identity, self._announced_identity
        self._announced_identity = identity
        origin = "otherProcess" if cause == "externalChange" else "thisServer"
        self._events.publish(StatusChanged(self.wire(), cause, origin, identity != before))

    def _schedule(self) -> None:
        """Look again when the access token ends: the one timer, set only while one is valid."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._keeps_time or self._status.expires_at is None:
            return
        seconds = (self._status.expires_at - self._clock.now()).total_seconds()
        if seconds > 0:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(min(seconds + 0.01, _LONGEST_TIMER), self._look_in_time)

    def _look_in_time(self) -> None:
        self.look()
        self._schedule()  # it may be too early yet: clocks are set, and a timer has a longest time
