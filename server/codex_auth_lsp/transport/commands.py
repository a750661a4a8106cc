"""`workspace/executeCommand`: sign-in for a client that has no code for `auth/*`.

The sign-in commands answer at once, since many clients give up after ten seconds; how it ended
comes as a message. The others answer with the result of the request that they stand for.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcException

from codex_auth_lsp.domain.login_method import LoginMethodId
from codex_auth_lsp.errors import AuthError, InvalidParams, LoginCancelled, LoginSuperseded
from codex_auth_lsp.service.attempt import IfRunning, LoginRequest
from codex_auth_lsp.wire import methods
from codex_auth_lsp.wording import cancel_sentence, login_sentence, logout_sentence, status_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from codex_auth_lsp.flows.base import LoginPrompts
    from codex_auth_lsp.service.attempt import Attempt
    from codex_auth_lsp.service.auth_service import AuthService
    from codex_auth_lsp.transport.client import ClientCapabilities
    from codex_auth_lsp.transport.progress import WorkDoneProgress

CREATE_PROGRESS_SECONDS = 5.0
"""How long a client may take to agree to a progress."""

_ERROR, _INFO = 1, 3  # LSP's MessageType


class Commands:
    """The five commands."""

    def __init__(
        self,
        service: AuthService,
        client: ClientCapabilities,
        prompts: LoginPrompts,
        progress: WorkDoneProgress,
        notify: Callable[[str, Any], None],
        request: Callable[[str, Any], Awaitable[Any]],
    ) -> None:
        self._service = service
        self._client = client
        self._prompts = prompts
        self._progress = progress
        self._notify = notify
        self._request = request
        self._followed: dict[Attempt, asyncio.Task[None]] = {}

    async def execute(self, raw: Any) -> dict[str, Any]:
        """Answer `workspace/executeCommand`.

        Raises:
            InvalidParams: There is no such command.
        """
        command = raw.get("command") if isinstance(raw, dict) else None
        if command == methods.COMMAND_SIGN_IN:
            return await self._sign_in(LoginMethodId.BROWSER)
        if command == methods.COMMAND_SIGN_IN_WITH_DEVICE_CODE:
            return await self._sign_in(LoginMethodId.DEVICE_CODE)
        if command == methods.COMMAND_SIGN_OUT:
            done = await self._service.logout()
            result = done.to_wire()
            self._show(_INFO, logout_sentence(result, unread=done.unread))
            return result
        if command == methods.COMMAND_STATUS:
            await self._service.sync()
            status = self._service.status()
            self._show(_INFO, status_message(status))
            return status
        if command == methods.COMMAND_CANCEL:
            outcome = self._service.cancel_login(None)
            if outcome != "cancelled" or not self._followed:
                self._show(_INFO, cancel_sentence(outcome))  # else the sign-in's own end says it
            return {"outcome": outcome}
        raise InvalidParams("`command` must be one of " + ", ".join(methods.COMMANDS) + ".")

    async def _sign_in(self, method: LoginMethodId) -> dict[str, Any]:
        request = LoginRequest(method, if_running=IfRunning.JOIN_ELSE_SUPERSEDE)
        try:
            attempt = await self._service.logins.begin(request, self._prompts)
        except AuthError as error:
            self._show(_ERROR, error.message)
            raise
        if attempt not in self._followed:
            task = asyncio.ensure_future(self._follow(attempt))
            self._followed[attempt] = task
            task.add_done_callback(lambda _: self._followed.pop(attempt))
        return {"attemptId": attempt.id}

    async def _follow(self, attempt: Attempt) -> None:
        progress = asyncio.ensure_future(self._show_progress(attempt))
        try:
            status = await self._service.logins.wait(attempt)
        except (LoginCancelled, LoginSuperseded) as error:
            self._show(_INFO, error.message)
        except AuthError as error:
            self._show(_ERROR, error.message)
        else:
            self._show(_INFO, login_sentence(status))
        finally:
            progress.cancel()

    async def _show_progress(self, attempt: Attempt) -> None:
        if not self._client.work_done_progress:
            return
        token = f"codex-sign-in-{uuid.uuid4().hex}"
        try:
            async with asyncio.timeout(CREATE_PROGRESS_SECONDS):
                await self._request("window/workDoneProgress/create", {"token": token})
        except (TimeoutError, JsonRpcException):
            return
        if attempt.can_be_joined:
            self._progress.begin(token, attempt.id)

    def _show(self, kind: int, message: str) -> None:
        self._notify("window/showMessage", {"type": kind, "message": message})
