"""The Codex CLI's own URL overrides, honoured where they point to this machine.

`CODEX_REFRESH_TOKEN_URL_OVERRIDE` and `CODEX_REVOKE_TOKEN_URL_OVERRIDE` send the most precious
token anywhere that an environment says; here they count for loopback addresses alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from codex_auth_lsp.domain.issuer import is_loopback, url_problem
from codex_auth_lsp.values import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

REFRESH_VARIABLE = "CODEX_REFRESH_TOKEN_URL_OVERRIDE"
REVOKE_VARIABLE = "CODEX_REVOKE_TOKEN_URL_OVERRIDE"


@frozen
class EndpointOverrides:
    """Whole URLs that take the place of an issuer's endpoints; None where there is no override."""

    refresh: str | None = None
    revoke: str | None = None


def resolve_overrides(environment: Mapping[str, str]) -> EndpointOverrides:
    """Return the overrides that count; a refresh override moves the revocation with it."""
    refresh = _loopback_url(environment.get(REFRESH_VARIABLE, ""))
    revoke = _loopback_url(environment.get(REVOKE_VARIABLE, ""))
    if revoke is None and refresh is not None:
        parts = urlsplit(refresh)
        revoke = f"{parts.scheme}://{parts.netloc}/oauth/revoke"
    return EndpointOverrides(refresh, revoke)


def _loopback_url(url: str) -> str | None:
    if not url or url_problem(url) is not None:
        return None
    return url if is_loopback(urlsplit(url).hostname or "") else None
