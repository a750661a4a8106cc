"""What to put on a request to a model provider, valid for long enough.

Never a refresh token, and never an empty answer in the place of a missing credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.credential import AccessTokenCredential, ChatGptCredential
from codex_auth_lsp.domain.timestamps import format_rfc3339
from codex_auth_lsp.errors import (
    ApiKeyRejected,
    AuthError,
    CredentialCommandFailed,
    IssuerError,
    ProviderUnknown,
    Remediation,
    ShuttingDown,
    StoreError,
)
from codex_auth_lsp.providers.catalogue import Provider, find_provider
from codex_auth_lsp.providers.kind import Sources
from codex_auth_lsp.providers.openai import openai_request_credential
from codex_auth_lsp.providers.plain import plain
from codex_auth_lsp.providers.surroundings import FailedCommand
from codex_auth_lsp.service.refresh_need import is_valid
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from pathlib import Path

    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.config.model_providers import CommandSettings
    from codex_auth_lsp.config.settings import Settings
    from codex_auth_lsp.providers.command_runner import CommandRunner
    from codex_auth_lsp.providers.request_credential import RequestCredential
    from codex_auth_lsp.secret import Secret
    from codex_auth_lsp.service.refresher import Refresher
    from codex_auth_lsp.service.status_keeper import StatusKeeper

PATIENCE_SECONDS = 3.0
"""How long a refresh may run until the token that ends soon is given out instead of the next."""

FIRST_REVISION = 1
"""That of what a process finds before anything has changed."""


@frozen
class IssuedCredential:
    """A credential for one provider, and the count of changes that it is the result of."""

    credential: RequestCredential
    revision: int

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's result of `auth/credential`: the one place that shows it."""
        credential = self.credential
        wire: dict[str, Any] = {
            "providerId": credential.provider_id,
            "baseUrl": credential.base_url,
            "headers": {name: value.reveal() for name, value in credential.headers.items()},
        }
        if credential.query_params:
            parameters = credential.query_params
            wire["queryParams"] = {name: value.reveal() for name, value in parameters.items()}
        if credential.expires_at is not None:
            wire["expiresAt"] = format_rfc3339(credential.expires_at)
        return wire | {"revision": self.revision}


class _Count:
    """How often a provider's credential has changed, and what tells the last one."""

    def __init__(self) -> None:
        self.revision = FIRST_REVISION - 1
        self.fingerprint = ""


class Credentials:
    """Gives out credentials and counts their changes."""

    def __init__(
        self, keeper: StatusKeeper, refresher: Refresher, clock: Clock, folder: Path
    ) -> None:
        self._keeper = keeper
        self._refresher = refresher
        self._clock = clock
        self._folder = folder
        self._made_runner: CommandRunner | None = None
        self._is_closed = False
        self._counts: dict[str, _Count] = {}

    async def issue(
        self, provider_id: str | None, *, min_validity_seconds: float, rejected_revision: int | None
    ) -> IssuedCredential:
        """Return the credential of a provider, the active one where none is named.

        Args:
            provider_id: An id of `config.toml` or of a built-in provider.
            min_validity_seconds: How long it must be valid; renewed first where it is not.
            rejected_revision: The revision that the provider answered with 401.

        Raises:
            ProviderUnknown, ConfigurationInvalid: There is no such provider, or none to be used.
            NotSignedIn, NeedsReauth, ApiKeyRejected, EnvironmentKeyMissing,
            CredentialCommandFailed: There is no credential to give.
            IssuerError, StoreError: It could not be renewed, and what there is has ended.
        """
        await self._keeper.sync()
        while True:  # as often as somebody changes the configuration meanwhile
            self._keeper.look()
            provider = self._find(provider_id)
            settings = self._keeper.view.settings
            try:
                issued = await self._issue(provider, min_validity_seconds, rejected_revision)
            except AuthError:
                if await self._is_in_force(provider, provider_id, settings):
                    raise
            else:
                if await self._is_in_force(provider, provider_id, settings):
                    return issued

    async def _issue(
        self, provider: Provider, min_validity_seconds: float, rejected_revision: int | None
    ) -> IssuedCredential:
        if rejected_revision is None:
            if _uses_login(provider):
                await self._renew_if_needed(min_validity_seconds)
            return await self._current(provider)
        current = await self._current(provider)
        if rejected_revision < current.revision:  # one above is of a process that is no more
            if not self._has_ended(current.credential):
                return current
            if _uses_login(provider):
                await self._renew_if_needed(0)
                return await self._current(provider)
        await self._replace_rejected(provider)
        return await self._current(provider)

    def _has_ended(self, credential: RequestCredential) -> bool:
        return credential.expires_at is not None and credential.expires_at <= self._clock.now()

    async def present(self) -> IssuedCredential | None:
        """Return the login as the active provider is given it, without renewing it.

        None where that provider asks for none, or there is none.
        """
        try:
            provider = self._find(None)
            return await self._current(provider) if _uses_login(provider) else None
        except AuthError:
            return None

    async def close(self) -> None:
        """End the commands that run."""
        self._is_closed = True
        if self._made_runner is not None:
            await self._made_runner.close()

    @property
    def _runner(self) -> CommandRunner:
        """What runs commands, loaded for the first provider that has one."""
        if self._is_closed:
            raise ShuttingDown
        if self._made_runner is None:
            from codex_auth_lsp.providers.command_runner import CommandRunner

            self._made_runner = CommandRunner(self._folder, self._clock)
        return self._made_runner

    def _find(self, provider_id: str | None) -> Provider:
        """Return a provider that can be used, as far as a `config.toml` that was read says so."""
        view = self._keeper.view
        if view.settings_error is not None and not view.settings_known:
            raise view.settings_error.with_traceback(None)
        wanted = provider_id if provider_id is not None else view.settings.model_provider
        found = find_provider(view.settings, self._keeper.surroundings, wanted)
        if found is None:
            # What a request or a command line names is not repeated.
            named = f"`{plain(wanted)}`" if provider_id is None else "This"
            text = f"{named} is no provider of config.toml, and no built-in one."
            if wanted != wanted.strip():
                text = "An id of a provider has no blanks at its ends; leave them out."
            elif not wanted:
                text = "The id of the provider is empty; name one."
            raise ProviderUnknown(text, provider_id=wanted)
        found.check()
        return found

    async def _is_in_force(
        self, provider: Provider, provider_id: str | None, settings: Settings
    ) -> bool:
        """Say whether the configuration still means this provider, so that its credential fits.

        The settings say also where OpenAI's models are, and who may sign in.
        """
        await self._keeper.settle()
        self._keeper.look()
        try:
            found = self._find(provider_id).definition
        except AuthError:
            return False
        return (found, self._keeper.view.settings) == (provider.definition, settings)

    async def _replace_rejected(self, provider: Provider) -> None:
        if provider.kind.auth_kind == "command":
            if self._made_runner is not None:
                self._made_runner.forget(provider.definition.id)
            return
        if not _uses_login(provider):
            raise _static_key_rejected(provider)
        credential = self._keeper.login.stored_credential()
        if isinstance(credential, AccessTokenCredential):
            name = self._keeper.status.source.name if self._keeper.status.source else None
            raise ApiKeyRejected(
                f"The provider refused the personal access token of {name or 'the login cache'}.",
                provider_id=provider.definition.id,
                remediation=(),
            )
        if not isinstance(credential, ChatGptCredential):
            raise ApiKeyRejected(provider_id=provider.definition.id)
        await self._refresher(force_since=self._clock.now())

    async def _renew_if_needed(self, min_validity_seconds: float) -> None:
        try:
            await self._refresher(
                min_validity_seconds=min_validity_seconds, patience_seconds=PATIENCE_SECONDS
            )
        except (IssuerError, StoreError):
            present = self._keeper.login.stored_credential()
            if isinstance(present, ChatGptCredential) and not is_valid(present, self._clock.now()):
                raise

    async def _current(self, provider: Provider) -> IssuedCredential:
        """Return what is there now, with a new revision where it is another than the last."""
        credential = await provider.give(self._sources())
        count = self._counts.setdefault(provider.definition.id, _Count())
        fingerprint = credential.fingerprint()
        if fingerprint != count.fingerprint:
            count.fingerprint = fingerprint
            count.revision += 1
        return IssuedCredential(credential, count.revision)

    def _sources(self) -> Sources:
        surroundings = self._keeper.surroundings
        environment = surroundings.environment
        settings = self._keeper.view.settings

        async def run(provider_id: str, command: CommandSettings) -> Secret:
            try:
                token = await self._runner.run(provider_id, command, environment)
            except CredentialCommandFailed as exc:
                failed = FailedCommand(command, environment, exc.message)
                self._keeper.command_failed(provider_id, failed)
                raise
            self._keeper.command_worked(provider_id)
            return token

        return Sources(
            surroundings=surroundings,
            login=self._keeper.login.stored_credential,
            login_request=lambda login: openai_request_credential(login, settings),
            run=run,
        )


def _uses_login(provider: Provider) -> bool:
    return provider.kind.auth_kind == "openai"


def _static_key_rejected(provider: Provider) -> ApiKeyRejected:
    definition = provider.definition
    token = "`experimental_bearer_token` in config.toml"
    where = {
        "environmentKey": definition.settings.env_key,
        "bearerToken": token if definition.stored_key is None else "the login cache",
    }.get(provider.kind.auth_kind)
    if where is None:
        return ApiKeyRejected(
            f"The provider `{plain(definition.id)}` asks for a credential, and config.toml "
            "names none for it.",
            provider_id=definition.id,
            remediation=(),
        )
    return ApiKeyRejected(
        f"The provider `{plain(definition.id)}` refused the key of {where}.",
        provider_id=definition.id,
        remediation=(Remediation(f"Put a valid key into {where}"),),
    )
