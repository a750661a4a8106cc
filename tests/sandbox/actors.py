"""Who plays in the tests of the sandbox: a clock that stands still, a client and its person."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.mint import code_challenge
from codex_auth_lsp.sandbox.visitor import Visitor, VisitResult

if TYPE_CHECKING:
    import httpx

    from codex_auth_lsp.sandbox.issuer import SandboxIssuer

REDIRECT_URI = "http://127.0.0.1:1455/auth/callback"


class SetClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@dataclass
class Client:
    """An OAuth client and a person, against one sandbox."""

    issuer: SandboxIssuer
    http: httpx.AsyncClient
    code_verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32))

    def authorize_url(self, **changes: str | None) -> str:
        """Return the URL of a correct request, with parameters changed, or left out for None."""
        parameters = {
            "response_type": "code",
            "client_id": CODEX_CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "code_challenge": code_challenge(self.code_verifier),
            "code_challenge_method": "S256",
            "state": self.state,
            "scope": "openid profile email offline_access",
            "id_token_add_organizations": "true",
            **changes,
        }
        query = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.issuer.url}/oauth/authorize?{urlencode(query)}"

    async def visit(self, **choices: Any) -> VisitResult:
        """Let the person sign in and decide; their browser stops before the redirect URI."""
        return await Visitor().visit(self.authorize_url(), deliver=False, **choices)

    async def callback(self, **choices: Any) -> dict[str, str]:
        """Return the parameters with which the person was sent back."""
        visit = await self.visit(**choices)
        assert visit.callback_url is not None
        assert visit.callback_url.startswith(f"{REDIRECT_URI}?")
        return dict(parse_qsl(urlsplit(visit.callback_url).query))

    async def token(self, **fields: str | None) -> httpx.Response:
        """Send a form to the token endpoint, as the client that the sandbox knows."""
        form = {"client_id": CODEX_CLIENT_ID, **fields}
        present = {name: value for name, value in form.items() if value is not None}
        return await self.http.post("/oauth/token", data=present)

    async def exchange(self, code: str | None, **changes: str | None) -> httpx.Response:
        """Exchange a code as the Codex CLI does, with fields changed, or left out for None."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self.code_verifier,
        }
        return await self.token(**{**fields, **changes})

    async def sign_in(self, **choices: Any) -> dict[str, Any]:
        """Return the tokens of a whole sign-in."""
        reply = await self.exchange((await self.callback(**choices))["code"])
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def refresh(self, refresh_token: str, **changes: str) -> httpx.Response:
        """Spend a refresh token as the Codex CLI does, with JSON."""
        body = {
            "client_id": CODEX_CLIENT_ID,
            "grant_type": "refresh_token",
            "refresh_reason": "forced",
            "refresh_token": refresh_token,
        }
        return await self.http.post("/oauth/token", json={**body, **changes})

    async def control(self, name: str, **payload: Any) -> httpx.Response:
        """Use the sandbox's remote control."""
        return await self.http.post(f"/sandbox/{name}", json=payload)

    async def models(self, bearer: str) -> int:
        """Return how the model endpoint answers to a credential."""
        headers = {"authorization": f"Bearer {bearer}"}
        return (await self.http.get("/v1/models", headers=headers)).status_code


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
