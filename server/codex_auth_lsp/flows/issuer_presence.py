"""Whether there is an issuer at an address at all, asked where one endpoint is missing.

An issuer that gives no device codes answers HTTP 404 where they are made, and so does a web site
at an address that was mistyped. An issuer has at least one of its other endpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.issuer import OPENAI_ISSUER
from codex_auth_lsp.errors import IssuerError, IssuerResponseInvalid
from codex_auth_lsp.oauth import http
from codex_auth_lsp.oauth.endpoints import authorization_endpoint, token_endpoint
from codex_auth_lsp.oauth.metadata import metadata_urls

if TYPE_CHECKING:
    from codex_auth_lsp.domain.issuer import IssuerSettings

_SECONDS = 5.0  # for each answer: the site has just given one


async def is_no_issuer(issuer: IssuerSettings) -> bool:
    """Say whether HTTP 404 is the answer at every address that an issuer would answer at.

    OpenAI's address is known to be right. Where there is no answer, nothing is known.
    """
    if issuer.issuer == OPENAI_ISSUER:
        return False
    try:
        for url in (*metadata_urls(issuer), authorization_endpoint(issuer)):
            if (await http.get(url, {}, seconds=_SECONDS)).status != 404:
                return False
        # A request of no grant is refused by every issuer (RFC 6749 section 5.2).
        fields = [("client_id", issuer.client_id)]
        reply = await http.post_form(token_endpoint(issuer), fields, seconds=_SECONDS)
    except IssuerError:
        return False
    return reply.status == 404


def no_issuer(issuer: IssuerSettings) -> IssuerResponseInvalid:
    """Return what to tell the person."""
    return IssuerResponseInvalid(
        f"There is no issuer at {issuer.issuer}: nothing that an issuer has is found there (HTTP "
        "404); check the configured address."
    )
