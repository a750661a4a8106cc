"""Which models belong to which method: all that may pass between a client and the server."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.wire import methods, notifications, params, results, types

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.wire.model import Received, Sent


@dataclass(frozen=True, slots=True)
class Exchange:
    """What goes in with a request and what comes out of it."""

    params: type[Received]
    result: type[Sent]


REQUEST_MODELS: Mapping[str, Exchange] = MappingProxyType(
    {
        methods.STATUS: Exchange(params.StatusParams, types.AuthStatus),
        methods.METHODS: Exchange(params.MethodsParams, results.MethodsResult),
        methods.LOGIN: Exchange(params.LoginParams, results.LoginResult),
        methods.CANCEL_LOGIN: Exchange(params.CancelLoginParams, results.CancelLoginResult),
        methods.SUBMIT_CALLBACK: Exchange(
            params.SubmitCallbackParams, results.SubmitCallbackResult
        ),
        methods.REOPEN_BROWSER: Exchange(params.ReopenBrowserParams, results.ReopenBrowserResult),
        methods.LOGOUT: Exchange(params.LogoutParams, results.LogoutResult),
        methods.REFRESH: Exchange(params.RefreshParams, types.AuthStatus),
        methods.CREDENTIAL: Exchange(params.CredentialParams, results.CredentialResult),
        methods.PROVIDERS: Exchange(params.ProvidersParams, results.ProvidersResult),
        methods.DOCTOR: Exchange(params.DoctorParams, results.DoctorResult),
    }
)

NOTIFICATION_MODELS: Mapping[str, type[Sent]] = MappingProxyType(
    {
        methods.STATUS_CHANGED: notifications.StatusChangedParams,
        methods.LOGIN_PROMPT: notifications.LoginPromptParams,
        methods.LOGIN_PROGRESS: notifications.LoginProgressParams,
        methods.LOGIN_COMPLETED: notifications.LoginCompletedParams,
        methods.PROVIDERS_CHANGED: notifications.ProvidersChangedParams,
        methods.NOTICE: notifications.NoticeParams,
    }
)

COMMAND_RESULTS: Mapping[str, type[Sent]] = MappingProxyType(
    {
        methods.COMMAND_SIGN_IN: results.SignInCommandResult,
        methods.COMMAND_SIGN_IN_WITH_DEVICE_CODE: results.SignInCommandResult,
        methods.COMMAND_SIGN_OUT: results.LogoutResult,
        methods.COMMAND_STATUS: types.AuthStatus,
        methods.COMMAND_CANCEL: results.CancelLoginResult,
    }
)
