"""What gives this user the place of the login back, for a person at a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from codex_auth_lsp.service.auth_service import ServiceOptions

_ANOTHER = "name another folder with --codex-home or CODEX_HOME"


def mend(status: Mapping[str, Any], options: ServiceOptions) -> str | None:
    """Return what to do about a folder or a file that is in the way, None where none is."""
    store, home = status["store"], options.home
    if store["backend"] != "file" or store["health"] == "ok":
        return None
    from codex_auth_lsp.doctor.access import is_closed, may_be_read, opening, writing

    if is_closed(home.path):
        return opening(home.path).title
    if home.problem() is not None:
        return _ANOTHER if home.path.exists() else None
    file = Path(store["path"])
    if store["health"] == "unavailable":
        return None if may_be_read(file) else opening(file).title
    remedy = writing(file, home.path)
    return remedy.title if remedy is not None else None
