"""The errors of codex-auth-lsp: every way in which a request can fail, as one tree.

A leaf is raised where the thing happens and becomes a JSON-RPC error in one place, `transport`.
`kind` is the stable name on the wire (`protocol.md`, "Errors"); the message is one sentence fit to
show to a person and fit to log: it never holds a credential, a URL with a query or foreign text.
What a language client did wrong in a request's params is `InvalidParams`, which is no `AuthError`.

    AuthError
    ├─ LoginError                  a login attempt ended without a credential
    │  ├─ LoginInProgress          loginInProgress          another one runs           retryable
    │  ├─ LoginCancelled           loginCancelled           ended on request
    │  ├─ LoginSuperseded          loginSuperseded          a newer login took its place
    │  ├─ LoginTimedOut            loginTimedOut            its deadline passed
    │  ├─ AttemptNotFound          attemptNotFound          none waits for the person
    │  ├─ CallbackRejected         callbackRejected         not this attempt's redirect
    │  ├─ LoginDenied              loginDenied              refused on the issuer's page
    │  ├─ NotEntitled              notEntitled              the workspace has no Codex
    │  ├─ CallbackPortUnavailable  callbackPortUnavailable  1455 and 1457 are taken    retryable
    │  ├─ DeviceCodeDisabled       deviceCodeDisabled       switched off for the account
    │  ├─ BrowserOpenFailed        browserOpenFailed        nobody could be shown it
    │  ├─ DeviceCodeExpired        deviceCodeExpired        nobody entered it in time
    │  ├─ TokenExchangeFailed      tokenExchangeFailed      the issuer refused the code
    │  ├─ ApiKeyInvalid            apiKeyInvalid            cannot be a key
    │  ├─ LoginMethodNotAllowed    loginMethodNotAllowed    forbidden by config.toml
    │  ├─ LoginMethodUnavailable   loginMethodUnavailable   the issuer does not offer it
    │  ├─ WrongWorkspace           wrongWorkspace           config.toml allows others
    │  └─ WrongAccount             wrongAccount             not the one asked for
    ├─ CredentialError             the stored credential does not serve
    │  ├─ NotSignedIn              notSignedIn              nothing stored
    │  ├─ NeedsReauth              needsReauth              the stored login is dead
    │  ├─ RefreshTokenExpired      refreshTokenExpired
    │  ├─ RefreshTokenReused       refreshTokenReused
    │  ├─ RefreshTokenRevoked      refreshTokenRevoked
    │  ├─ ApiKeyRejected           apiKeyRejected           the provider refused the key
    │  ├─ ProviderUnknown          providerUnknown          no such provider
    │  ├─ EnvironmentKeyMissing    environmentKeyMissing    its variable is not set
    │  ├─ CredentialCommandFailed  credentialCommandFailed  its command gave no token  retryable
    │  └─ CapabilityNotDeclared    capabilityNotDeclared    `credential` not declared
    ├─ IssuerError                 the issuer, or the way to it
    │  ├─ NetworkUnreachable       networkUnreachable       DNS, TCP, timeout          retryable
    │  ├─ ProxyError               proxyError               the proxy refused          retryable
    │  ├─ TlsUntrusted             tlsUntrusted             certificate not trusted
    │  ├─ IssuerUnavailable        issuerUnavailable        HTTP 5xx                   retryable
    │  ├─ RateLimited              rateLimited              HTTP 429                   retryable
    │  └─ IssuerResponseInvalid    issuerResponseInvalid    not what the RFC allows
    ├─ StoreError                  the login cache
    │  ├─ StoreUnavailable         storeUnavailable         no folder, no such backend
    │  ├─ StoreLocked              storeLocked              locked or silent, needs a person
    │  ├─ StoreCorrupt             storeCorrupt             what is there is no login
    │  ├─ StoreReadOnly            storeReadOnly            cannot be written by this user
    │  ├─ StoreWriteFailed         storeWriteFailed         the disk said no               retryable
    │  └─ LockTimedOut             lockTimedOut             the lock is held           retryable
    ├─ ConfigurationInvalid        configurationInvalid     config.toml, an option, a variable
    ├─ ShuttingDown                shuttingDown             the server ends
    └─ InternalError               internalError            a defect of ours
"""

from __future__ import annotations

from typing import ClassVar

from codex_auth_lsp.values import frozen


@frozen
class Remediation:
    """What a person can do about an error, on their own choice.

    `command` is an id of `protocol.md` ("Commands"), never a shell line; `url` is https from the
    server's fixed list or the configured issuer. Advice for a shell is plain text in `title`.
    """

    title: str
    command: str | None = None
    url: str | None = None

    def to_wire(self) -> dict[str, str]:
        """Return the contract's `Remediation` object."""
        fields = {"title": self.title, "command": self.command, "url": self.url}
        return {name: value for name, value in fields.items() if value is not None}


SIGN_IN = Remediation("Sign in", command="codexAuth.signIn")
SIGN_IN_AGAIN = Remediation("Sign in again", command="codexAuth.signIn")
SIGN_IN_WITH_DEVICE_CODE = Remediation(
    "Sign in with a device code", command="codexAuth.signInWithDeviceCode"
)
SIGN_IN_WITH_API_KEY = Remediation("Sign in with an API key", command="codexAuth.signInWithApiKey")
SHOW_LOG = Remediation("Show the log", command="codexAuth.showLog")


class InvalidParams(Exception):
    """A request's params do not fit. The message names the field, never the value."""


class AuthError(Exception):
    """A request failed for a reason that the person or the client can act on.

    Args:
        message: One sentence fit to show; the class's own sentence when left out.
        retry_after_seconds: What the issuer asked for, where it did.
        oauth_error: The issuer's `error` code (RFC 6749 section 5.2), already made harmless.
        remediation: Replaces the class's own advice.
    """

    kind: ClassVar[str] = "internalError"
    retryable: ClassVar[bool] = False
    sentence: ClassVar[str] = "Something went wrong inside codex-auth-lsp."
    advice: ClassVar[tuple[Remediation, ...]] = ()

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_seconds: int | None = None,
        oauth_error: str | None = None,
        provider_id: str | None = None,
        remediation: tuple[Remediation, ...] | None = None,
    ) -> None:
        self.message = message or self.sentence
        super().__init__(self.message)
        self.retry_after_seconds = retry_after_seconds
        self.oauth_error = oauth_error
        self.provider_id = provider_id
        self.remediation = self.advice if remediation is None else remediation
        self.attempt_id: str | None = None
        self.correlation_id: str | None = None

    def to_data(self) -> dict[str, object]:
        """Return the contract's error `data`: kind and remedies, without the message."""
        data: dict[str, object] = {"kind": self.kind, "retryable": self.retryable}
        optional = {
            "retryAfterSeconds": self.retry_after_seconds,
            "attemptId": self.attempt_id,
            "providerId": self.provider_id,
            "oauthError": self.oauth_error,
            "correlationId": self.correlation_id,
        }
        data.update((name, value) for name, value in optional.items() if value is not None)
        data["remediation"] = [remediation.to_wire() for remediation in self.remediation]
        return data

    def to_wire(self) -> dict[str, object]:
        """Return the contract's `AuthError` object: `data` plus `message`."""
        return {**self.to_data(), "message": self.message}


class LoginError(AuthError):
    """A login attempt ended without a credential."""

    advice: ClassVar[tuple[Remediation, ...]] = (SIGN_IN_AGAIN,)


class LoginInProgress(LoginError):
    kind = "loginInProgress"
    retryable = True
    sentence = "Another sign-in is already running; finish or cancel it first."
    advice = (Remediation("Cancel the running sign-in", command="codexAuth.cancel"),)


class LoginCancelled(LoginError):
    kind = "loginCancelled"
    sentence = "The sign-in was cancelled."


class LoginSuperseded(LoginError):
    kind = "loginSuperseded"
    sentence = "A newer sign-in took the place of this one."
    advice = ()


class LoginTimedOut(LoginError):
    kind = "loginTimedOut"
    sentence = "Nobody finished the sign-in in time, so it was ended; sign in again."


class AttemptNotFound(LoginError):
    kind = "attemptNotFound"
    sentence = "No sign-in is waiting for this any more; sign in again."


class CallbackRejected(LoginError):
    kind = "callbackRejected"
    sentence = (
        "This address does not belong to the sign-in that is waiting; paste the whole address of "
        "its last page."
    )
    advice = ()


class LoginDenied(LoginError):
    kind = "loginDenied"
    sentence = "The sign-in was refused on the sign-in page."


class NotEntitled(LoginError):
    kind = "notEntitled"
    sentence = (
        "Codex is not enabled for this workspace; ask its administrator for access, "
        "or sign in with another account."
    )


class CallbackPortUnavailable(LoginError):
    kind = "callbackPortUnavailable"
    retryable = True
    sentence = (
        "The ports that the sign-in page may answer to, 1455 and 1457 on 127.0.0.1, are both in "
        "use by other programs or by sign-ins in other windows; end one of them and sign in again."
    )
    advice = (SIGN_IN_WITH_DEVICE_CODE, SIGN_IN_AGAIN, SIGN_IN_WITH_API_KEY)


class BrowserOpenFailed(LoginError):
    kind = "browserOpenFailed"
    sentence = "The sign-in could not be shown to anybody; sign in another way."
    advice = (SIGN_IN_WITH_DEVICE_CODE, SIGN_IN_WITH_API_KEY)


class DeviceCodeDisabled(LoginError):
    kind = "deviceCodeDisabled"
    sentence = (
        "Sign-in with a device code is not switched on: for a personal account that is done in "
        "the ChatGPT security settings, for a workspace by its administrator in the workspace "
        "permissions."
    )
    advice = (
        Remediation("Switch device code login on in the ChatGPT security settings"),
        Remediation("Ask the administrator to allow it in the ChatGPT workspace permissions"),
        SIGN_IN,
        SIGN_IN_WITH_API_KEY,
    )


class DeviceCodeExpired(LoginError):
    kind = "deviceCodeExpired"
    sentence = "Nobody entered the code in time, so it has expired; get a new one."
    advice = (Remediation("Get a new code", command="codexAuth.signInWithDeviceCode"),)


class TokenExchangeFailed(LoginError):
    kind = "tokenExchangeFailed"
    sentence = "The issuer refused to complete the sign-in; sign in again."


class ApiKeyInvalid(LoginError):
    kind = "apiKeyInvalid"
    sentence = "This cannot be an API key."
    advice = (
        Remediation("Create an API key", url="https://platform.openai.com/api-keys"),
        SIGN_IN_WITH_API_KEY,
    )


class LoginMethodNotAllowed(LoginError):
    kind = "loginMethodNotAllowed"
    sentence = "config.toml forbids this way of signing in; sign in another way."
    advice = ()


class LoginMethodUnavailable(LoginError):
    kind = "loginMethodUnavailable"
    sentence = "The issuer does not offer this way of signing in; sign in another way."
    advice = (SIGN_IN, SIGN_IN_WITH_DEVICE_CODE, SIGN_IN_WITH_API_KEY)


class WrongWorkspace(LoginError):
    kind = "wrongWorkspace"
    sentence = (
        "This account does not belong to a workspace that the configuration allows; sign in with "
        "one that does."
    )


class WrongAccount(LoginError):
    kind = "wrongAccount"
    sentence = (
        "The sign-in was made with another account than the one asked for; sign in with that one."
    )


class CredentialError(AuthError):
    """The stored credential does not serve."""

    advice: ClassVar[tuple[Remediation, ...]] = (SIGN_IN_AGAIN,)


class NotSignedIn(CredentialError):
    kind = "notSignedIn"
    sentence = "Nobody is signed in."
    advice = (SIGN_IN,)


class NeedsReauth(CredentialError):
    kind = "needsReauth"
    sentence = "The stored sign-in can no longer be used; sign in again."


class RefreshTokenExpired(NeedsReauth):
    kind = "refreshTokenExpired"
    sentence = "The sign-in has expired; sign in again."


class RefreshTokenReused(NeedsReauth):
    kind = "refreshTokenReused"
    sentence = "The issuer says that this sign-in was already renewed elsewhere; sign in again."


class RefreshTokenRevoked(NeedsReauth):
    kind = "refreshTokenRevoked"
    sentence = "The issuer has ended this sign-in; sign in again."


class ApiKeyRejected(CredentialError):
    kind = "apiKeyRejected"
    sentence = "The provider refused the API key, which may have been deleted; make another one."
    advice = (
        Remediation("Create an API key", url="https://platform.openai.com/api-keys"),
        SIGN_IN_WITH_API_KEY,
    )


class ProviderUnknown(CredentialError):
    kind = "providerUnknown"
    sentence = "There is no such model provider; name another one."
    advice = ()


class EnvironmentKeyMissing(CredentialError):
    kind = "environmentKeyMissing"
    sentence = "The environment variable with the provider's key is not set."
    advice = ()


class CredentialCommandFailed(CredentialError):
    kind = "credentialCommandFailed"
    retryable = True
    sentence = "The command that prints the provider's token failed; run it by hand to see why."
    advice = (SHOW_LOG,)


class CapabilityNotDeclared(CredentialError):
    kind = "capabilityNotDeclared"
    sentence = (
        "This editor gets no credentials, since it has not declared the capability `credential`."
    )
    advice = ()


class IssuerError(AuthError):
    """The issuer, or the way to it."""

    advice = (SHOW_LOG,)


class NetworkUnreachable(IssuerError):
    kind = "networkUnreachable"
    retryable = True
    sentence = "The issuer could not be reached; check the network connection and try again."


class ProxyError(IssuerError):
    kind = "proxyError"
    retryable = True
    sentence = "The proxy did not let the request through; check the proxy settings."


class TlsUntrusted(IssuerError):
    kind = "tlsUntrusted"
    sentence = (
        "The issuer's certificate is not trusted by this machine; where a proxy inspects "
        "traffic, name its certificate in CODEX_CA_CERTIFICATE or SSL_CERT_FILE."
    )


class IssuerUnavailable(IssuerError):
    kind = "issuerUnavailable"
    retryable = True
    sentence = "The issuer has a problem at the moment; try again in a few minutes."


class RateLimited(IssuerError):
    kind = "rateLimited"
    retryable = True
    sentence = "The issuer asks to wait before the next try; try again later."


class IssuerResponseInvalid(IssuerError):
    kind = "issuerResponseInvalid"
    sentence = "The issuer's answer was not understood; try again later."


class StoreError(AuthError):
    """The login cache."""

    advice: ClassVar[tuple[Remediation, ...]] = (SHOW_LOG,)


class StoreUnavailable(StoreError):
    kind = "storeUnavailable"
    sentence = (
        "The folder or the keyring where logins are kept is not available; create or start it."
    )
    advice = (
        Remediation("Create the folder, or start the keyring, that the message names"),
        SHOW_LOG,
    )


class StoreLocked(StoreError):
    kind = "storeLocked"
    sentence = "The keyring where logins are kept is locked; unlock it, then try again."
    advice = (Remediation("Unlock the keyring of this computer"), SHOW_LOG)


class StoreCorrupt(StoreError):
    kind = "storeCorrupt"
    sentence = "The stored login cannot be read; sign in again to replace it."
    advice = (SIGN_IN_AGAIN, SHOW_LOG)


class StoreReadOnly(StoreError):
    kind = "storeReadOnly"
    sentence = "The place where logins are kept cannot be written by this user; make it writable."
    advice = (
        Remediation("Make the folder where logins are kept writable for your user"),
        SHOW_LOG,
    )


class StoreWriteFailed(StoreError):
    kind = "storeWriteFailed"
    retryable = True
    sentence = "The login could not be written to the place where logins are kept; try again."


class LockTimedOut(StoreError):
    kind = "lockTimedOut"
    retryable = True
    sentence = "Another program keeps the login cache locked; try again in a moment."


class ConfigurationInvalid(AuthError):
    kind = "configurationInvalid"
    sentence = "The configuration cannot be used; correct it and try again."


class ShuttingDown(AuthError):
    kind = "shuttingDown"
    sentence = "The language server is shutting down; try again when it has started anew."


class InternalError(AuthError):
    kind = "internalError"
    sentence = "codex-auth-lsp met an error of its own; the log has the details."
    advice = (SHOW_LOG,)
