"""The token and revocation endpoints (RFC 6749 section 3.2, 5; RFC 7009; RFC 8693)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codex_auth_lsp.sandbox.fields import Fields, error_response, json_response
from codex_auth_lsp.sandbox.ledger import GrantRefusedError, Ledger

if TYPE_CHECKING:
    from codex_auth_lsp.http1 import Response

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

GRANT_ENDPOINTS = {
    "authorization_code": "token",
    TOKEN_EXCHANGE: "apiKeyExchange",
    "refresh_token": "refresh",
}
"""Each grant type with the name by which faults and the log call it."""

_ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token"
_FORM = "application/x-www-form-urlencoded"


class TokenEndpoint:
    """Answers `POST /oauth/token` and `POST /oauth/revoke`."""

    def __init__(self, ledger: Ledger, client_ids: frozenset[str]) -> None:
        self._ledger = ledger
        self._client_ids = client_ids

    def token(self, fields: Fields) -> Response:
        """Answer a token request. Only the refresh may come as JSON, as Codex sends it."""
        if fields.problem is not None:
            return error_response("invalid_request", fields.problem)
        grant_type = fields.get("grant_type")
        if grant_type not in GRANT_ENDPOINTS:
            return error_response("unsupported_grant_type", "The grant_type is not supported.")
        if grant_type != "refresh_token" and fields.content_type != _FORM:
            return error_response("invalid_request", "The parameters must come as a form.")
        if fields.get("client_id") not in self._client_ids:
            return error_response("invalid_client", "The client_id is unknown.", 401)
        try:
            if grant_type == "refresh_token":
                return self._refresh(fields)
            if grant_type == TOKEN_EXCHANGE:
                return self._exchange(fields)
            return self._redeem(fields)
        except GrantRefusedError as exc:
            return error_response(exc.error, exc.description)

    def revoke(self, fields: Fields) -> Response:
        """Answer a revocation; an unknown token is revoked already (RFC 7009 section 2.2)."""
        if fields.problem is not None or not fields.get("token"):
            return error_response("invalid_request", fields.problem or "The token is missing.")
        if fields.get("client_id") and fields.get("client_id") not in self._client_ids:
            return error_response("invalid_client", "The client_id is unknown.", 401)
        self._ledger.revoke(fields.get("token"))
        return json_response({})

    def _redeem(self, fields: Fields) -> Response:
        for name in ("code", "redirect_uri", "code_verifier"):
            if not fields.get(name):
                return error_response("invalid_request", f"The {name} is missing.")
        answer = self._ledger.redeem_code(
            fields.get("code"),
            client_id=fields.get("client_id"),
            redirect_uri=fields.get("redirect_uri"),
            code_verifier=fields.get("code_verifier"),
        )
        return json_response(answer)

    def _exchange(self, fields: Fields) -> Response:
        if fields.get("requested_token") != "openai-api-key":
            return error_response("invalid_request", "Only openai-api-key can be requested.")
        if fields.get("subject_token_type") != _ID_TOKEN_TYPE:
            return error_response("invalid_request", "The subject_token must be an id token.")
        api_key = self._ledger.make_api_key(
            fields.get("subject_token"), client_id=fields.get("client_id")
        )
        return json_response({"access_token": api_key})

    def _refresh(self, fields: Fields) -> Response:
        if not fields.get("refresh_token"):
            return error_response("invalid_request", "The refresh_token is missing.")
        try:
            answer = self._ledger.refresh(
                fields.get("refresh_token"), client_id=fields.get("client_id")
            )
        except GrantRefusedError as exc:
            if exc.error == "invalid_grant":
                raise
            # OpenAI's form of these errors, as the Codex CLI reads it.
            error = {"code": exc.error, "message": exc.description, "type": "invalid_request_error"}
            return json_response({"error": error}, 401)
        return json_response(answer)
