"""What an issuer publishes of itself (RFC 8414; OpenID Connect Discovery 1.0): a pure judge.

The endpoints stay those of `endpoints.py`: OpenAI's routes are fixed. Read here is what makes a
sign-in safer: where the signing keys are, and what a redirect has to hold. An issuer that
publishes nothing is trusted by its TLS channel alone (OpenID Connect Core section 3.1.3.7, 6).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from codex_auth_lsp.domain.issuer import url_problem
from codex_auth_lsp.errors import IssuerResponseInvalid

if TYPE_CHECKING:
    from codex_auth_lsp.domain.issuer import IssuerSettings
    from codex_auth_lsp.oauth.http import Reply


@dataclass(frozen=True, slots=True)
class IssuerMetadata:
    """What is used of the document; the defaults are those of an issuer that publishes none.

    `jwks_uri` is None where no keys are published on the issuer's own origin.
    `names_itself` is RFC 9207's `authorization_response_iss_parameter_supported`.
    """

    jwks_uri: str | None = None
    names_itself: bool = False


def metadata_url(issuer: IssuerSettings) -> str:
    """Return the URL of OpenID Connect Discovery section 4."""
    return issuer.issuer + "/.well-known/openid-configuration"


def judge_metadata(reply: Reply, issuer: IssuerSettings) -> IssuerMetadata:
    """Return what an answer says; anything but a JSON object with status 200 says nothing.

    Raises:
        IssuerResponseInvalid: It speaks for another issuer (RFC 8414 section 3.3), or takes no
            S256 challenge (RFC 7636 section 4.2), to which there is no fallback.
    """
    document = _document(reply)
    if document is None:
        return IssuerMetadata()
    named = document.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer.issuer:
        raise IssuerResponseInvalid(
            f"What {issuer.issuer} publishes about itself is about another issuer, so nobody is "
            "signed in there; check the configured issuer."
        )
    challenges = document.get("code_challenge_methods_supported")
    if isinstance(challenges, list) and challenges and "S256" not in challenges:
        raise IssuerResponseInvalid(
            f"{issuer.issuer} does not take the S256 challenge that protects a sign-in."
        )
    return IssuerMetadata(
        jwks_uri=_own_url(document.get("jwks_uri"), issuer),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _document(reply: Reply) -> dict[str, Any] | None:
    if reply.status != 200:
        return None
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _own_url(value: object, issuer: IssuerSettings) -> str | None:
    """Return a URL of the issuer's own origin; keys from anywhere else would prove nothing."""
    if not isinstance(value, str) or url_problem(value) is not None:
        return None
    ours, theirs = urlsplit(issuer.issuer), urlsplit(value)
    same = (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())
    return value if same else None
