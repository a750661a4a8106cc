"""What a check finds, and what all checks look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.errors import Remediation
    from codex_auth_lsp.service.auth_service import ServiceOptions
    from codex_auth_lsp.service.credentials import IssuedCredential
    from codex_auth_lsp.service.login_cache import View


UNKNOWN = "{what} cannot be known until config.toml is mended."
"""The summary of a check that has nothing to go by."""


class Health(StrEnum):
    """The contract's `status` of a check."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: `summary` is a sentence, `detail` may be lines."""

    id: str
    health: Health
    summary: str
    detail: str | None = None
    remediation: tuple[Remediation, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's object."""
        wire: dict[str, Any] = {"id": self.id, "status": self.health, "summary": self.summary}
        if self.detail is not None:
            wire["detail"] = self.detail
        if self.remediation:
            wire["remediation"] = [remediation.to_wire() for remediation in self.remediation]
        return wire


@dataclass(frozen=True)
class Scene:
    """What there is to look at.

    `network` says whether the issuer and the provider may be asked, and `login` is then what the
    active provider is given.
    """

    options: ServiceOptions
    view: View
    status: dict[str, Any]
    clock: Clock
    network: bool = False
    login: IssuedCredential | None = None
