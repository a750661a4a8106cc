"""The loopback redirect listener of a browser sign-in (RFC 8252 section 7.3, 8.3).

It listens on 127.0.0.1 alone, on a port that OpenAI's issuer knows, from just before the URL is
shown until the person has seen the last page. Promises: one path, GET only, and only for a
top-level navigation to this very host, by a program of this very user; a redirect that is not this
attempt's changes nothing and the attempt goes on; the first that is ends the wait and nothing
after it has an effect. There is no route that cancels or completes a login. A redirect that never
gets here can be handed in by `submit`, under the same judgement. No page repeats what was sent,
and the address that a browser keeps in its history holds neither code nor state.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import cache
from typing import TYPE_CHECKING

from codex_auth_lsp.errors import CallbackPortUnavailable, CallbackRejected
from codex_auth_lsp.flows.callback_ports import CALLBACK_PORTS, port_holders
from codex_auth_lsp.flows.peer import is_of_another_user
from codex_auth_lsp.flows.result_page import PAGE_HEADERS, failed_page, neutral_page
from codex_auth_lsp.http1 import HttpServer, Request, Response
from codex_auth_lsp.oauth.authorization import (
    AuthorizationCode,
    AuthorizationRefused,
    NotOurs,
    Redirect,
)
from codex_auth_lsp.oauth.endpoints import CALLBACK_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE_SECONDS = 5.0
"""How long the listener stays after the end, for the browser to fetch the last page."""

CONCLUSION_SECONDS = 120.0
"""How long an answered browser may wait for the end: the exchanges and the write together."""

_HTML = "text/html; charset=utf-8"
_COPY_AGAIN = "; copy the whole address of this sign-in's last page."

Answer = AuthorizationCode | AuthorizationRefused


class LoopbackListener:
    """Waits for one attempt's redirect.

    Use: `open()`, `expect()`, show the URL, `await answer()`, then `conclude(page)` with what the
    browser is to show and `linger()`; `close()` when there was no answer.
    """

    def __init__(self) -> None:
        self._server: HttpServer | None = None
        self._judge: Callable[[str], Redirect] | None = None
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._page: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._page_path = f"/signed-in/{secrets.token_urlsafe(16)}"
        self._page_fetched = asyncio.Event()
        self._browser_waits = False

    @property
    def port(self) -> int:
        """The port that was free; 0 before `open`."""
        return self._server.port if self._server is not None else 0

    @property
    def browser_waits(self) -> bool:
        """Whether a browser brought the answer, and waits for the last page."""
        return self._browser_waits

    async def open(self) -> None:
        """Listen on the first free port.

        Raises:
            CallbackPortUnavailable: None of them is free; the message says who holds them.
        """
        for port in CALLBACK_PORTS:
            try:
                self._server = await HttpServer.start(
                    self._respond,
                    host="127.0.0.1",
                    port=port,
                    common_headers=PAGE_HEADERS,
                    refuse=self._refuse,
                )
            except OSError:
                continue
            return
        holders = await asyncio.to_thread(port_holders)
        raise CallbackPortUnavailable(
            "The ports that the sign-in page may answer to, 1455 and 1457 on 127.0.0.1, are both "
            f"in use: {' and '.join(map(str, holders))}. End one of them, or sign in another way."
        )

    def expect(self, judge: Callable[[str], Redirect]) -> None:
        """Take from now on the redirects that `judge` finds to be this attempt's."""
        self._judge = judge

    def submit(self, query: str) -> None:
        """Take the query of a redirect that a person brought in the browser's place.

        Raises:
            CallbackRejected: It is not this attempt's, or the attempt was answered before.
        """
        if self._judge is None:
            raise CallbackRejected("The sign-in has not begun yet; open its page first.")
        redirect = self._judge(query)
        if isinstance(redirect, NotOurs):
            raise CallbackRejected(redirect.reason.removesuffix(".") + _COPY_AGAIN)
        if self._answer.done():
            raise CallbackRejected(
                "This sign-in has already been answered; nothing has to be pasted."
            )
        self._answer.set_result(redirect)

    async def answer(self) -> Answer:
        """Return the first redirect that is this attempt's."""
        return await asyncio.shield(self._answer)

    def conclude(self, page: bytes) -> None:
        """Let the browser that brought the answer show `page`."""
        if not self._page.done():
            self._page.set_result(page)

    async def linger(self) -> None:
        """Stay until the browser that brought the answer has its last page, then close."""
        try:
            async with asyncio.timeout(CONCLUSION_SECONDS):
                await asyncio.shield(self._page)
            async with asyncio.timeout(PAGE_SECONDS):
                await self._page_fetched.wait()
        except TimeoutError:
            pass  # the person closed the tab
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop listening at once."""
        if not self._page.done():
            self._page.set_result(neutral_page())
        if self._server is not None:
            await self._server.close()

    def _refuse(self, request: Request) -> Response | None:
        """Return what there is to say to a request that means nothing here."""
        found = self._look_at(request)
        return found if isinstance(found, Response) else None

    def _look_at(self, request: Request) -> Response | Answer | None:
        """Return a refusal, the answer that a redirect brings, or None for the last page."""
        if not self._is_for_us(request):
            return _refusal(421, "This address is not served here.")
        if request.path == self._page_path and self._page.done():
            return None
        if request.path != CALLBACK_PATH:
            return _refusal(404, "There is nothing at this address.")
        if request.method != "GET":
            return Response(405, b"", headers=(("Allow", "GET"),))
        if not _is_navigation(request):
            return _refusal(400, "A sign-in can only be answered by opening the address.")
        if self._judge is None:
            return _refusal(503, "The sign-in has not begun yet.")
        redirect = self._judge(request.query)
        return _refusal(400, redirect.reason) if isinstance(redirect, NotOurs) else redirect

    async def _respond(self, request: Request) -> Response:
        found = self._look_at(request)
        if found is None:
            return self._last_page(request)
        if isinstance(found, Response):
            return found
        return await self._take(found, request)

    async def _take(self, redirect: Answer, request: Request) -> Response:
        if is_of_another_user(request.peer, self.port):  # costly, so this late
            return _refusal(403, "This sign-in belongs to another user of this computer.")
        if self._answer.done():
            return Response(409, neutral_page(), _HTML)
        self._answer.set_result(redirect)
        self._browser_waits = True
        # The browser waits here until the login is stored: the page never says more than is true.
        await asyncio.shield(self._page)
        return Response(303, b"", headers=(("Location", self._page_path),))

    def _last_page(self, request: Request) -> Response:
        if request.method != "GET":
            return Response(405, b"", headers=(("Allow", "GET"),))
        asyncio.get_running_loop().call_soon(self._page_fetched.set)
        return Response(200, self._page.result(), _HTML)

    def _is_for_us(self, request: Request) -> bool:
        """Say whether the one Host is this listener's, against DNS rebinding."""
        return request.header_values("host") in (
            [f"127.0.0.1:{self.port}"],
            [f"localhost:{self.port}"],
        )


def _is_navigation(request: Request) -> bool:
    """Say whether a person's browser opened the address, as against a page that pokes it.

    Browsers that send no fetch metadata are let through; the state protects those. A prefetch
    must not use up the code. A navigation to a GET carries no Origin.
    """
    purpose = f"{request.header('sec-purpose') or ''} {request.header('purpose') or ''}"
    return (
        (request.header("sec-fetch-mode") or "navigate") == "navigate"
        and (request.header("sec-fetch-dest") or "document") == "document"
        and request.header("origin") is None
        and "prefetch" not in purpose.lower()
        and "prerender" not in purpose.lower()
    )


@cache  # all sentences are ours, and a flood asks for one of them all the time
def _refusal(status: int, sentence: str) -> Response:
    page = failed_page(heading="This is not the sign-in that is waiting", explanation=sentence)
    return Response(status, page, _HTML)
