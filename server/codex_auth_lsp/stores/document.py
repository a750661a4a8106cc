"""The login cache's document: `auth.json` and what it means.

Reads what any Codex CLI version wrote, by the rules observed on version 0.169.0, and writes what
all of them read: the order of keys, `OPENAI_API_KEY` always present, `last_refresh` in UTC with
`Z`. Members that are not known here survive at every level.
Ours alone are `token_endpoint` and `revocation_endpoint` in `oauth_provenance`, only for issuers
that want forms; Codex reads past them, and where it drops them they are found out anew.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.domain.claims import decode_claims
from codex_auth_lsp.domain.credential import (
    AccessTokenCredential,
    ApiKeyCredential,
    BedrockKeyCredential,
    ChatGptCredential,
    Credential,
    ForeignCredential,
)
from codex_auth_lsp.domain.issuer import OPENAI_ISSUER, own_url
from codex_auth_lsp.domain.timestamps import format_rfc3339, parse_rfc3339
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.stores.json_text import parse_json, render_json
from codex_auth_lsp.values import field, frozen, replace

if TYPE_CHECKING:
    from datetime import datetime

# The members that Codex itself writes, in its order. A new login replaces all of them.
_MEMBERS = (
    "auth_mode",
    "OPENAI_API_KEY",
    "tokens",
    "last_refresh",
    "agent_identity",
    "personal_access_token",
    "bedrock_api_key",
    "bedrock_access_keys",
)
_MODES = frozenset(
    {
        "apikey",
        "chatgpt",
        "chatgptAuthTokens",
        "headers",
        "agentIdentity",
        "personalAccessToken",
        "bedrockApiKey",
        "bedrockAccessKeys",
    }
)


_ENDPOINTS = ("token_endpoint", "revocation_endpoint")


class DocumentInvalid(Exception):
    """The document is no login. The message says why and repeats no value."""


@frozen
class Document:
    """A parsed document: all its members as they stand, and the credential they amount to."""

    members: dict[str, Any] = field(repr=False)  # the secrets in it are plain strings

    @cached_property
    def credential(self) -> Credential | None:
        """The credential; None when the document is valid and holds nothing that can be used."""
        return _credential(self.members)

    def render(self) -> bytes:
        """Return the bytes to store."""
        return render_json(self.members)


def parse_document(raw: bytes) -> Document:
    """Return the document in `raw`.

    Raises:
        DocumentInvalid: It is not JSON, or not a login that a Codex program could have written.
    """
    if not raw.strip():
        raise DocumentInvalid("it is empty")
    try:
        members = parse_json(raw)
    except ValueError as exc:
        raise DocumentInvalid(str(exc)) from exc
    if not isinstance(members, dict):
        raise DocumentInvalid("it is not a JSON object")
    document = Document(members)
    _ = document.credential  # raises here rather than at first use
    return document


def login_document(
    credential: ChatGptCredential | ApiKeyCredential, old: Document | None
) -> Document:
    """Return the document of a new login; unknown top-level members of the old one are kept."""
    if isinstance(credential, ApiKeyCredential):
        members: dict[str, Any] = {
            "auth_mode": "apikey",
            "OPENAI_API_KEY": credential.api_key.reveal(),
        }
    else:
        members = {
            "auth_mode": "chatgpt",
            "OPENAI_API_KEY": credential.api_key.reveal() if credential.api_key else None,
            "tokens": _tokens_members(credential),
            "last_refresh": _last_refresh(credential.last_refresh),
        }
    unknown = {} if old is None else old.members
    return Document(members | {k: v for k, v in unknown.items() if k not in _MEMBERS})


def refreshed_document(old: Document, credential: ChatGptCredential) -> Document:
    """Return `old` with the tokens and the time of a refresh; everything else stays.

    A refresh may also have found out where the issuer wants its forms.
    """
    tokens = {
        **old.members["tokens"],
        **_found_out(old, credential),
        "id_token": credential.id_token.reveal(),
        "access_token": credential.access_token.reveal(),
        "refresh_token": credential.refresh_token.reveal(),
    }
    fresh = {"tokens": tokens, "last_refresh": _last_refresh(credential.last_refresh)}
    return Document(old.members | fresh)


def _found_out(old: Document, credential: ChatGptCredential) -> dict[str, Any]:
    before = old.members["tokens"].get("oauth_provenance")
    known = old.credential
    if not (isinstance(before, dict) and isinstance(known, ChatGptCredential)):
        return {}
    if _endpoints(known) == _endpoints(credential):
        return {}
    stale = {name: value for name, value in before.items() if name not in _ENDPOINTS}
    return {"oauth_provenance": stale | _endpoints(credential)}


def _endpoints(credential: ChatGptCredential) -> dict[str, str]:
    named = zip(
        _ENDPOINTS, (credential.token_endpoint, credential.revocation_endpoint), strict=True
    )
    return {name: url for name, url in named if url is not None}


def _tokens_members(credential: ChatGptCredential) -> dict[str, Any]:
    return {
        "id_token": credential.id_token.reveal(),
        "access_token": credential.access_token.reveal(),
        "refresh_token": credential.refresh_token.reveal(),
        "oauth_provenance": {
            "issuer": credential.issuer,
            "client_id": credential.client_id,
            **_endpoints(credential),
        },
        "login_owner_id": credential.login_owner_id,
        "account_id": credential.account_id,
    }


def _last_refresh(moment: datetime | None) -> str | None:
    return format_rfc3339(moment) if moment else None


def _credential(members: dict[str, Any]) -> Credential | None:
    mode = _mode(members)
    if mode == "personalAccessToken":
        return AccessTokenCredential(_required_secret(members, "personal_access_token"))
    if mode == "apikey":
        return ApiKeyCredential(_required_secret(members, "OPENAI_API_KEY"))
    if mode in {"chatgpt", "chatgptAuthTokens"}:
        return _chatgpt(members)
    if mode == "bedrockApiKey":
        return _bedrock_key(members.get("bedrock_api_key"))
    if mode == "headers":
        raise DocumentInvalid("it holds credentials that only their own program can load")
    return ForeignCredential(mode)


def _mode(members: dict[str, Any]) -> str:
    mode = members.get("auth_mode")
    if mode is not None:
        if not isinstance(mode, str) or mode not in _MODES:
            raise DocumentInvalid("`auth_mode` is not one that Codex knows")
        return mode
    # Older and personal-access-token files carry no mode; the order is the Codex CLI's.
    if members.get("personal_access_token") is not None:
        return "personalAccessToken"
    if members.get("bedrock_api_key") is not None:
        return "bedrockApiKey"
    if members.get("bedrock_access_keys") is not None:
        return "bedrockAccessKeys"
    return "apikey" if members.get("OPENAI_API_KEY") is not None else "chatgpt"


def _bedrock_key(stored: Any) -> BedrockKeyCredential:
    if not isinstance(stored, dict):
        raise DocumentInvalid("`bedrock_api_key` is missing or not an object")
    return BedrockKeyCredential(Secret(_text(stored, "api_key")), _text(stored, "region"))


def _chatgpt(members: dict[str, Any]) -> ChatGptCredential | None:
    tokens = members.get("tokens")
    last_refresh = _moment(members.get("last_refresh"))
    api_key = _optional_text(members, "OPENAI_API_KEY")
    if tokens is None:
        return None
    if not isinstance(tokens, dict):
        raise DocumentInvalid("`tokens` is not an object")
    id_token = Secret(_text(tokens, "id_token"))
    if decode_claims(id_token) is None:
        raise DocumentInvalid("`tokens.id_token` is not a JSON Web Token")
    provenance = tokens.get("oauth_provenance")
    if provenance is not None and not isinstance(provenance, dict):
        raise DocumentInvalid("`tokens.oauth_provenance` is not an object")
    credential = ChatGptCredential(
        id_token=id_token,
        access_token=Secret(_text(tokens, "access_token")),
        refresh_token=Secret(_text(tokens, "refresh_token")),
        last_refresh=last_refresh,
        account_id=_optional_text(tokens, "account_id"),
        issuer=_optional_text(provenance or {}, "issuer"),
        client_id=_optional_text(provenance or {}, "client_id"),
        login_owner_id=_optional_text(tokens, "login_owner_id"),
        api_key=Secret(api_key) if api_key else None,
    )
    if credential.provenance.issuer == OPENAI_ISSUER:
        return credential  # whose routes are fixed
    # Whatever else stands there is nobody's endpoint: tokens go to the recorded issuer alone.
    token, revocation = (
        own_url((provenance or {}).get(name), credential.provenance) for name in _ENDPOINTS
    )
    return replace(credential, token_endpoint=token, revocation_endpoint=revocation)


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_rfc3339(value)
    except (TypeError, ValueError) as exc:
        raise DocumentInvalid("`last_refresh` is not a date and time with its zone") from exc


def _text(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise DocumentInvalid(f"`{name}` is missing or not a string")
    return value


def _optional_text(members: dict[str, Any], name: str) -> str | None:
    return _text(members, name) if members.get(name) is not None else None


def _required_secret(members: dict[str, Any], name: str) -> Secret:
    value = _text(members, name)
    if not value.strip():
        raise DocumentInvalid(f"`{name}` is empty")
    return Secret(value)
