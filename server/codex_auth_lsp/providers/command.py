"""Kind `command`: a program of `config.toml`, named in the `auth` table, that prints a token.

How it is run stands in `command_runner`, which is not needed before the first run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.errors import CredentialCommandFailed
from codex_auth_lsp.providers.kind import Examination, Given
from codex_auth_lsp.providers.request_credential import bearer

if TYPE_CHECKING:
    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.kind import Sources
    from codex_auth_lsp.providers.surroundings import Surroundings


class Command:
    """A failing command is an error; the Codex CLI 0.169.0 sends the request without a token."""

    auth_kind: ClassVar[str] = "command"

    def examine(self, definition: Definition, surroundings: Surroundings) -> Examination:
        """Say whether there is something to run, and how it failed when it was last run."""
        command = definition.settings.command
        if command is None or not command.command or "\0" in command.command:
            return Examination(obstacles=("`auth.command` must name a program.",))
        return Examination(missing=surroundings.failure_of(definition.id, command))

    async def give(self, definition: Definition, sources: Sources) -> Given:
        """Return what the command prints, or has printed a moment ago.

        Raises:
            CredentialCommandFailed: It printed no token.
        """
        command = definition.settings.command
        if command is None:
            raise CredentialCommandFailed(provider_id=definition.id)
        return Given(bearer(await sources.run(definition.id, command)))
