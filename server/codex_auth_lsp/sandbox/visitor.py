"""A person with a browser, played over plain HTTP for demos and tests.

It does what a browser does with the sandbox's pages: keeps cookies, reads the forms, presses
buttons, follows redirects one by one and sends the headers of a navigation. It runs no scripts,
for there are none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

_SECONDS = 60.0  # a callback is answered only when the login is stored
_MAXIMUM_STEPS = 20
_NAVIGATION = {
    "accept": "text/html,application/xhtml+xml",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "cross-site",
    "upgrade-insecure-requests": "1",
    "user-agent": "codex-auth-lsp sandbox visitor",
}


@dataclass(frozen=True, slots=True)
class VisitResult:
    """How a visit ended: the redirect to the client if there was one, and the last page."""

    callback_url: str | None
    final_status: int
    final_body: str


class Visitor:
    """Signs in as one of the sandbox's people, as the first of them where none is named."""

    async def visit(
        self,
        authorize_url: str,
        *,
        person: str | None = None,
        decision: str = "allow",
        deliver: bool = True,
    ) -> VisitResult:
        """Open the URL, sign in, decide (`allow` or `deny`) and go where that leads.

        With `deliver` false the visit stops before the client's callback is requested.

        Raises:
            httpx.HTTPError: A page could not be fetched.
        """
        async with _client() as client:
            browser = _Browser(client, authorize_url, deliver=deliver)
            await browser.open(authorize_url)
            return await browser.sign_in(person, decision)

    async def enter_device_code(
        self,
        verification_url: str,
        user_code: str,
        *,
        person: str | None = None,
        decision: str = "allow",
    ) -> VisitResult:
        """Open the page, type the code, sign in and decide.

        Raises:
            httpx.HTTPError: A page could not be fetched.
        """
        async with _client() as client:
            browser = _Browser(client, verification_url, deliver=True)
            await browser.open(verification_url)
            await browser.submit({"user_code": user_code})
            return await browser.sign_in(person, decision)


@dataclass(slots=True)
class _Form:
    """A page's form: where it goes, what it holds and which buttons it has."""

    action: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.form: _Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.form = _Form(values.get("action", ""))
        elif self.form is not None and tag == "input":
            self.form.fields[values.get("name", "")] = values.get("value", "")
        elif self.form is not None and tag == "button" and "name" in values:
            self.form.buttons.append((values["name"], values.get("value", "")))


class _Browser:
    """One tab: the page that it shows, and the callback that it was sent to."""

    def __init__(self, client: httpx.AsyncClient, first_url: str, *, deliver: bool) -> None:
        self._client = client
        self._issuer = _origin(first_url)
        self._deliver = deliver
        self._callback_url: str | None = None
        self._url = first_url
        self._status = 0
        self._body = ""

    async def open(self, url: str) -> None:
        await self._follow(await self._client.get(url))

    async def sign_in(self, person: str | None, decision: str) -> VisitResult:
        """Press the buttons, as long as there are the pages for it."""
        if (form := self._form("person")) is not None:
            await self.submit({"person": person or form.buttons[0][1]})
        if self._form("decision") is not None:
            await self.submit({"decision": decision})
        return VisitResult(self._callback_url, self._status, self._body)

    async def submit(self, values: dict[str, str]) -> None:
        form = self._form(None)
        if form is None:
            return
        target = urljoin(self._url, form.action)
        await self._follow(await self._client.post(target, data={**form.fields, **values}))

    def _form(self, button: str | None) -> _Form | None:
        reader = _FormReader()
        reader.feed(self._body)
        form = reader.form
        if form is None or button is None:
            return form
        return form if any(name == button for name, _ in form.buttons) else None

    async def _follow(self, response: httpx.Response) -> None:
        for _ in range(_MAXIMUM_STEPS):
            self._url, self._status, self._body = str(response.url), response.status_code, ""
            location = response.headers.get("location")
            if not response.is_redirect or location is None:
                self._body = response.text
                return
            target = urljoin(self._url, location)
            if _origin(target) != self._issuer and self._callback_url is None:
                self._callback_url = target
                if not self._deliver:
                    return
            response = await self._client.get(target)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(headers=_NAVIGATION, timeout=_SECONDS, trust_env=False)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
