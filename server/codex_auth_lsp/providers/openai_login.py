"""Kind `openai`: the login of this protocol, for a provider that asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.errors import NotSignedIn
from codex_auth_lsp.providers.kind import Examination, Given

if TYPE_CHECKING:
    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.kind import Sources
    from codex_auth_lsp.providers.surroundings import Surroundings


class OpenAILogin:
    """ChatGPT or an API key. What else the table names is ignored, as OpenAI's documentation says.

    The Codex CLI 0.169.0 lets `env_key` win instead.
    """

    auth_kind: ClassVar[str] = "openai"

    def examine(self, definition: Definition, surroundings: Surroundings) -> Examination:
        """Say what is ignored."""
        del surroundings
        settings = definition.settings
        ignored = {
            "env_key": settings.env_key is not None,
            "experimental_bearer_token": settings.bearer_token is not None,
        }
        return Examination(
            tuple(
                f"`{key}` is ignored because `requires_openai_auth` is true."
                for key, is_there in ignored.items()
                if is_there
            )
        )

    async def give(self, definition: Definition, sources: Sources) -> Given:
        """Return the headers of the login.

        Raises:
            NotSignedIn, NeedsReauth, StoreError: There is none.
        """
        del definition
        found = sources.login_request(sources.login())
        if found is None:
            raise NotSignedIn("The stored login is not one for OpenAI's models; sign in.")
        return Given(found.headers, found.base_url, found.expires_at)
