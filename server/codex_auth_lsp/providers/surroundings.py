"""What a provider finds beside its table: variables, the login, commands that did not work."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.values import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.config.model_providers import CommandSettings
    from codex_auth_lsp.domain.credential import Credential


@frozen
class FailedCommand:
    """How the last run of a provider's command failed, and what the run depended on."""

    command: CommandSettings
    environment: Mapping[str, str] = field(repr=False)
    message: str


def _no_failures() -> Mapping[str, FailedCommand]:
    return MappingProxyType({})


@frozen
class Surroundings:
    """The environment, the credential in force, and failed commands by provider."""

    environment: Mapping[str, str] = field(repr=False)
    login: Credential | None = None
    failed_commands: Mapping[str, FailedCommand] = field(default_factory=_no_failures)

    def failure_of(self, provider_id: str, command: CommandSettings) -> str | None:
        """Return how a command failed when it was last run as it would be run now."""
        failed = self.failed_commands.get(provider_id)
        if failed is None or failed.command != command:
            return None
        return failed.message if failed.environment == self.environment else None
