"""The state of sign-in, derived from facts by one pure function.

`derive_status` is the only place where state, method, billing, cloud eligibility and freshness
are decided. It is total: it has an answer for every combination of its inputs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.account import Account
from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
    Credential,
    ForeignCredential,
)
from codex_auth_lsp.domain.mfa import NO_CHATGPT_LOGIN, advise
from codex_auth_lsp.domain.store_report import CredentialSource, StoreReport
from codex_auth_lsp.domain.timestamps import format_rfc3339
from codex_auth_lsp.values import field, frozen

if TYPE_CHECKING:
    from datetime import datetime

    from codex_auth_lsp.domain.pending_login import PendingLogin
    from codex_auth_lsp.domain.provider import ProviderAuth
    from codex_auth_lsp.errors import AuthError

ACCESS_TOKEN_VARIABLE = "CODEX_ACCESS_TOKEN"
API_KEY_VARIABLE = "CODEX_API_KEY"

_NOT_FOR_OPENAI = (BedrockKeyCredential, ForeignCredential)
_HEALTHY_ENOUGH_TO_READ = frozenset({"ok", "readOnly"})


@frozen
class StatusFacts:
    """Everything that a status depends on.

    `refused` is true when the issuer has permanently refused the tokens that are stored now, or
    nobody may be given them;
    `refresh_failed` when the last refresh that they needed did not work. `forbidden` are present
    credentials that the configuration does not allow; `stored` is None where it is one of them.
    A store that cannot be read has a login only where it is held in memory.
    """

    now: datetime
    store: StoreReport
    source: CredentialSource
    stored: Credential | None
    provider: ProviderAuth
    environment: Environment
    refused: bool = False
    refresh_failed: bool = False
    last_error: AuthError | None = None
    pending_login: PendingLogin | None = None
    forbidden: tuple[Forbidden, ...] = ()


@frozen
class Forbidden:
    """A credential that is there and must not be used, and why."""

    source: CredentialSource
    method: str
    reason: str


@frozen
class Environment:
    """The credentials that Codex programs look for in the environment."""

    access_token: AccessTokenCredential | None = None
    api_key_present: bool = False


@frozen
class AuthStatus:
    """The contract's `AuthStatus`, without `revision` and `serverInstanceId`."""

    state: str
    provider: ProviderAuth
    store: StoreReport
    billing: str
    cloud: dict[str, Any]
    freshness: str
    method: str | None = None
    account: Account | None = None
    source: CredentialSource | None = None
    shadowed: tuple[dict[str, Any], ...] = ()
    expires_at: datetime | None = None
    last_refresh_at: datetime | None = None
    last_error: AuthError | None = None
    pending_login: PendingLogin | None = None
    provider_ready: bool = field(default=False)

    @property
    def identity(self) -> str | None:
        """What `accountChanged` compares: the account's id, or the method where there is none."""
        return (self.account.id if self.account else None) or self.method

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's object; fields without a value are left out."""
        fields: dict[str, Any] = {
            "state": self.state,
            "method": self.method,
            "account": self.account.to_wire() if self.account else None,
            "billing": self.billing,
            "cloud": self.cloud,
            "store": self.store.to_wire(),
            "source": self.source.to_wire() if self.source else None,
            "shadowed": list(self.shadowed),
            "expiresAt": format_rfc3339(self.expires_at) if self.expires_at else None,
            "lastRefreshAt": format_rfc3339(self.last_refresh_at) if self.last_refresh_at else None,
            "freshness": self.freshness,
            "lastError": self.last_error.to_wire() if self.last_error else None,
            "provider": self.provider.to_status_wire(ready=self.provider_ready),
            "pendingLogin": self.pending_login.to_wire() if self.pending_login else None,
        }
        return {name: value for name, value in fields.items() if value is not None}


def derive_status(facts: StatusFacts) -> AuthStatus:
    """Return the status that the facts amount to."""
    if not facts.provider.requires_openai_auth:
        return _not_required(facts)
    if facts.environment.access_token is not None:
        return _signed_in_by_environment(facts, facts.environment.access_token)
    if facts.stored is not None:
        return _signed_in_by_store(facts, facts.stored)
    is_readable = facts.store.health in _HEALTHY_ENOUGH_TO_READ
    return _status(facts, state="signedOut" if is_readable else "unavailable", billing="none")


def _not_required(facts: StatusFacts) -> AuthStatus:
    method, source = _provider_credential(facts)
    return _status(
        facts,
        state="notRequired",
        method=method,
        source=source,
        billing="provider",
        provider_ready=facts.provider.usable,
    )


def _provider_credential(facts: StatusFacts) -> tuple[str | None, CredentialSource | None]:
    """Return which credential a provider uses that wants no OpenAI sign-in, and where it is."""
    provider = facts.provider
    if provider.uses_stored_key and facts.stored is not None:
        return facts.stored.method, facts.source
    if provider.auth_kind != "environmentKey":
        return None, None
    if not provider.environment_key_present:
        return "environmentKey", None
    return "environmentKey", CredentialSource("environment", provider.environment_key)


def _signed_in_by_environment(facts: StatusFacts, token: AccessTokenCredential) -> AuthStatus:
    return _status(
        facts,
        state="signedIn",
        method=token.method,
        account=Account(label="Personal access token (not checked)"),
        source=CredentialSource("environment", ACCESS_TOKEN_VARIABLE),
        billing="subscription",
        provider_ready=facts.provider.usable,
    )


def _signed_in_by_store(facts: StatusFacts, stored: Credential) -> AuthStatus:
    chatgpt = stored if isinstance(stored, ChatGptCredential) else None
    return _status(
        facts,
        state="needsReauth" if facts.refused else "signedIn",
        method=stored.method,
        account=account_of(stored),
        source=facts.source,
        billing=_billing(stored),
        expires_at=chatgpt.expires_at if chatgpt else None,
        last_refresh_at=chatgpt.last_refresh if chatgpt else None,
        provider_ready=facts.provider.usable and login_serves(facts),
    )


def login_serves(facts: StatusFacts) -> bool:
    """Say whether there is a login that a provider which asks for one could be given now."""
    if facts.environment.access_token is not None:
        return True
    if facts.stored is None or isinstance(facts.stored, _NOT_FOR_OPENAI):
        return False
    return not facts.refused


def _status(facts: StatusFacts, *, state: str, billing: str, **known: Any) -> AuthStatus:
    return AuthStatus(
        state=state,
        billing=billing,
        provider=facts.provider,
        store=facts.store,
        cloud=_cloud(facts),
        freshness=_freshness(facts) if state in {"signedIn", "needsReauth"} else "unknown",
        shadowed=tuple(_shadowed(facts)),
        last_error=facts.last_error,
        pending_login=facts.pending_login,
        **known,
    )


def account_of(stored: Credential) -> Account:
    """Return who is signed in with a credential; a key or token names its kind alone."""
    if isinstance(stored, ChatGptCredential):
        return stored.account
    labels = {
        "apiKey": "API key",
        "accessToken": "Personal access token",
        "bedrockApiKey": "Amazon Bedrock API key",
        "bedrockAccessKeys": "Amazon Bedrock access keys",
    }
    return Account(label=labels.get(stored.method, "Codex agent"))


def _billing(stored: Credential) -> str:
    if isinstance(stored, ApiKeyCredential):
        return "usage"
    return "provider" if stored.method.startswith("bedrock") else "subscription"


def _cloud(facts: StatusFacts) -> dict[str, Any]:
    stored = facts.stored
    if not isinstance(stored, ChatGptCredential):
        has_other = stored is not None or facts.environment.access_token is not None
        reason = "chatgptRequired" if has_other else "signedOut"
        return {"available": False, "reason": reason, "mfa": NO_CHATGPT_LOGIN.to_wire()}
    mfa = advise(stored.id_claims).to_wire()
    if facts.refused:
        return {"available": False, "reason": "needsReauth", "mfa": mfa}
    return {"available": True, "mfa": mfa}


def _freshness(facts: StatusFacts) -> str:
    stored = facts.stored
    if facts.environment.access_token is not None or not isinstance(stored, ChatGptCredential):
        return "unknown"
    if facts.refused or facts.refresh_failed:
        return "stale"
    if stored.expires_at is None:
        return "unknown"
    return "fresh" if stored.expires_at > facts.now else "stale"


def _shadowed(facts: StatusFacts) -> list[dict[str, Any]]:
    entries = [_entry(found.source, found.method, found.reason) for found in facts.forbidden]
    required = facts.provider.requires_openai_auth
    if facts.environment.access_token is not None:
        if not required:
            entries.append(
                _entry(
                    CredentialSource("environment", ACCESS_TOKEN_VARIABLE),
                    "accessToken",
                    _NOT_ASKED_FOR,
                )
            )
        elif facts.stored is not None:
            entries.append(_entry(facts.source, facts.stored.method, _TOKEN_WINS))
    if facts.stored is not None and not required and not facts.provider.uses_stored_key:
        entries.append(_entry(facts.source, facts.stored.method, _NOT_ASKED_FOR))
    if facts.provider.ignored_environment_key is not None:
        source = CredentialSource("environment", facts.provider.ignored_environment_key)
        wins = _STORED_KEY_WINS if facts.provider.uses_stored_key else _LOGIN_WINS
        entries.append(_entry(source, "environmentKey", wins))
    if facts.environment.api_key_present:
        entries.append(
            _entry(CredentialSource("environment", API_KEY_VARIABLE), "apiKey", _KEY_IS_FOR_EXEC)
        )
    return entries


_NOT_ASKED_FOR = "The active model provider does not use OpenAI sign-in."
_TOKEN_WINS = (
    f"{ACCESS_TOKEN_VARIABLE} is set in the environment and wins over the stored login; its use is "
    "part of a ChatGPT plan."
)
_LOGIN_WINS = (
    "The active model provider uses OpenAI sign-in (`requires_openai_auth`), so its `env_key` is "
    "ignored."
)
_STORED_KEY_WINS = "The login cache holds a key for Amazon Bedrock, which wins over the variable."
_KEY_IS_FOR_EXEC = (
    f"{API_KEY_VARIABLE} is for `codex exec` alone, where it wins over a stored login and is "
    "billed at API rates."
)


def _entry(source: CredentialSource, method: str, reason: str) -> dict[str, Any]:
    return {"source": source.to_wire(), "method": method, "reason": reason}


def shadowed_line(entry: dict[str, Any]) -> str:
    """Return where a credential is that is not in use here, and why, in one line."""
    place, reason = entry["source"].get("name", entry["source"]["kind"]), str(entry["reason"])
    return reason if reason.startswith(place) else f"{place}: {reason}"
