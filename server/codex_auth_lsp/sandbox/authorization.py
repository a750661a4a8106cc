"""The authorization request as a strict issuer reads it (RFC 6749 section 4.1.1, RFC 7636, 9700).

The judge is pure. What leaves unclear where a browser may be sent is shown to the person and never
redirected (section 4.1.2.1); everything else goes back to the client as an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from codex_auth_lsp.sandbox.fields import Fields

CODEX_CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
"""The Codex CLI's public client id."""

_REDIRECT_URI = re.compile(r"http://(127\.0\.0\.1|localhost):([1-9][0-9]{0,4})/auth/callback")
_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request whose client and redirect URI are known."""

    client_id: str
    redirect_uri: str
    state: str
    scope: str
    code_challenge: str
    organizations: bool = False

    @property
    def redirect_origin(self) -> str:
        """The origin that the browser is sent to."""
        return self.redirect_uri.removesuffix("/auth/callback")

    def redirect(self, **parameters: str) -> str:
        """Return the redirect with its parameters and the state (RFC 6749 section 4.1.2)."""
        state = {"state": self.state} if self.state else {}
        return f"{self.redirect_uri}?{urlencode({**parameters, **state})}"


@dataclass(frozen=True, slots=True)
class ShowError:
    """The person is told, the browser stays."""

    explanation: str


@dataclass(frozen=True, slots=True)
class RedirectError:
    """The client is told (RFC 6749 section 4.1.2.1)."""

    location: str


def judge_request(
    fields: Fields, client_ids: frozenset[str]
) -> AuthorizationRequest | ShowError | RedirectError:
    """Return what an authorization request asks for, or how it is refused."""
    if fields.problem is not None:
        return ShowError(fields.problem)
    if fields.get("client_id") not in client_ids:
        return ShowError("The client_id is unknown.")
    if not _is_registered(fields.get("redirect_uri")):
        return ShowError("The redirect_uri is not registered.")
    request = AuthorizationRequest(
        client_id=fields.get("client_id"),
        redirect_uri=fields.get("redirect_uri"),
        state=fields.get("state"),
        scope=fields.get("scope"),
        code_challenge=fields.get("code_challenge"),
        organizations=fields.get("id_token_add_organizations") == "true",
    )
    refusal = _refusal(fields)
    if refusal is None:
        return request
    error, description = refusal
    return RedirectError(request.redirect(error=error, error_description=description))


def _is_registered(redirect_uri: str) -> bool:
    match = _REDIRECT_URI.fullmatch(redirect_uri)
    return match is not None and int(match[2]) <= 65535


def _refusal(fields: Fields) -> tuple[str, str] | None:
    if not fields.get("response_type"):
        return "invalid_request", "The response_type is missing."
    if fields.get("response_type") != "code":
        return "unsupported_response_type", "Only the code flow is supported."
    if not fields.get("state"):
        return "invalid_request", "The state is missing."
    if fields.get("code_challenge_method") != "S256":
        return "invalid_request", "The code_challenge_method must be S256."
    if not _CODE_CHALLENGE.fullmatch(fields.get("code_challenge")):
        return "invalid_request", "The code_challenge is missing or malformed."
    if "openid" not in fields.get("scope").split():
        return "invalid_scope", "The scope must hold openid."
    return None
