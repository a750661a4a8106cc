"""What the scripted server answers at once, as the real one does in the same state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.conformance import answers
from codex_auth_lsp.errors import (
    AuthError,
    CapabilityNotDeclared,
    IssuerUnavailable,
    NotSignedIn,
    ProviderUnknown,
    RefreshTokenRevoked,
)
from codex_auth_lsp.transport.error_replies import error_reply
from codex_auth_lsp.wire import methods

if TYPE_CHECKING:
    from collections.abc import Callable

_WITHOUT_LOGIN: dict[str, type[AuthError]] = {
    "signedOut": NotSignedIn,
    "needsReauth": RefreshTokenRevoked,
}

_LISTS: dict[str, Callable[[], dict[str, Any]]] = {
    methods.METHODS: answers.login_methods,
    methods.PROVIDERS: answers.providers,
    methods.DOCTOR: answers.doctor,
}


def reply(
    name: str, params: dict[str, Any], status: dict[str, Any], *, gives_credentials: bool, page: str
) -> dict[str, Any] | None:
    """Return `result` or `error` of the response; None where a scenario has to answer.

    `name` is that of a request or of a command, `page` the address of a server on this machine.
    """
    if name in _LISTS:
        return {"result": _LISTS[name]()}
    if name in {methods.STATUS, methods.COMMAND_STATUS}:
        return {"result": status}
    try:
        if name == methods.REFRESH:
            _need_login(status)
            return {"result": status}
        if name == methods.CREDENTIAL:
            return {"result": _credential(params, status, page, may_have=gives_credentials)}
    except AuthError as error:
        return {"error": error_reply(error)}
    return None


def _need_login(status: dict[str, Any]) -> None:
    refusal = _WITHOUT_LOGIN.get(status["state"])
    if refusal is not None:
        raise refusal


def _credential(
    params: dict[str, Any], status: dict[str, Any], page: str, *, may_have: bool
) -> dict[str, Any]:
    if not may_have:
        raise CapabilityNotDeclared
    provider_id = answers.PROVIDER
    wanted = params.get("providerId")
    if wanted is not None and wanted != provider_id:
        raise ProviderUnknown(provider_id=str(wanted))
    _need_login(status)
    if params.get("rejectedRevision") is not None:
        raise IssuerUnavailable(provider_id=provider_id)  # nothing is renewed here
    return answers.credential(page)
