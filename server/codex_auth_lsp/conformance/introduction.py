"""What a client says of itself in `initialize`, judged: where it stands, and of which type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.wire.capabilities import ClientAuthCapabilities
from codex_auth_lsp.wire.reading import read_params

if TYPE_CHECKING:
    from codex_auth_lsp.conformance.findings import Findings


def judge_introduction(params: Any, findings: Findings) -> None:
    """Note what is wrong with the params of `initialize`."""
    if not isinstance(params, dict) or not isinstance(params.get("capabilities"), dict):
        findings.mistake("`initialize` had no object `capabilities` in its params.")
        return
    if "processId" not in params:
        findings.advise("`initialize` named no `processId`; LSP wants it, or null.")
    capabilities = params["capabilities"]
    if "auth" in capabilities:
        findings.mistake(
            "`capabilities.auth` is not looked at; the object belongs to "
            "`capabilities.experimental.auth`."
        )
    auth = auth_of(params)
    if auth is None:
        findings.advise(
            "The client sends no `capabilities.experimental.auth`, so it hears of no change of "
            "the login, its own apart."
        )
    elif not isinstance(auth, dict):
        findings.mistake("`capabilities.experimental.auth` was no object; `{}` suffices.")
    else:
        _judge_fields(auth, findings)
        if auth.get("loginPrompt") is not True and not can_show_documents(params):
            findings.advise(
                "The client declares neither `loginPrompt` nor `window.showDocument.support`, so "
                "the person gets the address of the sign-in page as text."
            )


def auth_of(params: Any) -> Any:
    """Return what stands in `capabilities.experimental.auth`; None where nothing does."""
    return _inside(params, "capabilities", "experimental", "auth")


def can_show_documents(params: Any) -> bool:
    """Return whether the client declares `window.showDocument.support`."""
    return _inside(params, "capabilities", "window", "showDocument", "support") is True


def _judge_fields(auth: dict[str, Any], findings: Findings) -> None:
    read = read_params(ClientAuthCapabilities, auth)
    fields = {str(field.alias): name for name, field in type(read).model_fields.items()}
    for name, value in auth.items():
        if name not in fields:
            findings.advise(f"`experimental.auth` has no field `{name}`; it is ignored.")
        elif value is not None:
            taken = getattr(read, fields[name])
            if type(taken) is not type(value) or taken != value:
                findings.mistake(
                    f"`experimental.auth.{name}` has the wrong type and counts as missing."
                )


def _inside(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
