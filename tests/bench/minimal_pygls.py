"""The smallest language server that pygls makes: one custom request, answered by a constant."""

from __future__ import annotations

from typing import Any

from pygls.lsp.server import LanguageServer

server = LanguageServer("minimal", "1")


@server.feature("auth/status")
def status(_params: Any) -> dict[str, Any]:
    """Answer."""
    return {"state": "signedOut"}


if __name__ == "__main__":
    server.start_io()
