"""A model provider's way of authentication, as far as it may be told."""

from __future__ import annotations

from typing import Any

from codex_auth_lsp.values import frozen, replace


@frozen
class ProviderAuth:
    """One provider of `config.toml`, or a built-in one.

    `auth_kind` is `openai`, `environmentKey`, `bearerToken`, `command` or `none`. `problems` are
    sentences, without values. `usable` says whether the configuration and the environment have
    what it takes; with `openai` the login decides beside it. `base_url` is None where it is not
    known, or where it holds more than an address that may be shown. `uses_stored_key` is true of a
    provider whose key is what the login cache holds; `ignored_environment_key` names a variable
    that is set and outranked. `defined` is false where `model_provider` names what is nowhere.
    """

    id: str
    name: str
    auth_kind: str
    requires_openai_auth: bool
    base_url: str | None = None
    environment_key: str | None = None
    environment_key_present: bool = False
    environment_key_instructions: str | None = None
    problems: tuple[str, ...] = ()
    usable: bool = True
    ignored_environment_key: str | None = None
    uses_stored_key: bool = False
    defined: bool = True

    def unusable(self, problem: str) -> ProviderAuth:
        """Return it as one that cannot be used for this reason."""
        return replace(self, usable=False, problems=(problem,))

    def to_status_wire(self, *, ready: bool) -> dict[str, Any]:
        """Return the contract's `AuthStatus.provider` object."""
        return {
            "id": self.id,
            "authKind": self.auth_kind,
            "requiresOpenaiAuth": self.requires_openai_auth,
            "ready": ready,
            "problems": list(self.problems),
        }

    def to_wire(self, *, active: bool, ready: bool) -> dict[str, Any]:
        """Return the contract's `ProviderAuth` object."""
        wire = {
            **self.to_status_wire(ready=ready),
            "name": self.name,
            "active": active,
        }
        if self.base_url is not None:
            wire["baseUrl"] = self.base_url
        if self.environment_key is not None:
            key = {"name": self.environment_key, "present": self.environment_key_present}
            if self.environment_key_instructions is not None:
                key["instructions"] = self.environment_key_instructions
            wire["environmentKey"] = key
        return wire
