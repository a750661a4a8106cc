"""The login in use, and what this process knows of it beside the store.

That is the environment's before the stored one, and renewed tokens that could not be stored in the
place of the spent ones; why it may not be used, and what came of its last refresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.claims import clean_text
from codex_auth_lsp.domain.credential import AccessTokenCredential, ChatGptCredential
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.domain.status import ACCESS_TOKEN_VARIABLE, Forbidden
from codex_auth_lsp.domain.store_report import CredentialSource
from codex_auth_lsp.errors import AuthError, NeedsReauth, NotSignedIn
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.held_tokens import HeldTokens, tokens_fingerprint
from codex_auth_lsp.service.policy import credential_refusal
from codex_auth_lsp.stores.base import unreadable
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from codex_auth_lsp.domain.credential import Credential
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.service.login_cache import View


class LoginInUse:
    """Judges the login of the login cache as it was last seen.

    Args:
        view: Returns that.
        issuer: Who signs people in now.
        environment: The process's variables.
    """

    def __init__(
        self, view: Callable[[], View], issuer: IssuerSettings, environment: Mapping[str, str]
    ) -> None:
        self._view = view
        self._issuer = issuer
        self._environment = environment
        self._verdict: _RefreshVerdict | None = None
        self._unsaved: HeldTokens | None = None

    @property
    def basis(self) -> tuple[object, ...]:
        """What all this depends on beside the login cache."""
        return (self._verdict, self._unsaved)

    @property
    def environment_access_token(self) -> AccessTokenCredential | None:
        """The personal access token that wins over the store, where there is one and it may."""
        token = self.environment_token()
        return None if token is None or self.refusal_of(token) is not None else token

    def environment_token(self) -> AccessTokenCredential | None:
        """Return the personal access token of the environment, whether it may be used or not."""
        token = self._environment.get(ACCESS_TOKEN_VARIABLE, "").strip()
        return AccessTokenCredential(Secret(token)) if token else None

    def refusal_of(self, credential: Credential | None) -> AuthError | None:
        """Return why the configuration does not allow a credential, None where it does."""
        if credential is None:
            return None
        return credential_refusal(credential, self._view().settings)

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
        stored = self.credential()
        if stored is None:
            error = None if self._view().settings_known else self._view().settings_error
            raise (error and error.with_traceback(None)) or self.store_error() or NotSignedIn()
        refusal = self.refusal_of(stored)
        if refusal is not None:
            raise refusal
        if isinstance(stored, ChatGptCredential):
            foreign = self.foreign(stored)
            if foreign is not None and self.is_of_a_stranger(stored):
                raise foreign
            verdict = self.verdict_on(stored)
            if isinstance(verdict, NeedsReauth):
                raise verdict.with_traceback(None)  # or each use would keep its frames
        return stored

    def is_of_a_stranger(self, credential: Credential | None) -> bool:
        """Say whether neither OpenAI nor the configured issuer made a login: it is given to nobody.

        OpenAI's own tokens may go where OpenAI's models are, whoever signs people in now.
        """
        return isinstance(credential, ChatGptCredential) and credential.provenance.issuer not in {
            OPENAI_ISSUER,
            self._issuer.issuer,
        }

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
        mode = self._view().snapshot.report.mode
        self._unsaved = HeldTokens(tokens_fingerprint(spent), renewed, error, mode)

    def drop_unsaved(self) -> None:
        """Use no such tokens any more: the person has signed out."""
        self._unsaved = None

    def credential(self) -> Credential | None:
        """Return the stored credential, or what this process holds in its place."""
        unsaved = self._unsaved_in_force
        return self._view().snapshot.credential if unsaved is None else unsaved.renewed

    @property
    def _unsaved_in_force(self) -> HeldTokens | None:
        held = self._unsaved
        return held if held is not None and held.are_in_force(self._view().snapshot) else None

    def verdict_on(self, credential: ChatGptCredential) -> AuthError | None:
        """Return why these tokens could not be renewed, here or for good in another window."""
        if self._verdict and self._verdict.fingerprint == tokens_fingerprint(credential):
            return self._verdict.error
        record = self._view().refresh_record
        if record is None or record.fingerprint != credential.refresh_token.fingerprint():
            return None
        return record.refusal() if record.refusal else None  # another window was told so

    def is_fresh_despite(self, failure: AuthError) -> bool:
        """Say whether that failure came with new tokens all the same."""
        verdict = self._verdict
        return verdict is not None and verdict.error is failure and verdict.is_fresh

    def forbidden(self, stored: Credential | None) -> tuple[Forbidden, ...]:
        """Return the credentials that are there and that the configuration does not allow."""
        candidates = (
            (CredentialSource("environment", ACCESS_TOKEN_VARIABLE), self.environment_token()),
            (self._view().snapshot.source, stored),
        )
        return tuple(
            Forbidden(source, credential.method, refusal.message)
            for source, credential in candidates
            for refusal in (self.refusal_of(credential),)
            if credential is not None and refusal is not None
        )

    def store_error(self) -> AuthError | None:
        """Return why the store cannot be read, None where it can."""
        return unreadable(self._view().snapshot.report)

    @property
    def unsaved_error(self) -> AuthError | None:
        """Why tokens are kept in memory alone, None where none are."""
        unsaved = self._unsaved_in_force
        return unsaved.error if unsaved is not None else None

    def foreign(self, credential: ChatGptCredential) -> NeedsReauth | None:
        """Return why a login of another issuer than the configured one is left alone."""
        if credential.provenance.issuer == self._issuer.issuer:
            return None
        return NeedsReauth(
            f"The stored sign-in was made with {clean_text(credential.provenance.issuer)}, and the "
            f"issuer configured now is {self._issuer.issuer}, so it is left alone; sign in again "
            "to replace it."
        )


@frozen
class _RefreshVerdict:
    """What came of the last refresh of one set of tokens."""

    fingerprint: str
    error: AuthError
    is_fresh: bool
