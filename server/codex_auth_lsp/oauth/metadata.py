"""What an issuer publishes of itself (RFC 8414; OpenID Connect Discovery 1.0): a pure judge.

Read here is where the signing keys are, what a redirect has to hold, and where an issuer that is
not OpenAI's, whose routes are fixed, wants to be asked: on its own origin alone. An issuer that
publishes nothing is trusted by its TLS channel alone (OpenID Connect Core section 3.1.3.7, 6).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, own_url
from codex_auth_lsp.errors import (
    IssuerError,
    IssuerResponseInvalid,
    IssuerUnavailable,
    RateLimited,
)
from codex_auth_lsp.oauth.token import retry_after_seconds

if TYPE_CHECKING:
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.oauth.http import Reply

_MEMBERS = frozenset(
    {
        "issuer",
        "jwks_uri",
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "device_authorization_endpoint",
    }
)


@dataclass(frozen=True, slots=True)
class IssuerMetadata:
    """What is used of the document; the defaults are those of an issuer that publishes none.

    The endpoints are None where none is named, and always for OpenAI's issuer. `jwks_uri` and
    `revocation_endpoint` are None too where they are on another origin.
    `names_itself` is RFC 9207's `authorization_response_iss_parameter_supported`.
    `is_anonymous` is whether the document leaves `issuer` out, which the id token then has to say.
    `trouble` is why the document cannot be had at the moment.
    """

    jwks_uri: str | None = None
    names_itself: bool = False
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    revocation_endpoint: str | None = None
    device_authorization_endpoint: str | None = None
    is_anonymous: bool = False
    trouble: IssuerError | None = field(default=None, compare=False)


def metadata_url(issuer: IssuerSettings) -> str:
    """Return the URL of OpenID Connect Discovery section 4."""
    return issuer.issuer + "/.well-known/openid-configuration"


def metadata_urls(issuer: IssuerSettings) -> tuple[str, ...]:
    """Return where the document may stand, in the order in which to look."""
    if issuer.issuer == OPENAI_ISSUER:
        return (metadata_url(issuer),)
    parts = urlsplit(issuer.issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    return (
        metadata_url(issuer),
        f"{origin}/.well-known/oauth-authorization-server{parts.path}",  # RFC 8414 section 3.1
    )


def holds_metadata(reply: Reply) -> bool:
    """Say whether an answer is such a document at all: one with a member that is used of it."""
    return _document(reply) is not None


def judge_metadata(reply: Reply, issuer: IssuerSettings) -> IssuerMetadata:
    """Return what an answer says; anything but such a document with status 200 says nothing.

    A document without `issuer` counts, though RFC 8414 section 2 wants one: it comes over TLS from
    the address that somebody has configured, and leads nowhere else.

    Raises:
        IssuerResponseInvalid: It speaks for another issuer (RFC 8414 section 3.3), leads to
            another site, or takes no S256 challenge (RFC 7636 section 4.2), to which there is no
            fallback.
    """
    document = _document(reply)
    if document is None:
        return IssuerMetadata(trouble=_trouble(reply))
    is_anonymous = "issuer" not in document
    named = document.get("issuer", issuer.issuer)
    if not isinstance(named, str) or named.rstrip("/") != issuer.issuer:
        raise IssuerResponseInvalid(
            f"What {issuer.issuer} publishes about itself is about another issuer, so nobody is "
            "signed in there; check the configured issuer."
        )
    challenges = document.get("code_challenge_methods_supported")
    if isinstance(challenges, list) and challenges and "S256" not in challenges:
        raise IssuerResponseInvalid(
            f"{issuer.issuer} does not take the S256 challenge that protects a sign-in; sign in "
            "another way, or check the configured issuer."
        )
    jwks_uri = own_url(document.get("jwks_uri"), issuer)
    names_itself = document.get("authorization_response_iss_parameter_supported") is True
    if issuer.issuer == OPENAI_ISSUER:
        return IssuerMetadata(jwks_uri, names_itself, is_anonymous=is_anonymous)
    return IssuerMetadata(
        jwks_uri,
        names_itself,
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        revocation_endpoint=own_url(document.get("revocation_endpoint"), issuer),
        device_authorization_endpoint=_endpoint(document, "device_authorization_endpoint", issuer),
        is_anonymous=is_anonymous,
    )


def _document(reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and not _MEMBERS.isdisjoint(document) else None


def _trouble(reply: Reply) -> IssuerError | None:
    if reply.status == 429:
        return RateLimited(retry_after_seconds=retry_after_seconds(reply))
    if reply.status >= 500:
        return IssuerUnavailable(
            f"The issuer answered with HTTP {reply.status}; try again in a few minutes.",
            retry_after_seconds=retry_after_seconds(reply),
        )
    return None


def _endpoint(document: dict[str, Any], name: str, issuer: IssuerSettings) -> str | None:
    """Return an endpoint that a sign-in needs; one on another site ends it before it begins."""
    value = document.get(name)
    url = own_url(value, issuer)
    if value is not None and url is None:
        raise IssuerResponseInvalid(
            f"{issuer.issuer} names a `{name}` that is no plain address on its own site, so nobody "
            "is signed in there; check the configured issuer."
        )
    return url
