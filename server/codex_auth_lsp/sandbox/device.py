"""Sign-in with a code on another screen, in OpenAI's dialect of RFC 8628.

The issuer itself makes the verifier and hands it out with the code; the client then exchanges the
code with the redirect URI `<issuer>/deviceauth/callback`. Source: the Codex CLI 0.169.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from codex_auth_lsp.sandbox.fields import Fields, error_response, json_response
from codex_auth_lsp.sandbox.mint import code_challenge, new_user_code

if TYPE_CHECKING:
    from codex_auth_lsp.http1 import Response
    from codex_auth_lsp.sandbox.ledger import Grant, Ledger

DEVICE_SCOPE = "openid profile email offline_access api.connectors.read api.connectors.invoke"


@dataclass(eq=False, slots=True)
class DeviceLogin:
    """One code that waits for a person."""

    device_auth_id: str
    user_code: str
    client_id: str
    expires_at: float
    grant: Grant | None = None
    denied: bool = False
    answer: dict[str, str] | None = None


class DeviceLogins:
    """The two endpoints that the waiting device asks, and the codes that people type."""

    def __init__(self, ledger: Ledger, issuer: str, client_ids: frozenset[str]) -> None:
        self._ledger = ledger
        self._redirect_uri = f"{issuer}/deviceauth/callback"
        self._client_ids = client_ids
        self._logins: dict[str, DeviceLogin] = {}

    def begin(self, fields: Fields) -> Response:
        """Answer `POST /api/accounts/deviceauth/usercode`."""
        if not self._ledger.policy.device_enabled:
            return error_response("not_found", "Device code sign-in is not enabled.", 404)
        if fields.get("client_id") not in self._client_ids:
            return error_response("invalid_client", "The client_id is unknown.", 401)
        login = DeviceLogin(
            device_auth_id=self._ledger.mint.opaque("deviceAuthId"),
            user_code=new_user_code(),
            client_id=fields.get("client_id"),
            expires_at=self._ledger.now() + self._ledger.policy.device_seconds,
        )
        self._logins[login.device_auth_id] = login
        return json_response(
            {
                "device_auth_id": login.device_auth_id,
                "user_code": login.user_code,
                "interval": str(self._ledger.policy.device_interval_seconds),
            }
        )

    def poll(self, fields: Fields) -> Response:
        """Answer `POST /api/accounts/deviceauth/token`; 403 stands for "not yet"."""
        login = self._logins.get(fields.get("device_auth_id"))
        if login is None or login.user_code != fields.get("user_code"):
            return error_response("invalid_grant", "The device code is unknown.")
        if login.denied:
            return error_response("access_denied", "The person refused.")
        if login.grant is None and login.expires_at <= self._ledger.now():
            return error_response("expired_token", "The device code has expired.")
        if login.grant is None:
            return error_response("authorization_pending", "The person has not answered.", 403)
        if login.answer is None:
            # Made at the first poll after the consent: a code lives shorter than some intervals.
            login.answer = self._answer(login.grant)
        return json_response(login.answer)

    def find(self, typed: str) -> DeviceLogin | None:
        """Return the waiting login of a code as a person types it (RFC 8628 section 6.1)."""
        wanted = "".join(character for character in typed.upper() if character.isalnum())
        return next(
            (
                login
                for login in self._logins.values()
                if login.user_code.replace("-", "") == wanted
                and not (login.denied or login.grant)
                and login.expires_at > self._ledger.now()
            ),
            None,
        )

    def clear(self) -> None:
        """Forget every code."""
        self._logins.clear()

    def _answer(self, grant: Grant) -> dict[str, str]:
        code_verifier = self._ledger.mint.opaque("codeVerifier")
        challenge = code_challenge(code_verifier)
        return {
            "authorization_code": self._ledger.issue_code(grant, self._redirect_uri, challenge),
            "code_challenge": challenge,
            "code_verifier": code_verifier,
        }
