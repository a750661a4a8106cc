"""What a person should hear once, beside the status: a fact, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from codex_auth_lsp.errors import Remediation


@frozen
class Notice:
    """The contract's `auth/notice`.

    `code` is its stable name on the wire, `severity` one of `error`, `warning`, `info`; `cause`
    tells apart what may be told under one code and is not sent. The message is a sentence fit to
    show and to log.
    """

    code: str
    cause: str
    severity: str
    message: str
    actions: tuple[Remediation, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """Return the params of the notification."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "actions": [action.to_wire() for action in self.actions],
        }
