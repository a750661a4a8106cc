"""The current status, and the announcement of every difference to it.

Invariants: a status is announced when and only when it differs from the last one in anything but
`revision`; `revision` grows with every difference; a change that this process makes itself is
announced under its own cause, never as somebody else's.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.claims import clean_text
from codex_auth_lsp.domain.credential import AccessTokenCredential, ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.domain.status import (
    ACCESS_TOKEN_VARIABLE,
    API_KEY_VARIABLE,
    AuthStatus,
    Environment,
    Forbidden,
    StatusFacts,
    derive_status,
    login_serves,
)
from codex_auth_lsp.domain.store_report import CredentialSource
from codex_auth_lsp.errors import (
    AuthError,
    NeedsReauth,
    NotSignedIn,
    ProviderUnknown,
    Remediation,
)
from codex_auth_lsp.providers.active import active_provider
from codex_auth_lsp.providers.surroundings import FailedCommand, Surroundings
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.change_cause import Look, find_cause
from codex_auth_lsp.service.events import Events, StatusChanged
from codex_auth_lsp.service.held_tokens import HeldTokens, tokens_fingerprint
from codex_auth_lsp.service.policy import credential_refusal
from codex_auth_lsp.stores.base import READABLE, unreadable
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.domain.credential import Credential
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
        self._issuer = issuer
        self._environment = environment
        self._clock = clock
        self._events = events
        self.instance_id = secrets.token_hex(8)
        self._pending_login: PendingLogin | None = None
        self._verdict: _RefreshVerdict | None = None
        self._unsaved: HeldTokens | None = None
        self._failed_commands: Mapping[str, FailedCommand] = MappingProxyType({})
        self._own_changes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._announcing = False
        self._keeps_time = False
        self._after_looks: list[Callable[[], None]] = []
        self._login_serves = False
        self._revision = 1
        self._view = cache.look()
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
    def environment_access_token(self) -> AccessTokenCredential | None:
        """The personal access token that wins over the store, where there is one and it may."""
        token = self._environment_token()
        return None if token is None or self._refusal_of(token) is not None else token

    def _environment_token(self) -> AccessTokenCredential | None:
        token = self._environment.get(ACCESS_TOKEN_VARIABLE, "").strip()
        return AccessTokenCredential(Secret(token)) if token else None

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that providers take their keys and headers from; `.env` wins."""
        variables = self._view.variables
        return {**self._environment, **variables} if variables else self._environment

    @property
    def surroundings(self) -> Surroundings:
        """What providers find beside their tables."""
        stored = self._credential()
        allowed = stored if self._refusal_of(stored) is None else None
        login = self.environment_access_token or allowed
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

    def _refusal_of(self, credential: Credential | None) -> AuthError | None:
        """Return why the configuration does not allow a credential, None where it does."""
        if credential is None:
            return None
        return credential_refusal(credential, self._view.settings)

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
        return (self._pending_login, self._verdict, self._unsaved, self._failed_commands)

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
        self._view = view
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

    def stored_credential(self) -> Credential:
        """Return the credential in force, the environment's before the stored one.

        Raises:
            NotSignedIn, StoreCorrupt, StoreLocked, StoreUnavailable: There is none.
            ConfigurationInvalid: Nobody can know where there might be one.
            NeedsReauth: The issuer has refused the stored tokens for good.
            LoginMethodNotAllowed, WrongWorkspace: The configuration forbids the stored login.
        """
        if self.environment_access_token is not None:
            return self.environment_access_token
        stored = self._credential()
        if stored is None:
            error = None if self._view.settings_known else self._view.settings_error
            raise (error and error.with_traceback(None)) or self._store_error() or NotSignedIn()
        refusal = self._refusal_of(stored)
        if refusal is not None:
            raise refusal
        if isinstance(stored, ChatGptCredential):
            foreign = self.foreign(stored)
            if foreign is not None and self._is_of_a_stranger(stored):
                raise foreign
            verdict = self._verdict_on(stored)
            if isinstance(verdict, NeedsReauth):
                raise verdict.with_traceback(None)  # or each use would keep its frames
        return stored

    def _is_of_a_stranger(self, credential: Credential | None) -> bool:
        """Say whether neither OpenAI nor the configured issuer made a login: it is given to nobody.

        OpenAI's own tokens may go where OpenAI's models are, whoever signs people in now.
        """
        return isinstance(credential, ChatGptCredential) and credential.provenance.issuer not in {
            OPENAI_ISSUER,
            self._issuer.issuer,
        }

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

    def refresh_failed(
        self, credential: ChatGptCredential, error: AuthError, *, is_fresh: bool = False
    ) -> None:
        """Remember why these tokens could not be refreshed, until they change or it works.

        Args:
            credential: The tokens.
            error: Why.
            is_fresh: Whether they are new all the same, and only part of an answer was bad.
        """
        self._verdict = _RefreshVerdict(tokens_fingerprint(credential), error, is_fresh)

    def refresh_worked(self) -> None:
        """Forget earlier failures; what was kept in memory is stored now, or not wanted."""
        self._verdict = None
        self._unsaved = None

    def hold_unsaved(
        self, spent: ChatGptCredential, renewed: ChatGptCredential, error: AuthError
    ) -> None:
        """Use renewed tokens in the place of the spent ones, which are still the stored ones."""
        mode = self._view.snapshot.report.mode
        self._unsaved = HeldTokens(tokens_fingerprint(spent), renewed, error, mode)

    def drop_unsaved(self) -> None:
        """Use no such tokens any more: the person has signed out."""
        self._unsaved = None

    def _credential(self) -> Credential | None:
        """Return the stored credential, or what this process holds in its place."""
        unsaved = self._unsaved_in_force
        return self._view.snapshot.credential if unsaved is None else unsaved.renewed

    @property
    def _unsaved_in_force(self) -> HeldTokens | None:
        held = self._unsaved
        return held if held is not None and held.are_in_force(self._view.snapshot) else None

    def _verdict_on(self, credential: ChatGptCredential) -> AuthError | None:
        if self._verdict and self._verdict.fingerprint == tokens_fingerprint(credential):
            return self._verdict.error
        record = self._view.refresh_record
        if record is None or record.fingerprint != credential.refresh_token.fingerprint():
            return None
        return record.refusal() if record.refusal else None  # another window was told so

    def _is_fresh_despite(self, failure: AuthError) -> bool:
        verdict = self._verdict
        return verdict is not None and verdict.error is failure and verdict.is_fresh

    def _derive(self) -> AuthStatus:
        self._derived_from, self._derived_at = self._basis(), self._clock.now()
        snapshot = self._view.snapshot
        stored = self._credential()
        is_held = stored is not None and snapshot.report.health not in READABLE
        forbidden = self._forbidden(stored)
        if self._refusal_of(stored) is not None:
            stored = None
        failure = self._verdict_on(stored) if isinstance(stored, ChatGptCredential) else None
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
                access_token=self.environment_access_token,
                api_key_present=bool(self._environment.get(API_KEY_VARIABLE, "").strip()),
            ),
            refused=isinstance(failure, NeedsReauth) or self._is_of_a_stranger(stored),
            refresh_failed=failure is not None and not self._is_fresh_despite(failure),
            last_error=self._unknown(provider) or failure or self._standing_error(),
            pending_login=self._pending_login,
            forbidden=forbidden,
        )
        self._login_serves = login_serves(facts)
        return derive_status(facts)

    def _forbidden(self, stored: Credential | None) -> tuple[Forbidden, ...]:
        """Return the credentials that are there and that the configuration does not allow."""
        candidates = (
            (CredentialSource("environment", ACCESS_TOKEN_VARIABLE), self._environment_token()),
            (self._view.snapshot.source, stored),
        )
        return tuple(
            Forbidden(source, credential.method, refusal.message)
            for source, credential in candidates
            for refusal in (self._refusal_of(credential),)
            if credential is not None and refusal is not None
        )

    def _unknown(self, provider: ProviderAuth) -> AuthError | None:
        """Return why nothing can be asked of a provider that is nowhere."""
        if provider.defined or self._view.settings_error is not None:
            return None
        return ProviderUnknown(
            provider.problems[0], provider_id=provider.id, remediation=(_NAME_ANOTHER,)
        )

    def _standing_error(self) -> AuthError | None:
        """Return what is wrong now and will be until somebody mends it."""
        if self._view.settings_error is not None:
            return self._view.settings_error
        if self.unsaved_error is not None:
            return self.unsaved_error
        stored = self._view.snapshot.credential
        foreign = self.foreign(stored) if isinstance(stored, ChatGptCredential) else None
        refused = self._refusal_of(stored) if self.environment_access_token is None else None
        return self._store_error() or refused or foreign

    def _store_error(self) -> AuthError | None:
        return unreadable(self._view.snapshot.report)

    @property
    def unsaved_error(self) -> AuthError | None:
        """Why tokens are kept in memory alone, None where none are."""
        unsaved = self._unsaved_in_force
        return unsaved.error if unsaved is not None else None

    def renewable(self) -> ChatGptCredential | None:
        """Return the login that may be renewed without being asked, None where there is none."""
        stored = self._credential()
        if not isinstance(stored, ChatGptCredential) or self.unsaved_error is not None:
            return None
        in_use = self._status.provider.requires_openai_auth and (
            self.environment_access_token is None
        )
        refused = isinstance(self._verdict_on(stored), NeedsReauth) or self._refusal_of(stored)
        return stored if in_use and not refused and self.foreign(stored) is None else None

    def foreign(self, credential: ChatGptCredential) -> NeedsReauth | None:
        """Return why a login of another issuer than the configured one is left alone."""
        if credential.provenance.issuer == self._issuer.issuer:
            return None
        return NeedsReauth(
            f"The stored sign-in was made with {clean_text(credential.provenance.issuer)}, and the "
            f"issuer configured now is {self._issuer.issuer}, so it is left alone; sign in again "
            "to replace it."
        )

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


@frozen
class _RefreshVerdict:
    """What came of the last refresh of one set of tokens."""

    fingerprint: str
    error: AuthError
    is_fresh: bool
