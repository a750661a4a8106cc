"""From an exception to a JSON-RPC error: the one place where that happens.

Nothing but the errors of `errors.py` and broken params tells the client what went wrong; a defect
gets a fixed sentence and an id that the log knows too.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from codex_auth_lsp.errors import (
    AuthError,
    InternalError,
    InvalidParams,
    LoginCancelled,
    LoginSuperseded,
    ShuttingDown,
)
from codex_auth_lsp.failures import log_defect
from codex_auth_lsp.transport.envelope import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    REQUEST_CANCELLED,
    REQUEST_FAILED,
    SERVER_CANCELLED,
)

_ENDED_BY_SERVER = (LoginCancelled, LoginSuperseded, ShuttingDown)

logger = logging.getLogger(__name__)


def error_reply(exc: BaseException) -> dict[str, Any]:
    """Return the JSON-RPC `error` object for what a handler raised."""
    if isinstance(exc, asyncio.CancelledError):
        return {"code": REQUEST_CANCELLED, "message": "The request was cancelled."}
    if isinstance(exc, InvalidParams):
        return {"code": INVALID_PARAMS, "message": str(exc)}
    if not isinstance(exc, AuthError):
        correlation_id = log_defect(logger, exc)
        exc = InternalError()
        exc.correlation_id = correlation_id
    return {"code": _code(exc), "message": exc.message, "data": exc.to_data()}


def _code(error: AuthError) -> int:
    if isinstance(error, InternalError):
        return INTERNAL_ERROR
    return SERVER_CANCELLED if isinstance(error, _ENDED_BY_SERVER) else REQUEST_FAILED
