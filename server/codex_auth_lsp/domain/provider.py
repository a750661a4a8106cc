"""A model provider's way of authentication, as far as a status tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ProviderAuth:
    """One provider of `config.toml`, or a built-in one.

    `auth_kind` is `openai`, `environmentKey`, `bearerToken`, `command` or `none`. `ready` says
    whether the credential could be given now; `problems` are sentences, without values.
    """

    id: str
    name: str
    auth_kind: str
    requires_openai_auth: bool
    base_url: str | None = None
    environment_key: str | None = None
    environment_key_present: bool = False
    problems: tuple[str, ...] = ()

    def to_status_wire(self, *, ready: bool) -> dict[str, Any]:
        """Return the contract's `AuthStatus.provider` object."""
        return {
            "id": self.id,
            "authKind": self.auth_kind,
            "requiresOpenaiAuth": self.requires_openai_auth,
            "ready": ready,
            "problems": list(self.problems),
        }
