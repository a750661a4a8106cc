"""The issuer of a login (RFC 8414 section 2, `issuer`) and where credentials may be sent.

An issuer is https anywhere, plain http only on a loopback address: tokens never cross a network
in the clear.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from codex_auth_lsp.values import frozen

OPENAI_ISSUER = "https://auth.openai.com"
OPENAI_CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"  # the Codex CLI's public client

# RFC 3986 section 2, less brackets and parentheses, of which an editor makes a link to anywhere.
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?#@!$&'*+,;=%]*")

_BEFORE_PATH = re.compile(r"https?://\[[0-9A-F:.]+\]", re.IGNORECASE | re.ASCII)  # an IPv6 host


@frozen
class IssuerSettings:
    """Where people sign in, and as which client; `issuer` has no trailing slash."""

    issuer: str = OPENAI_ISSUER
    client_id: str = OPENAI_CLIENT_ID


def url_problem(url: str) -> str | None:
    """Return what is wrong with a URL for credentials, as the end of a sentence, or None."""
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        return "holds a space or a control character."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL."
    if parts.scheme not in {"https", "http"} or not host:
        return "must be an https URL, or http on a loopback address."
    if parts.username is not None or parts.password is not None:
        return "must not hold a user name or a password."
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return "must not hold a query or a fragment."
    if not PLAIN_ADDRESS.fullmatch(_BEFORE_PATH.sub("", url, count=1)):
        return (
            "must be plain ASCII without brackets: write other characters as %XX, a host as xn--."
        )
    if parts.scheme == "http" and not is_loopback(host):
        return "must be https: plain http is for loopback addresses only."
    return None


def own_url(value: object, issuer: IssuerSettings) -> str | None:
    """Return a URL that is fit for credentials and on the issuer's own origin, else None.

    It may hold a query, as endpoints may (RFC 6749 section 3.1, 3.2), but no fragment.
    """
    if not isinstance(value, str):
        return None
    address, _, query = value.partition("?")
    if url_problem(address) is not None or not PLAIN_ADDRESS.fullmatch(query) or "#" in query:
        return None
    if url_problem(issuer.issuer) is not None:  # that of a stored login may be any text
        return None
    ours, theirs = urlsplit(issuer.issuer), urlsplit(address)
    same = (ours.scheme, ours.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())
    return value if same else None


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine itself: 127.0.0.0/8, ::1 or the name localhost."""
    if host.lower() == "localhost":
        return True
    if not (host[-1:].isdigit() or ":" in host):
        return False  # a name; the module that knows numbers takes its time to load
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
