"""The authorization code grant's front channel (RFC 6749 section 4.1.1, 4.1.2; RFC 9207).

Builds the URL that a person opens and judges the redirect that comes back. The judge is pure: it
says what a query string means for one attempt and remembers nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from codex_auth_lsp.domain.claims import clean_text
from codex_auth_lsp.oauth.endpoints import CALLBACK_PATH, authorization_endpoint
from codex_auth_lsp.oauth.pkce import CODE_CHALLENGE_METHOD, code_challenge, new_code_verifier
from codex_auth_lsp.secret import Secret

if TYPE_CHECKING:
    from codex_auth_lsp.domain.issuer import IssuerSettings

# What the Codex CLI 0.169.0 asks for; the order of parameters below is its order too.
SCOPE = "openid profile email offline_access api.connectors.read api.connectors.invoke"
ORIGINATOR = "codex_cli_rs"

_STATE_BYTES = 32  # gives 43 characters, 256 bits
_PARAMETERS = 32  # more than any issuer sends; a bound for the parser


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One attempt's request: bound to an issuer, a redirect URI, a state and a verifier.

    Where the `issuer_names_itself` in redirects (RFC 9207), one without its name is not from it.
    `endpoint` takes the place of the fixed route of OpenAI's issuer.
    """

    issuer: IssuerSettings
    redirect_uri: str
    workspace_ids: tuple[str, ...] = ()
    issuer_names_itself: bool = False
    endpoint: str | None = None
    code_verifier: Secret = field(default_factory=new_code_verifier)
    expected_state: Secret = field(
        default_factory=lambda: Secret(secrets.token_urlsafe(_STATE_BYTES))
    )

    def url(self) -> str:
        """Return the URL to open. It holds the state and so is a secret until the login ends."""
        parameters = [
            ("response_type", "code"),
            ("client_id", self.issuer.client_id),
            ("redirect_uri", self.redirect_uri),
            ("code_challenge", code_challenge(self.code_verifier)),
            ("code_challenge_method", CODE_CHALLENGE_METHOD),
            ("state", self.expected_state.reveal()),
            ("scope", SCOPE),
            ("id_token_add_organizations", "true"),
            ("codex_cli_simplified_flow", "true"),
            ("originator", ORIGINATOR),
        ]
        if self.workspace_ids:
            parameters.append(("allowed_workspace_id", ",".join(self.workspace_ids)))
        endpoint = self.endpoint or authorization_endpoint(self.issuer)
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


def loopback_redirect_uri(port: int) -> str:
    """Return the redirect URI for a loopback port (RFC 8252 section 7.3)."""
    return f"http://127.0.0.1:{port}{CALLBACK_PATH}"


def pasted_query(pasted: Secret, redirect_uri: str) -> str | None:
    """Return the query of an address that a person copied out of a browser.

    None where it is anything but the redirect URI with a query: scheme, host, port and path have
    to be the very same. White space around it and a fragment are of no account.
    """
    address, _, query = pasted.reveal().strip().partition("#")[0].partition("?")
    return query if address == redirect_uri else None


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """The issuer sent a code."""

    code: Secret


@dataclass(frozen=True, slots=True)
class AuthorizationRefused:
    """The issuer sent an error (RFC 6749 section 4.1.2.1); both texts are fit to show."""

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Not an answer to this attempt, which goes on; `reason` is ours and repeats nothing."""

    reason: str


Redirect = AuthorizationCode | AuthorizationRefused | NotOurs


def judge_redirect(query: str, request: AuthorizationRequest) -> Redirect:
    """Return what a redirect's query string means for the attempt.

    The state is compared first and in constant time, so that nothing without it has an effect,
    an error included (RFC 6749 section 10.12). A parameter that comes twice is refused, an empty
    one is as if it were not there (3.1).
    """
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, max_num_fields=_PARAMETERS, errors="strict"
        )
    except ValueError:
        return NotOurs("The address cannot be read.")
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        return NotOurs("A parameter stands twice in the address.")
    if Secret(parameters.get("state", "")) != request.expected_state:
        return NotOurs("The address does not belong to the sign-in that is waiting.")
    # RFC 9207 section 2.4: a redirect of another issuer must not get our code answered.
    named = parameters.get("iss", "").rstrip("/")
    if named != request.issuer.issuer and (named or request.issuer_names_itself):
        return NotOurs("The address comes from another issuer.")
    if parameters.get("error"):
        return AuthorizationRefused(
            clean_text(parameters["error"]), clean_text(parameters.get("error_description", ""))
        )
    if not parameters.get("code"):
        return NotOurs("The address holds no authorization code.")
    return AuthorizationCode(Secret(parameters["code"]))
