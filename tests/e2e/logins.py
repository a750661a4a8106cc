"""A browser login as a test plays it: begin it, answer it in one of several ways, read the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from codex_auth_lsp.sandbox.visitor import Visitor, VisitResult
from support import raw_callback

if TYPE_CHECKING:
    from support.lsp_client import LanguageClient, PendingRequest
    from support.raw_callback import RawResponse
    from support.secrets_guard import SecretsGuard


@dataclass(slots=True)
class Attempt:
    """A browser login that waits for the person."""

    request: PendingRequest
    prompt: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.prompt["attemptId"])

    @property
    def url(self) -> str:
        """Return the authorize URL that the person is to open."""
        return str(self.prompt["url"])

    @property
    def parameters(self) -> dict[str, str]:
        """Return the parameters of the authorize URL."""
        return parameters(self.url)

    @property
    def state(self) -> str:
        return self.parameters["state"]

    @property
    def redirect_uri(self) -> str:
        return self.parameters["redirect_uri"]

    @property
    def port(self) -> int:
        return raw_callback.port_of(self.redirect_uri)

    def callback(self, **query: str) -> str:
        """Return a redirect URL with the true state and what else the query should hold."""
        return f"{self.redirect_uri}?{urlencode({**query, 'state': self.state})}"

    async def answer(self, **query: str) -> RawResponse:
        """Deliver such a redirect as the person's browser does."""
        return await raw_callback.deliver(self.callback(**query))


@dataclass(frozen=True)
class Browser:
    """The person with a browser, who goes through the sandbox's real pages."""

    guard: SecretsGuard

    async def sign_in(
        self, client: LanguageClient, *, person: str | None = None, **params: Any
    ) -> dict[str, Any]:
        """Sign a client in, from the login request to its result.

        Args:
            client: A client that handles `auth/loginPrompt`.
            person: One of the sandbox's people by id, the first where none is named.
            params: More params of `auth/login`.
        """
        attempt = await begin(client, **params)
        await self.visit(attempt.url, person=person)
        return dict(await attempt.request.result())

    async def visit(
        self,
        url: str,
        *,
        person: str | None = None,
        decision: str = "allow",
        deliver: bool = True,
    ) -> VisitResult:
        """Open an authorize URL, choose who to be, decide, and go where that leads.

        With `deliver` false the browser stops before it requests the callback.
        """
        visit = await Visitor().visit(url, person=person, decision=decision, deliver=deliver)
        self.guard.add_callback(visit.callback_url)
        return visit

    async def callback_url(self, url: str, **options: Any) -> str:
        """Return the redirect to which a visit leads; it is not requested."""
        visit = await self.visit(url, deliver=False, **options)
        assert visit.callback_url is not None, f"the pages ended with HTTP {visit.final_status}"
        return visit.callback_url


def parameters(url: str) -> dict[str, str]:
    """Return the query parameters of a URL, each of which must occur once."""
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert {name: len(values) for name, values in query.items() if len(values) != 1} == {}
    return {name: values[0] for name, values in query.items()}


async def begin(client: LanguageClient, **params: Any) -> Attempt:
    """Start a browser login and wait until the person is asked."""
    since = client.mark()
    request = await client.start_request("auth/login", {"method": "browser", **params})
    message = await client.wait_until(
        lambda message: (
            message.method == "auth/loginPrompt"
            or (message.kind == "response" and message.body.get("id") == request.id)
        ),
        "auth/loginPrompt",
        since=since,
    )
    if message.kind == "response":
        raise AssertionError(f"the login ended before anybody was asked: {message.result()!r}")
    return Attempt(request, message.params)


async def completion(client: LanguageClient, attempt_id: str) -> dict[str, Any]:
    """Return the params of `auth/loginCompleted` for this attempt, waiting if need be."""
    message = await client.wait_for(
        "auth/loginCompleted", lambda params: params["attemptId"] == attempt_id
    )
    return dict(message.params)


async def sign_in_with_key(client: LanguageClient, key: str, **params: Any) -> dict[str, Any]:
    """Sign in with an API key and return the result."""
    result = await client.request("auth/login", {"method": "apiKey", "apiKey": key, **params})
    return dict(result)
