"""npm's `oidc-provider`, an issuer that nobody here wrote, on the routes of OpenAI's.

It requires PKCE (S256), rotates refresh tokens, revokes the whole grant when one is used twice, and
takes JSON where OpenAI's issuer does. It makes no API keys. Its device endpoints are those of
RFC 8628, named by its metadata. With `as_it_is` its routes are its own, and it takes forms alone.
"""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx

from support import parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START_DEADLINE = 20.0
"""Seconds until it listens; it takes about one."""

EXIT_DEADLINE = 5.0
"""Seconds that it may take to end after its stdin was closed."""

SIGN_IN_STEPS = 10
"""Pages and redirects of a sign-in: it takes six."""


class SignInError(Exception):
    """The issuer's pages did not lead to the callback."""


class OidcProvider:
    """A running issuer."""

    def __init__(self, process: asyncio.subprocess.Process, issuer: str, *, as_it_is: bool) -> None:
        self.issuer = issuer
        self.authorization_endpoint = issuer + ("/auth" if as_it_is else "/oauth/authorize")
        self.token_endpoint = issuer + ("/token" if as_it_is else "/oauth/token")
        self.revocation_endpoint = issuer + ("/token/revocation" if as_it_is else "/oauth/revoke")
        self.events: list[dict[str, Any]] = []
        """What happened, as `{"event", "route", "grant_type", "error", ...}`; without secrets."""
        self._process = process
        self._minted: list[tuple[str, str]] = []
        self._caught_up = asyncio.Semaphore(0)

    @classmethod
    @asynccontextmanager
    async def start(
        cls, host: str = "127.0.0.1", *, as_it_is: bool = False
    ) -> AsyncIterator[OidcProvider]:
        """Run an issuer on a free port, and end it."""
        script = parts.FOLDER / "oidc_provider.mjs"
        with tempfile.TemporaryFile() as stderr:
            process = await asyncio.create_subprocess_exec(
                str(parts.node()),
                str(script),
                host,
                *(["own"] if as_it_is else []),
                env={"PATH": os.defpath, "NODE_ENV": "development"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
            )
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                ready = await asyncio.wait_for(process.stdout.readline(), START_DEADLINE)
                if not ready:
                    stderr.seek(0)
                    raise RuntimeError(f"oidc-provider did not start: {stderr.read().decode()}")
                provider = cls(process, json.loads(ready)["ready"], as_it_is=as_it_is)
                reader = asyncio.create_task(provider._read_events())
                try:
                    yield provider
                finally:
                    process.stdin.close()
                    await asyncio.wait_for(reader, EXIT_DEADLINE)
            finally:
                await parts.end(process, grace=EXIT_DEADLINE)

    async def _read_events(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "event" in said:
                self.events.append(said)
            elif "minted" in said:
                self._minted.append((said["minted"], said["value"]))
            else:
                self._caught_up.release()

    async def catch_up(self) -> None:
        """Read every event of the requests that were answered until now."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        await asyncio.wait_for(self._caught_up.acquire(), EXIT_DEADLINE)

    async def failures(self) -> list[str]:
        """Return why requests were refused, in the issuer's words."""
        await self.catch_up()
        return [
            f"{event['error']}: {event.get('error_detail') or event['error_description']}"
            for event in self.events
            if "error" in event
        ]

    def secrets(self) -> list[tuple[str, str]]:
        """Return kind and value of every code and token that it minted, id tokens apart.

        Complete after `catch_up`, and when the issuer has ended.
        """
        return list(self._minted)

    async def sign_in(self, authorize_url: str, email: str = "person@example.com") -> str:
        """Play the person who signs in and agrees; return the callback URL, not requested."""
        return await self._walk(authorize_url, {"login": email, "password": "any"})

    async def deny(self, authorize_url: str) -> str:
        """Play the person who goes back; return the callback URL, not requested."""
        return await self._walk(authorize_url, None)

    async def enter_device_code(
        self, page: str, user_code: str, *, email: str = "person@example.com", agree: bool = True
    ) -> str:
        """Play the person who enters a code, signs in and agrees or not; return the last page."""
        async with httpx.AsyncClient(trust_env=False, follow_redirects=True) as browser:
            reply = await browser.get(page)
            reply = await _submit(browser, reply, {"user_code": user_code})
            choice = {"confirm": "yes"} if agree else {"abort": "yes"}
            reply = await _submit(browser, reply, choice)
            for _ in range(SIGN_IN_STEPS):
                if 'name="prompt"' not in reply.text:
                    return reply.text
                prompt = _first(r'name="prompt" value="([^"]+)"', reply.text)
                answers = {"prompt": prompt, "login": email, "password": "any"}
                reply = await browser.post(_first(r'action="([^"]+)"', reply.text), data=answers)
        raise SignInError(f"no end after {SIGN_IN_STEPS} steps: {await self.failures()}")

    async def _walk(self, authorize_url: str, answers: dict[str, str] | None) -> str:
        async with httpx.AsyncClient(trust_env=False) as browser:
            reply = await browser.get(authorize_url)
            for _ in range(SIGN_IN_STEPS):
                if reply.is_redirect:
                    location = urljoin(str(reply.url), reply.headers["location"])
                    if not location.startswith(f"{self.issuer}/"):
                        return location
                    reply = await browser.get(location)
                elif reply.status_code != 200:
                    raise SignInError(f"HTTP {reply.status_code}: {await self.failures()}")
                elif answers is None:
                    reply = await browser.get(_first(r'href="([^"]+/abort)"', reply.text))
                else:
                    prompt = _first(r'name="prompt" value="([^"]+)"', reply.text)
                    action = _first(r'action="([^"]+)"', reply.text)
                    reply = await browser.post(action, data={"prompt": prompt, **answers})
        raise SignInError(f"no callback after {SIGN_IN_STEPS} steps: {await self.failures()}")


async def _submit(
    browser: httpx.AsyncClient, page: httpx.Response, values: dict[str, str]
) -> httpx.Response:
    """Send a page's form with its hidden fields and these."""
    inputs = re.findall(r"<input[^>]*>", page.text)
    hidden = [field for field in inputs if 'type="hidden"' in field]
    fields = {_first(r'name="([^"]+)"', it): _first(r'value="([^"]*)"', it) for it in hidden}
    action = urljoin(str(page.url), _first(r'action="([^"]+)"', page.text))
    return await browser.post(action, data={**fields, **values})


def _first(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    if found is None:
        raise SignInError(f"the page has nothing like {pattern}")
    return html.unescape(found[1])
