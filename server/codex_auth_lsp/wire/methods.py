"""The names on the wire: requests, notifications and commands of this version.

`REQUESTS` and `NOTIFICATIONS` are what the server announces in its capabilities, so a name stands
there exactly when the server answers or may send it.
"""

from __future__ import annotations

PROTOCOL_VERSION = 1

STATUS = "auth/status"
METHODS = "auth/methods"
LOGIN = "auth/login"
CANCEL_LOGIN = "auth/cancelLogin"
SUBMIT_CALLBACK = "auth/submitCallback"
REOPEN_BROWSER = "auth/reopenBrowser"
LOGOUT = "auth/logout"
REFRESH = "auth/refresh"
CREDENTIAL = "auth/credential"
PROVIDERS = "auth/providers"
DOCTOR = "auth/doctor"

REQUESTS = (
    STATUS,
    METHODS,
    LOGIN,
    CANCEL_LOGIN,
    SUBMIT_CALLBACK,
    REOPEN_BROWSER,
    LOGOUT,
    REFRESH,
    CREDENTIAL,
    PROVIDERS,
    DOCTOR,
)

STATUS_CHANGED = "auth/statusChanged"
LOGIN_PROMPT = "auth/loginPrompt"
LOGIN_PROGRESS = "auth/loginProgress"
LOGIN_COMPLETED = "auth/loginCompleted"
PROVIDERS_CHANGED = "auth/providersChanged"
NOTICE = "auth/notice"

NOTIFICATIONS = (
    STATUS_CHANGED,
    LOGIN_PROMPT,
    LOGIN_PROGRESS,
    LOGIN_COMPLETED,
    PROVIDERS_CHANGED,
    NOTICE,
)

COMMAND_SIGN_IN = "codexAuth.signIn"
COMMAND_SIGN_IN_WITH_DEVICE_CODE = "codexAuth.signInWithDeviceCode"
COMMAND_SIGN_OUT = "codexAuth.signOut"
COMMAND_STATUS = "codexAuth.status"
COMMAND_CANCEL = "codexAuth.cancel"

COMMANDS = (
    COMMAND_SIGN_IN,
    COMMAND_SIGN_IN_WITH_DEVICE_CODE,
    COMMAND_SIGN_OUT,
    COMMAND_STATUS,
    COMMAND_CANCEL,
)
