"""The sandbox issuer in this process, with a look into its books that no HTTP client has."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.sandbox.ledger import Grant, GrantRefusedError
from codex_auth_lsp.sandbox.mint import code_challenge
from prove.login import stored_login
from prove.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

REDIRECT_URI = "http://127.0.0.1:1455/auth/callback"
SCOPE = "openid profile email offline_access"

_MANY = 1_000_000


class ProvingIssuer:
    """A running sandbox."""

    def __init__(self, sandbox: SandboxIssuer) -> None:
        self.sandbox = sandbox
        self.url = sandbox.url

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[ProvingIssuer]:
        """Run one for the time of a block."""
        async with SandboxIssuer.start() as sandbox:
            yield cls(sandbox)

    def policy(self, **values: Any) -> None:
        """Change rules, by the names of `sandbox.ledger.Policy`."""
        for name, value in values.items():
            setattr(self.sandbox.state.ledger.policy, name, value)

    def new_login(self, issuer: str | None = None) -> dict[str, Any]:
        """Return what a Codex CLI would store after a new sign-in here, or by way of `issuer`."""
        ledger = self.sandbox.state.ledger
        person = next(iter(self.sandbox.state.people.values()))
        verifier = secrets.token_urlsafe(64)
        grant = Grant(person, CODEX_CLIENT_ID, SCOPE)
        code = ledger.issue_code(grant, REDIRECT_URI, code_challenge(verifier))
        tokens = ledger.redeem_code(
            code,
            client_id=CODEX_CLIENT_ID,
            redirect_uri=REDIRECT_URI,
            code_verifier=verifier,
        )
        return stored_login(issuer or self.url, tokens, str(person.account_id))

    def refusal_of(self, login: dict[str, Any]) -> str | None:
        """Spend a login's refresh token; return why that is refused, None where it is not."""
        try:
            self.sandbox.state.ledger.refresh(
                login["tokens"]["refresh_token"], client_id=CODEX_CLIENT_ID
            )
        except GrantRefusedError as refused:
            return refused.error
        return None

    def accepts(self, bearer: str) -> bool:
        """Say whether the model endpoint takes this credential."""
        return self.sandbox.state.ledger.accepts(bearer)

    def count(self, endpoint: str) -> int:
        """Return how many requests an endpoint had since `forget_requests`."""
        return int(self.sandbox.state.log.to_json()["counts"].get(endpoint, 0))

    def forget_requests(self) -> None:
        """Begin to count anew."""
        self.sandbox.state.log.clear()

    def hold_next_refresh(self) -> None:
        """Let the next refresh wait, once it has come, until `let_go`."""
        self.sandbox.state.faults.add(Fault("refresh", "delay", seconds=60.0))

    def answer_refreshes_with(self, tokens: dict[str, Any]) -> None:
        """Let every refresh from now on be answered with these tokens, and spend nothing."""
        self.sandbox.state.faults.add(Fault("refresh", "json", body=tokens, times=_MANY))

    async def held(self) -> None:
        """Wait until a refresh has come."""
        await until(lambda: self.count("refresh") > 0, "a refresh at the issuer")

    def let_go(self) -> None:
        """Answer what waits."""
        self.sandbox.state.faults.release()
