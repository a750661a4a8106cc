"""The key for Amazon Bedrock that the login cache holds: a token that no other provider gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.providers.bedrock import KEY_VARIABLE
from codex_auth_lsp.providers.kind import Examination, Given
from codex_auth_lsp.providers.request_credential import bearer, fits_header
from codex_auth_lsp.providers.variable_name import is_set
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.kind import Sources
    from codex_auth_lsp.providers.surroundings import Surroundings


class StoredKey:
    """As in the Codex CLI 0.169.0 it wins over the variable."""

    auth_kind: ClassVar[str] = "bearerToken"

    def examine(self, definition: Definition, surroundings: Surroundings) -> Examination:
        """Say whether a header can carry it, and what it wins over."""
        if not fits_header(_key(definition)):
            return Examination(
                obstacles=("The stored Amazon Bedrock key is empty or no header can carry it.",)
            )
        if not is_set(KEY_VARIABLE, surroundings.environment):
            return Examination()
        return Examination(
            (f"{KEY_VARIABLE} is ignored because the login cache holds a key for Bedrock.",)
        )

    async def give(self, definition: Definition, sources: Sources) -> Given:
        """Return the key."""
        del sources
        return Given(bearer(_key(definition)))


def _key(definition: Definition) -> Secret:
    key = definition.stored_key
    return Secret(key.reveal().strip()) if key is not None else Secret("")
