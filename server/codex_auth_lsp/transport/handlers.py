"""The requests that take time: params to a model, the service, and its answer to the wire.

Each handler is `async` and may be cancelled; what must not be cut short, the service shields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from codex_auth_lsp.domain.links import API_KEYS, API_PRICING
from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.errors import InvalidParams
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.attempt import IfRunning, LoginRequest
from codex_auth_lsp.transport.shared_runs import SharedRuns
from codex_auth_lsp.wire import methods
from codex_auth_lsp.wire.model import Received
from codex_auth_lsp.wire.params import (
    DoctorParams,
    LoginParams,
    ReopenBrowserParams,
    SubmitCallbackParams,
)
from codex_auth_lsp.wire.reading import ParamsInvalid, read_params
from codex_auth_lsp.wording import login_sentence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from codex_auth_lsp.flows.base import LoginPrompts
    from codex_auth_lsp.service.auth_service import AuthService
    from codex_auth_lsp.transport.progress import WorkDoneProgress

Params = TypeVar("Params", bound=Received)


class Handlers:
    """One method a request."""

    def __init__(
        self,
        service: AuthService,
        prompts: LoginPrompts,
        progress: WorkDoneProgress,
    ) -> None:
        self._service = service
        self._prompts = prompts
        self._progress = progress
        self._examinations: SharedRuns[bool, dict[str, Any]] = SharedRuns()

    def table(self) -> Mapping[str, Callable[[Any], Awaitable[Any]]]:
        """Return the handler of each method."""
        return {
            methods.LOGIN: self.login,
            methods.SUBMIT_CALLBACK: self.submit_callback,
            methods.REOPEN_BROWSER: self.reopen_browser,
            methods.DOCTOR: self.doctor,
        }

    async def login(self, raw: Any) -> dict[str, Any]:
        """Answer `auth/login`."""
        params = read(LoginParams, raw)
        attempt = await self._service.logins.begin(_login_request(params), self._prompts)
        token = params.work_done_token
        if token is not None:
            self._progress.begin(token, attempt.id)
        try:
            status = await self._service.logins.wait(attempt)
        finally:
            if token is not None:
                self._progress.end(token)
        links = (API_KEYS, API_PRICING) if params.method == "apiKey" else ()
        return {
            "attemptId": attempt.id,
            "status": status,
            "message": login_sentence(status),
            "links": [{"title": link.title, "url": link.url} for link in links],
        }

    async def submit_callback(self, raw: Any) -> dict[str, Any]:
        """Answer `auth/submitCallback`; the login that it belongs to goes its own way."""
        params = read(SubmitCallbackParams, raw)
        url = Secret(params.url.get_secret_value())
        self._service.logins.submit_callback(params.attempt_id, url)
        return {"accepted": True}

    async def reopen_browser(self, raw: Any) -> dict[str, Any]:
        """Answer `auth/reopenBrowser`."""
        params = read(ReopenBrowserParams, raw)
        await self._service.logins.show_again(params.attempt_id)
        return {}

    async def doctor(self, raw: Any) -> dict[str, Any]:
        """Answer `auth/doctor`; what is asked with the same params meanwhile is one examination."""
        network = read(DoctorParams, raw).network
        return await self._examinations.join(network, lambda: self._examine(network=network))

    async def _examine(self, *, network: bool) -> dict[str, Any]:
        from codex_auth_lsp.doctor import examine  # it brings httpx, which nobody else may need

        checks = await examine(self._service, network=network)
        return {"checks": [check.to_wire() for check in checks]}


def read(model: type[Params], raw: Any) -> Params:
    """Return the params of a request.

    Raises:
        InvalidParams: They do not fit.
    """
    try:
        return read_params(model, raw)
    except ParamsInvalid as exc:
        raise InvalidParams(str(exc)) from None


def _login_request(params: LoginParams) -> LoginRequest:
    key = params.api_key
    return LoginRequest(
        method=LoginMethodId(params.method),
        api_key=Secret(key.get_secret_value()) if key is not None else None,
        attempt_id=params.attempt_id,
        if_running=IfRunning(params.if_running),
        expected_account_id=params.expected_account_id,
        seconds=params.timeout_seconds,
    )
