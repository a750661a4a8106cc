"""The sandbox as one HTTP server: which request goes where.

Promises: loopback only, also by Host; OpenAI's routes; metadata with the signing keys and, as the
device code is OpenAI's own, no `device_authorization_endpoint`; every request is in the log, but
for those of the control.
"""

from __future__ import annotations

import ipaddress
from contextlib import asynccontextmanager
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from codex_auth_lsp.clock import Clock, SystemClock
from codex_auth_lsp.http1 import HttpServer, Limits, Request, Response
from codex_auth_lsp.sandbox import pages
from codex_auth_lsp.sandbox.authorization import CODEX_CLIENT_ID
from codex_auth_lsp.sandbox.control import Control
from codex_auth_lsp.sandbox.fields import Fields, error_response, json_response, read_fields
from codex_auth_lsp.sandbox.ledger import Policy
from codex_auth_lsp.sandbox.metadata import JWKS_PATH, METADATA_PATH, metadata
from codex_auth_lsp.sandbox.people import PEOPLE, Person
from codex_auth_lsp.sandbox.state import State
from codex_auth_lsp.sandbox.tokens import GRANT_ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_LIMITS = Limits(body_bytes=1024 * 1024, connections=256)
_HEADERS = (
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)
_ENDPOINTS = {
    METADATA_PATH: "metadata",
    JWKS_PATH: "jwks",
    "/oauth/authorize": "authorize",
    "/oauth/revoke": "revoke",
    "/api/accounts/deviceauth/usercode": "usercode",
    "/api/accounts/deviceauth/token": "deviceToken",
    "/v1/models": "models",
    "/v1/responses": "models",
}


class SandboxIssuer:
    """A running sandbox.

    Use: `async with SandboxIssuer.start() as issuer:` and give `issuer.url` to a client.
    """

    def __init__(self, url: str, state: State) -> None:
        self.url = url
        self.state = state
        self._control = Control(state)

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        people: tuple[Person, ...] = PEOPLE,
        policy: Policy | None = None,
        client_ids: frozenset[str] = frozenset({CODEX_CLIENT_ID}),
        clock: Clock | None = None,
    ) -> AsyncIterator[SandboxIssuer]:
        """Run a sandbox for the time of a block.

        Raises:
            ValueError: `host` is not this machine's loopback.
            OSError: The port is taken.
        """
        address = loopback_address(host)
        issuer: SandboxIssuer | None = None

        async def respond(request: Request) -> Response:
            return await issuer.answer(request) if issuer is not None else Response(503)

        server = await HttpServer.start(
            respond, host=address, port=port, limits=_LIMITS, common_headers=_HEADERS
        )
        name = f"[{address}]" if ":" in address else address
        url = f"http://{name}:{server.port}"
        state = State(url, clock or SystemClock(), policy or Policy(), people, client_ids)
        issuer = cls(url, state)
        try:
            yield issuer
        finally:
            state.faults.release()
            await server.close()

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if not _names_loopback(request.header("host")):
            return error_response("misdirected", "This host is not served here.", 421)
        if request.path == "/sandbox" or request.path.startswith("/sandbox/"):
            return self._control.answer(request)
        fields = read_fields(request)
        endpoint = _endpoint(request, fields)
        begun = self.state.clock.monotonic()
        entry = self.state.log.add(request.method, request.path, endpoint, fields)
        response = await self._answer_with_faults(request, fields, endpoint)
        entry["status"] = response.status
        entry["seconds"] = round(self.state.clock.monotonic() - begun, 6)
        now = format_datetime(self.state.clock.now(), usegmt=True)
        return replace(response, headers=(*response.headers, ("Date", now)))

    async def _answer_with_faults(
        self, request: Request, fields: Fields, endpoint: str | None
    ) -> Response:
        async def handle() -> Response:
            return self._route(request, fields)

        fault = self.state.faults.take(endpoint) if endpoint else None
        if fault is None:
            return await handle()
        if endpoint == "authorize" and fault.oauth_error:
            return self.state.sign_in.authorize(request, fields, fault.oauth_error)
        return await self.state.faults.answer(fault, handle)

    def _route(self, request: Request, fields: Fields) -> Response:
        state = self.state
        routes: dict[tuple[str, str], Callable[[], Response]] = {
            ("GET", METADATA_PATH): lambda: json_response(metadata(state.issuer)),
            ("GET", JWKS_PATH): lambda: json_response(state.ledger.mint.jwks()),
            ("GET", "/oauth/authorize"): lambda: state.sign_in.authorize(request, fields),
            ("GET", "/sign-in"): lambda: state.sign_in.sign_in_page(request, fields),
            ("POST", "/sign-in"): lambda: state.sign_in.sign_in(request, fields),
            ("GET", "/consent"): lambda: state.sign_in.consent_page(request, fields),
            ("POST", "/consent"): lambda: state.sign_in.decide(request, fields),
            ("GET", "/codex/device"): lambda: state.sign_in.device_page(request),
            ("POST", "/codex/device"): lambda: state.sign_in.enter_code(request, fields),
            ("POST", "/oauth/token"): lambda: state.tokens.token(fields),
            ("POST", "/oauth/revoke"): lambda: state.tokens.revoke(fields),
            ("POST", "/api/accounts/deviceauth/usercode"): lambda: state.devices.begin(fields),
            ("POST", "/api/accounts/deviceauth/token"): lambda: state.devices.poll(fields),
            ("GET", "/v1/models"): lambda: state.resources.models(request),
            ("POST", "/v1/responses"): lambda: state.resources.responses(request),
            ("GET", "/backend-api/wham/accounts/check"): lambda: state.resources.accounts_check(
                request
            ),
            ("GET", "/"): _front_page,
        }
        route = routes.get((request.method, request.path))
        if route is not None:
            return route()
        allowed = [method for method, path in routes if path == request.path]
        if allowed:
            return Response(405, headers=(("Allow", ", ".join(allowed)),))
        return error_response("not_found", "There is nothing at this address.", 404)


def loopback_address(host: str) -> str:
    """Return the address to listen on.

    Raises:
        ValueError: It is not this machine's loopback.
    """
    if host.lower() == "localhost":
        return "127.0.0.1"
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not a loopback address")
    return host


def _names_loopback(host: str | None) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname
        return name is not None and bool(loopback_address(name))
    except ValueError:
        return False


def _endpoint(request: Request, fields: Fields) -> str | None:
    if request.path == "/oauth/token":
        return GRANT_ENDPOINTS.get(fields.get("grant_type"))
    return _ENDPOINTS.get(request.path)


def _front_page() -> Response:
    return pages.message_page(
        "Codex sandbox issuer",
        "Sign-in begins in an editor that is set up with this address as its issuer.",
    )
