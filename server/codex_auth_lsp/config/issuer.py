"""The issuer and client that sign-in is configured for, from the command line or environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.domain.issuer import (
    OPENAI_CLIENT_ID,
    OPENAI_ISSUER,
    IssuerSettings,
    url_problem,
)
from codex_auth_lsp.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

_ISSUER_VARIABLE = "CODEX_AUTH_LSP_ISSUER"
_CLIENT_ID_VARIABLE = "CODEX_AUTH_LSP_CLIENT_ID"
_CLIENT_ID_CHARACTERS = 255


def resolve_issuer(
    issuer_option: str | None, client_id_option: str | None, environment: Mapping[str, str]
) -> IssuerSettings:
    """Return the issuer that the command line, else the environment, else OpenAI is.

    Raises:
        ConfigurationInvalid: A URL that is neither https nor loopback http, or a bad client id.
    """
    issuer = _first(issuer_option, "--issuer", environment, _ISSUER_VARIABLE)
    client_id = _first(client_id_option, "--client-id", environment, _CLIENT_ID_VARIABLE)
    return IssuerSettings(
        issuer=_checked_url(issuer[0], named=issuer[1]) if issuer else OPENAI_ISSUER,
        client_id=_checked_client_id(client_id[0], client_id[1]) if client_id else OPENAI_CLIENT_ID,
    )


def _first(
    option: str | None, flag: str, environment: Mapping[str, str], variable: str
) -> tuple[str, str] | None:
    if option is not None:
        return option, flag
    value = environment.get(variable)
    return (value, variable) if value else None


def _checked_url(url: str, *, named: str) -> str:
    """Return `url` without a trailing slash when a credential may be sent there.

    Args:
        url: An absolute URL, https anywhere or http on a loopback address.
        named: Where it was set, for the message.

    Raises:
        ConfigurationInvalid: It is anything else. The message does not repeat the URL.
    """
    problem = url_problem(url)
    if problem is not None:
        raise ConfigurationInvalid(f"{named} {problem}")
    return url.rstrip("/")


def _checked_client_id(client_id: str, named: str) -> str:
    printable = client_id.isascii() and client_id.isprintable() and " " not in client_id
    if not printable or not 1 <= len(client_id) <= _CLIENT_ID_CHARACTERS:
        raise ConfigurationInvalid(
            f"{named} must be 1 to {_CLIENT_ID_CHARACTERS} printable ASCII characters."
        )
    return client_id
