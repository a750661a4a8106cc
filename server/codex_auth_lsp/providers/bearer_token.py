"""Kind `bearerToken`: `experimental_bearer_token`, which stands in `config.toml` itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.providers.kind import Examination, Given
from codex_auth_lsp.providers.request_credential import bearer, fits_header
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.kind import Sources
    from codex_auth_lsp.providers.surroundings import Surroundings


class BearerToken:
    """A static token."""

    auth_kind: ClassVar[str] = "bearerToken"

    def examine(self, definition: Definition, surroundings: Surroundings) -> Examination:
        """Say whether it can be one."""
        del surroundings
        if fits_header(_token(definition)):
            return Examination()
        return Examination(
            obstacles=("`experimental_bearer_token` is empty or holds what no header can carry.",)
        )

    async def give(self, definition: Definition, sources: Sources) -> Given:
        """Return the token."""
        del sources
        return Given(bearer(_token(definition)))


def _token(definition: Definition) -> Secret:
    token = definition.settings.bearer_token
    return Secret(token.reveal().strip()) if token is not None else Secret("")
