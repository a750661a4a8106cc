"""Kind `none`: the configured headers, and no credential."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from codex_auth_lsp.providers.kind import Examination, Given

if TYPE_CHECKING:
    from codex_auth_lsp.providers.definition import Definition
    from codex_auth_lsp.providers.kind import Sources
    from codex_auth_lsp.providers.surroundings import Surroundings


class Unauthenticated:
    """A provider that asks for nothing, or for what `http_headers` say."""

    auth_kind: ClassVar[str] = "none"

    def examine(self, definition: Definition, surroundings: Surroundings) -> Examination:
        """Nothing can be missing."""
        del definition, surroundings
        return Examination()

    async def give(self, definition: Definition, sources: Sources) -> Given:
        """Return nothing."""
        del definition, sources
        return Given(MappingProxyType({}))
