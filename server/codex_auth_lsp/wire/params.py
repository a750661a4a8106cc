"""What a client sends with each request (`protocol.md`, "Requests")."""

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from codex_auth_lsp.wire.model import Received, UInteger
from codex_auth_lsp.wire.types import AttemptId, IfRunning, LoginMethodId, ProgressToken

DEFAULT_TIMEOUT_SECONDS = 600
MAXIMUM_TIMEOUT_SECONDS = 1800
DEFAULT_VALIDITY_SECONDS = 300
MAXIMUM_URL_CHARACTERS = 16 * 1024

Id = Annotated[str, Field(min_length=1, max_length=1024)]


class StatusParams(Received):
    """`auth/status`: nothing."""


class MethodsParams(Received):
    """`auth/methods`: nothing."""


class LoginParams(Received):
    """`auth/login`."""

    method: LoginMethodId
    api_key: SecretStr | None = Field(None, validate_default=True)
    attempt_id: AttemptId | None = None
    if_running: IfRunning = "supersede"
    expected_account_id: Id | None = None
    timeout_seconds: int = Field(DEFAULT_TIMEOUT_SECONDS, ge=1, le=MAXIMUM_TIMEOUT_SECONDS)
    work_done_token: ProgressToken | None = None

    @field_validator("api_key")
    @classmethod
    def _api_key_fits_method(
        cls, api_key: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        method = info.data.get("method")  # missing where it is wrong itself, which is told first
        if method == "apiKey" and api_key is None:
            raise PydanticCustomError("api_key_required", "given with method 'apiKey'")
        if method not in (None, "apiKey") and api_key is not None:
            raise PydanticCustomError("api_key_refused", "left out unless method is 'apiKey'")
        return api_key


class CancelLoginParams(Received):
    """`auth/cancelLogin`: the attempt to end, else the one that runs."""

    attempt_id: AttemptId | None = None


class SubmitCallbackParams(Received):
    """`auth/submitCallback`: the redirect URL that the person copied out of their browser."""

    attempt_id: AttemptId | None = None
    url: SecretStr = Field(max_length=MAXIMUM_URL_CHARACTERS, repr=False)


class ReopenBrowserParams(Received):
    """`auth/reopenBrowser`."""

    attempt_id: AttemptId | None = None


class LogoutParams(Received):
    """`auth/logout`."""

    revoke: bool = True


class RefreshParams(Received):
    """`auth/refresh`."""

    force: bool = False
    min_validity_seconds: UInteger = DEFAULT_VALIDITY_SECONDS


class ProvidersParams(Received):
    """`auth/providers`: nothing."""


class CredentialParams(Received):
    """`auth/credential`: for a provider, else for the active one."""

    provider_id: Id | None = None
    min_validity_seconds: UInteger = DEFAULT_VALIDITY_SECONDS
    rejected_revision: UInteger | None = None


class DoctorParams(Received):
    """`auth/doctor`: whether the issuer may be asked, too."""

    network: bool = False
