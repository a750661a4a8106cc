"""What leaves the process for the issuer: which secrets, where in a request, and how often.

The issuer is a sandbox inside the test, which sees every request as it came.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from e2e.logins import Browser, begin
from e2e.shapes import api_key_login, example_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from codex_auth_lsp.http1 import Request, Response
    from codex_auth_lsp.sandbox.state import State
    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard


class WatchedIssuer(SandboxIssuer):
    """A sandbox that keeps every request that is no control of it."""

    def __init__(self, url: str, state: State) -> None:
        super().__init__(url, state)
        self.seen: list[Request] = []

    async def answer(self, request: Request) -> Response:
        """Keep a request, then answer it."""
        self.seen.append(request)
        return await super().answer(request)

    def forms(self, grant_type: str) -> list[dict[str, list[str]]]:
        """Return the forms that came with this grant type."""
        forms = [parse_qs(request.body.decode()) for request in self.seen if request.body]
        return [form for form in forms if form.get("grant_type") == [grant_type]]


class MeddlingIssuer(SandboxIssuer):
    """A sandbox that somebody on the way makes see another code verifier."""

    async def answer(self, request: Request) -> Response:
        """Answer what the meddler made of a request."""
        fields = parse_qsl(request.body.decode("latin-1"))
        if any(name == "code_verifier" for name, _ in fields):
            changed = [(n, v[:-1] + "~" if n == "code_verifier" else v) for n, v in fields]
            request = replace(request, body=urlencode(changed).encode())
        return await super().answer(request)


@asynccontextmanager
async def watched() -> AsyncIterator[WatchedIssuer]:
    async with WatchedIssuer.start() as issuer:
        assert isinstance(issuer, WatchedIssuer)
        yield issuer


async def test_a_verifier_that_somebody_changed_on_the_way_signs_nobody_in(
    start: Starter, home: CodexHome, guard: SecretsGuard
):
    """(P4) The issuer refuses the code, the person reads it, nothing is stored."""
    before = home.write(api_key_login(example_key("stays")))
    async with MeddlingIssuer.start() as issuer:
        window = await start(issuer.url)
        attempt = await begin(window)
        visit = await Browser(guard).visit(attempt.url)
        error = await attempt.request.error()

    assert error.summary == (-32803, "tokenExchangeFailed")
    assert error.data["oauthError"] == "invalid_grant"
    assert "This sign-in did not work" in visit.final_body
    assert home.bytes() == before


async def test_the_redirect_uri_is_the_same_in_both_requests(start: Starter, guard: SecretsGuard):
    """(P8) Byte for byte; the verifier is in the second alone and in no output (P3)."""
    async with watched() as issuer:
        window = await start(issuer.url)
        attempt = await begin(window)
        await Browser(guard).visit(attempt.url)
        await attempt.request.result()
        (form,) = issuer.forms("authorization_code")
        (verifier,) = form["code_verifier"]
        guard.add(verifier)

        assert form["redirect_uri"] == [attempt.redirect_uri]
        assert len(verifier) == 86
        assert [one for one in issuer.seen if verifier in one.query] == []


async def test_tokens_stand_in_bodies_alone_and_only_where_they_must(
    start: Starter, home: CodexHome, guard: SecretsGuard
):
    """(P18, P24) No address, no header has one: three grants in a whole life, and a revocation."""
    async with watched() as issuer:
        window = await start(issuer.url)
        await Browser(guard).sign_in(window)
        first = home.read()["tokens"]
        await window.request("auth/refresh", {"force": True})
        second = home.read()["tokens"]
        await window.request("auth/credential", {})
        await window.request("auth/logout", {})
        seen = list(issuer.seen)

    names = ("access_token", "refresh_token", "id_token")
    tokens = {login[name]: name for login in (first, second) for name in names}
    elsewhere = [
        name
        for request in seen
        for token, name in tokens.items()
        if token in f"{request.path}?{request.query} {request.headers}"
    ]
    sent = {
        (name, request.path)
        for request in seen
        for token, name in tokens.items()
        if token in request.body.decode("latin-1")
    }
    grants = [entry["grantType"] for entry in issuer.state.log.to_json()["requests"]
              if "grantType" in entry]  # fmt: skip
    authorize = next(request for request in seen if request.path == "/oauth/authorize")

    assert elsewhere == []
    assert sent == {
        ("id_token", "/oauth/token"),
        ("refresh_token", "/oauth/token"),
        ("refresh_token", "/oauth/revoke"),
    }
    assert grants == [
        "authorization_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "refresh_token",
    ]
    assert parse_qs(authorize.query)["response_type"] == ["code"]
    assert [request.path for request in seen if request.header("authorization")] == []


async def test_somebody_else_s_code_signs_nobody_in(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """(L10) Delivered with the true state, it is refused by the verifier that it was not made for.

    Whoever could do that would have this person work in an account of theirs.
    """
    before = home.write(api_key_login(example_key("stays")))
    theirs, ours = await start(sandbox), await start(sandbox)
    other = await begin(theirs)
    attempt = await begin(ours)
    callback = await browser.callback_url(other.url)
    stolen = parse_qs(urlsplit(callback).query)["code"][0]

    await attempt.answer(code=stolen)
    error = await attempt.request.error()

    assert error.summary == (-32803, "tokenExchangeFailed")
    assert [request["status"] for request in sandbox.requests("token")] == [400]
    assert home.bytes() == before
