"""Where a provider's requests go, and whether a credential may go there.

https anywhere. Plain http carries a credential to a loopback address alone; without one it may go
anywhere, as to a model server in the same house.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from codex_auth_lsp.domain.issuer import url_problem


def address_problem(base_url: str, *, carries_credential: bool) -> str | None:
    """Return what is wrong with a `base_url`, as the end of a sentence, or None."""
    return url_problem(base_url if carries_credential else _as_https(base_url))


def shown(base_url: str | None) -> str | None:
    """Return a `base_url` that holds an address and nothing else, None for any other."""
    if base_url is None or address_problem(base_url, carries_credential=False) is not None:
        return None
    return base_url.rstrip("/")


def _as_https(url: str) -> str:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        return url
    return "https" + url[len("http") :] if scheme == "http" else url
