"""What is known of the place where logins are kept, without its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codex_auth_lsp.values import frozen, replace

if TYPE_CHECKING:
    from codex_auth_lsp.domain.notice import Notice


@frozen
class StoreReport:
    """The contract's `store` object.

    `mode` is what the configuration asks for (`file`, `keyring`, `auto`, `ephemeral`), `backend`
    what is in use (`file`, `keyring`, `memory`, `none`), `health` one of `ok`, `locked`,
    `unavailable`, `corrupt`, `readOnly`; `detail` is a sentence about a health that is not `ok`, or
    about a file that is used in the place of a keyring, lies unused beside one, or is open to other
    people. `notices` are what the person should hear of it once.
    """

    mode: str
    backend: str
    health: str = "ok"
    path: str | None = None
    encrypted: bool = False
    detail: str | None = None
    notices: tuple[Notice, ...] = ()

    def unknown(self, detail: str) -> StoreReport:
        """Return it as that of a place that nobody can name now, for this reason."""
        return replace(self, backend="none", health="unavailable", path=None, detail=detail)

    def to_wire(self) -> dict[str, Any]:
        """Return the contract's `store` object."""
        wire: dict[str, Any] = {"mode": self.mode, "backend": self.backend}
        if self.path is not None:
            wire["path"] = self.path
        wire |= {"encrypted": self.encrypted, "health": self.health}
        if self.detail is not None:
            wire["detail"] = self.detail
        return wire


@frozen
class CredentialSource:
    """Where a credential comes from: `file`, `keyring`, `environment` or `memory`, and its name.

    `name` is a path or the NAME of a variable, never a value.
    """

    kind: str
    name: str | None = None

    def to_wire(self) -> dict[str, str]:
        """Return the contract's `source` object."""
        return {"kind": self.kind} if self.name is None else {"kind": self.kind, "name": self.name}
