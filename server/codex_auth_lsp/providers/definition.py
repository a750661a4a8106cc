"""One provider as it is in force: its table, or what is built in, with what was found beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from codex_auth_lsp.config.model_providers import ProviderSettings
    from codex_auth_lsp.secret import Secret


@frozen
class Definition:
    """A provider as it is in force.

    `problems` are told and do no harm; `obstacles` keep it from being used. `stored_key` is the
    login cache's, where this provider alone uses it.
    """

    id: str
    settings: ProviderSettings
    problems: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()
    stored_key: Secret | None = None
