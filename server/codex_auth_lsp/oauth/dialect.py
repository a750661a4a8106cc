"""Which body an issuer wants: Codex's JSON, or the forms of RFC 6749 and RFC 7009. Pure.

OpenAI's issuer takes JSON, always. An issuer is known to want forms by its metadata at a login, or
because it took one after it had not understood JSON; that is kept with the login.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.oauth.endpoints import token_endpoint
from codex_auth_lsp.oauth.token import oauth_error

if TYPE_CHECKING:
    from codex_auth_lsp.domain.credential import ChatGptCredential
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.oauth.http import Reply
    from codex_auth_lsp.oauth.metadata import IssuerMetadata

_BODY_REFUSED = frozenset({"invalid_request", "unsupported_grant_type"})


class Dialect(Enum):
    """How the issuer of a login is spoken to."""

    CODEX = auto()  # JSON
    FORMS = auto()
    UNTOLD = auto()  # JSON first, as the sandbox takes it, and a form where that is not understood


def dialect_of(login: ChatGptCredential) -> Dialect:
    """Return the dialect of a stored login's issuer."""
    if login.provenance.issuer == OPENAI_ISSUER:
        return Dialect.CODEX
    return Dialect.UNTOLD if login.token_endpoint is None else Dialect.FORMS


def form_endpoints(
    metadata: IssuerMetadata, issuer: IssuerSettings
) -> tuple[str | None, str | None]:
    """Return the endpoints for refresh and revocation to keep with a new login.

    Both are None for an issuer on OpenAI's routes, which may want JSON there as well.
    """
    if not has_own_routes(metadata, issuer):
        return None, None
    return metadata.token_endpoint, metadata.revocation_endpoint


def has_own_routes(metadata: IssuerMetadata, issuer: IssuerSettings) -> bool:
    """Say whether an issuer gives its tokens elsewhere than OpenAI's does."""
    return metadata.token_endpoint not in {None, token_endpoint(issuer)}


def is_not_understood(reply: Reply) -> bool:
    """Say whether the body was refused as such, so that no token in it was looked at.

    `invalid_grant` is never that: it is a verdict on the token.
    """
    return reply.status == 415 or (reply.status == 400 and oauth_error(reply) in _BODY_REFUSED)


def is_no_route(reply: Reply) -> bool:
    """Say whether there is no such endpoint."""
    return reply.status in {404, 405}
