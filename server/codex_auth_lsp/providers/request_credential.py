"""What to put on a request to a provider: the result of every kind of authentication."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from codex_auth_lsp.secret import Secret
from codex_auth_lsp.values import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def _nothing() -> Mapping[str, Secret]:
    return MappingProxyType({})


@frozen
class RequestCredential:
    """Headers and query parameters for requests to the origin of `base_url`, and for no other."""

    provider_id: str
    base_url: str
    headers: Mapping[str, Secret]
    expires_at: datetime | None = None
    query_params: Mapping[str, Secret] = field(default_factory=_nothing)

    def fingerprint(self) -> str:
        """Return what tells two credentials apart and gives neither away."""
        parts = [self.base_url, *(f"{n}:{v.fingerprint()}" for n, v in self.headers.items())]
        parts += [f"{n}={v.fingerprint()}" for n, v in self.query_params.items()]
        return Secret("\n".join(parts)).fingerprint()


def bearer(token: Secret) -> dict[str, Secret]:
    """Return the header of RFC 6750 section 2.1."""
    return {"Authorization": Secret(f"Bearer {token.reveal()}")}


def fits_header(value: Secret) -> bool:
    """Say whether a value is visible ASCII (RFC 6749 appendix A.12), so that it ends no header."""
    text = value.reveal()
    return bool(text) and text.isascii() and text.isprintable()
