"""Several language servers on one folder, as windows of one editor or of several."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from support.lsp_client import LanguageClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

START_SECONDS = 120.0
"""How long many servers may take to start together on a small machine."""


@asynccontextmanager
async def windows(
    count: int,
    folder: Path,
    home: Path,
    issuer: str,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[list[LanguageClient]]:
    """Run language servers that have told their first status, and end them."""
    clients: list[LanguageClient] = []
    try:
        for number in range(1, count + 1):
            client = await LanguageClient.start(
                folder,
                home=home,
                issuer=issuer,
                environment=environment,
                log_level=None,
                name=f"window {number}",
            )
            clients.append(client)
            await client.initialize()
        for client in clients:
            await client.wait_for("auth/statusChanged", timeout=START_SECONDS)
        yield clients
        await asyncio.gather(*(client.close() for client in clients))
    finally:
        await asyncio.gather(*(client.kill() for client in clients))


def ever_asked_to_sign_in(client: LanguageClient) -> bool:
    """Say whether a server ever told its person that the sign-in is dead."""
    return any(
        change.params["status"]["state"] in {"needsReauth", "signedOut"}
        for change in client.all("auth/statusChanged")
    )
