"""A request to a model with what `auth/credential` gave: what all of the sign-in is for."""

from __future__ import annotations

import asyncio
import http.client
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from codex_auth_lsp.demo.failure import DemoFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_SECONDS = 10.0


async def ask_for_models(credential: Mapping[str, Any]) -> int:
    """Send `GET /models` with a credential's headers and return the HTTP status.

    Args:
        credential: The result of `auth/credential`. Its headers are secret: they go to the origin
            of its `baseUrl`, which is plain http on loopback here, and along no redirect.

    Raises:
        DemoFailed: There is no answer.
    """
    return await asyncio.to_thread(_get, f"{credential['baseUrl']}/models", credential["headers"])


def _get(url: str, headers: Mapping[str, str]) -> int:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=REQUEST_SECONDS)
    try:
        connection.request("GET", parts.path, headers=dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        raise DemoFailed("The sandbox's model endpoint did not answer.") from None
    finally:
        connection.close()
