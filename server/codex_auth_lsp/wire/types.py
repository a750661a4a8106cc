"""The types that several messages share (`protocol.md`, "Types").

Each enumeration is a `Literal` of the values that this server knows. On the wire they are open: a
client has to live with a value that it does not know, so none of them is closed by a new version.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from codex_auth_lsp.wire.model import Sent, UInteger

# `$` is the very end of the text in pydantic's regular expressions: no line feed may follow.
AttemptId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,128}$")]

Timestamp = Annotated[
    str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$")
]

Sentence = Annotated[str, Field(min_length=1)]


def _string_or_integer(raw: Any) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise PydanticCustomError("progress_token", "a string or an integer")
    return raw


ProgressToken = Annotated[int | str, BeforeValidator(_string_or_integer)]

LoginMethodId = Literal["browser", "deviceCode", "apiKey"]

IfRunning = Literal["supersede", "join", "fail"]

AuthState = Literal["signedOut", "signedIn", "needsReauth", "notRequired", "unavailable"]

CredentialKind = Literal[
    "chatgpt",
    "apiKey",
    "accessToken",
    "environmentKey",
    "bedrockApiKey",
    "bedrockAccessKeys",
    "agentIdentity",
]

Billing = Literal["subscription", "usage", "provider", "none"]

CloudReason = Literal["chatgptRequired", "signedOut", "needsReauth"]

MfaRequirement = Literal["required", "managedByOrganization", "recommended", "unknown"]

NoticeCode = Literal[
    "plaintextFallback", "storePermissions", "environmentKeyOverridesLogin", "clockSkew"
]

CheckStatus = Literal["ok", "warning", "error", "skipped"]

NoticeSeverity = Literal["error", "warning", "info"]

StoreMode = Literal["file", "keyring", "auto", "ephemeral"]

StoreBackend = Literal["file", "keyring", "memory", "none"]

StoreHealth = Literal["ok", "locked", "unavailable", "corrupt", "readOnly"]

SourceKind = Literal["file", "keyring", "environment", "memory"]

Freshness = Literal["fresh", "stale", "unknown"]

ProviderAuthKind = Literal["openai", "environmentKey", "none", "bearerToken", "command"]

StoreName = Literal["file", "keyring", "memory"]

Revocation = Literal["yes", "failed", "notApplicable", "skipped"]

CancelOutcome = Literal["cancelled", "notFound", "alreadyFinished"]

StatusCause = Literal[
    "startup",
    "login",
    "logout",
    "refresh",
    "externalChange",
    "expired",
    "storeHealth",
    "configChange",
    "pendingLogin",
    "freshness",
]

StatusOrigin = Literal["thisServer", "otherProcess"]

PromptKind = Literal["openUrl", "deviceCode"]

LoginPhase = Literal["starting", "waitingForUser", "exchanging", "verifying", "storing"]

LoginOutcome = Literal["signedIn", "cancelled", "superseded", "expired", "failed"]

ErrorKind = Literal[
    "notSignedIn",
    "needsReauth",
    "loginInProgress",
    "loginCancelled",
    "loginSuperseded",
    "attemptNotFound",
    "loginTimedOut",
    "loginDenied",
    "callbackPortUnavailable",
    "callbackRejected",
    "browserOpenFailed",
    "deviceCodeDisabled",
    "deviceCodeExpired",
    "tokenExchangeFailed",
    "issuerResponseInvalid",
    "issuerUnavailable",
    "notEntitled",
    "networkUnreachable",
    "proxyError",
    "tlsUntrusted",
    "rateLimited",
    "apiKeyInvalid",
    "apiKeyRejected",
    "loginMethodNotAllowed",
    "loginMethodUnavailable",
    "wrongWorkspace",
    "wrongAccount",
    "refreshTokenExpired",
    "refreshTokenReused",
    "refreshTokenRevoked",
    "providerUnknown",
    "environmentKeyMissing",
    "credentialCommandFailed",
    "capabilityNotDeclared",
    "storeLocked",
    "storeUnavailable",
    "storeCorrupt",
    "storeReadOnly",
    "storeWriteFailed",
    "lockTimedOut",
    "configurationInvalid",
    "shuttingDown",
    "internalError",
]


class Remediation(Sent):
    """What a person can do about something, on their own choice."""

    title: Sentence
    command: str | None = Field(None, pattern=r"^codexAuth\.[A-Za-z]+$")
    url: str | None = Field(None, pattern=r"^https?://")


class ErrorData(Sent):
    """The `data` of an error response."""

    kind: ErrorKind
    retryable: bool
    retry_after_seconds: UInteger | None = None
    attempt_id: AttemptId | None = None
    provider_id: str | None = None
    oauth_error: str | None = None
    correlation_id: str | None = None
    remediation: list[Remediation]


class AuthError(ErrorData):
    """An error where it is no response: in a status, at the end of an attempt."""

    message: Sentence


class LoginMethod(Sent):
    """A way of signing in."""

    id: LoginMethodId
    title: Sentence
    description: Sentence
    available: bool
    unavailable_reason: Sentence | None = None
    recommended: bool


class Account(Sent):
    """Who is signed in."""

    id: str | None = None
    email: str | None = None
    plan_type: str | None = None
    workspace_id: str | None = None
    label: Sentence


class Link(Sent):
    """A titled https address."""

    title: Sentence
    url: str = Field(pattern=r"^https://")


class MfaAdvice(Sent):
    """What OpenAI's documentation asks of an account that signs in this way."""

    requirement: MfaRequirement
    reason: Sentence
    links: list[Link]


class CloudAccess(Sent):
    """Whether the stored login is one that Codex cloud takes."""

    available: bool
    reason: CloudReason | None = None
    mfa: MfaAdvice


class StoreReport(Sent):
    """The place where logins are kept."""

    mode: StoreMode
    backend: StoreBackend
    path: str | None = None
    encrypted: bool
    health: StoreHealth
    detail: Sentence | None = None


class CredentialSource(Sent):
    """Where a credential comes from."""

    kind: SourceKind
    name: str | None = None


class ShadowedCredential(Sent):
    """A credential that is present and not in use."""

    source: CredentialSource
    method: CredentialKind
    reason: Sentence


class ActiveProvider(Sent):
    """The model provider that `config.toml` names."""

    id: str
    auth_kind: ProviderAuthKind
    requires_openai_auth: bool
    ready: bool
    problems: list[Sentence]


class EnvironmentKey(Sent):
    """The variable that a provider's `env_key` names; never its value."""

    name: str
    present: bool
    instructions: Sentence | None = None


class ProviderAuth(Sent):
    """A model provider, and how requests to it are authenticated."""

    id: str
    name: str
    active: bool
    base_url: str | None = Field(None, pattern=r"^https?://")
    auth_kind: ProviderAuthKind
    requires_openai_auth: bool
    environment_key: EnvironmentKey | None = None
    ready: bool
    problems: list[Sentence]


class PendingLogin(Sent):
    """The login attempt that this server process is running."""

    attempt_id: AttemptId
    method: LoginMethodId
    started_at: Timestamp
    expires_at: Timestamp


class AuthStatus(Sent):
    """The state of sign-in."""

    revision: UInteger
    server_instance_id: Sentence
    state: AuthState
    method: CredentialKind | None = None
    account: Account | None = None
    billing: Billing
    cloud: CloudAccess
    store: StoreReport
    source: CredentialSource | None = None
    shadowed: list[ShadowedCredential]
    expires_at: Timestamp | None = None
    last_refresh_at: Timestamp | None = None
    freshness: Freshness
    last_error: AuthError | None = None
    provider: ActiveProvider
    pending_login: PendingLogin | None = None
