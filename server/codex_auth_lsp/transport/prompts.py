"""The way to the person through their editor, by the best means that the client declared.

`auth/loginPrompt`, else `window/showDocument`, else `window/showMessage` with the address, and
this machine's own browser beside it where the person is likely to sit in front of it. A device
code that is not in an `auth/loginPrompt` always stands in a message.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcException

from codex_auth_lsp.desktop import is_local, open_browser, read_server_facts
from codex_auth_lsp.domain.login_method import callback_arrives
from codex_auth_lsp.domain.timestamps import format_rfc3339
from codex_auth_lsp.wire import methods
from codex_auth_lsp.wording import DEVICE_CODE_WARNING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from codex_auth_lsp.flows.base import OpenUrlPrompt, UserCodePrompt
    from codex_auth_lsp.transport.client import ClientCapabilities

SHOW_DOCUMENT_SECONDS = 5.0
"""How long a client may take to say that it shows a page."""

_INFO = 3  # LSP's MessageType
_REMOTE_ENVIRONMENTS = frozenset({"ssh", "container", "codespaces", "web"})
_SENTENCE = "Finish signing in to Codex in your browser."
_FAR_BROWSER = (
    "If its last page does not load, copy the address of that page and paste it into your editor, "
    "or sign in with a device code."
)
_FAR_BROWSER_WITHOUT_PASTING = "If its last page does not load, sign in with a device code instead."


class LspPrompts:
    """The `LoginPrompts` of a language client."""

    def __init__(
        self,
        client: ClientCapabilities,
        environment: Mapping[str, str],
        notify: Callable[[str, Any], None],
        request: Callable[[str, Any], Awaitable[Any]],
    ) -> None:
        self._client = client
        self._environment = environment
        self._notify = notify
        self._request = request

    async def open_url(self, prompt: OpenUrlPrompt) -> None:
        """Show the URL, by another way where one fails."""
        if self._client.login_prompt:
            message = self._sentence(prompt.callback_port)
            self._notify(methods.LOGIN_PROMPT, _login_prompt(prompt, message))
            return
        url = prompt.url.reveal()
        if self._client.show_document and await self._show_document(url):
            return
        message = f"To sign in to Codex, open this address in your browser: {url}"
        if not self._callback_arrives():
            message += f"\n{_FAR_BROWSER_WITHOUT_PASTING}"
        self._notify("window/showMessage", {"type": _INFO, "message": message})
        if self._is_person_near():
            await open_browser(url)

    async def show_user_code(self, prompt: UserCodePrompt) -> None:
        """Show the code; the person opens its page themselves, on whichever machine."""
        if self._client.login_prompt:
            self._notify(methods.LOGIN_PROMPT, _user_code_prompt(prompt))
            return
        message = (
            f"To sign in to Codex, open {prompt.verification_uri} in a browser on any device and "
            f"enter the code {prompt.user_code.reveal()} there. {DEVICE_CODE_WARNING}"
        )
        self._notify("window/showMessage", {"type": _INFO, "message": message})

    async def _show_document(self, url: str) -> bool:
        params = {"uri": url, "external": True, "takeFocus": True}
        try:
            async with asyncio.timeout(SHOW_DOCUMENT_SECONDS):
                answer = await self._request("window/showDocument", params)
        except (TimeoutError, JsonRpcException):
            return False
        return isinstance(answer, dict) and answer.get("success") is True

    def _sentence(self, callback_port: int) -> str:
        """Return what to do, and what where the callback does not find its way."""
        if self._client.port_forwarding and not self._client.browser_on_server_host:
            return (
                f"{_SENTENCE} Port {callback_port} has to be forwarded under the same number; "
                "where it gets another, cancel and sign in with a device code."
            )
        return _SENTENCE if self._callback_arrives() else f"{_SENTENCE} {_FAR_BROWSER}"

    def _callback_arrives(self) -> bool:
        return callback_arrives(self._client.facts, read_server_facts(self._environment))

    def _is_person_near(self) -> bool:
        if self._client.browser_on_server_host is not None:
            return self._client.browser_on_server_host
        return self._client.environment not in _REMOTE_ENVIRONMENTS and is_local(self._environment)


def _login_prompt(prompt: OpenUrlPrompt, message: str) -> dict[str, Any]:
    return {
        "attemptId": prompt.attempt_id,
        "kind": "openUrl",
        "url": prompt.url.reveal(),
        "expiresAt": format_rfc3339(prompt.expires_at),
        "callbackPort": prompt.callback_port,
        "message": message,
    }


def _user_code_prompt(prompt: UserCodePrompt) -> dict[str, Any]:
    complete = prompt.verification_uri_complete
    return {
        "attemptId": prompt.attempt_id,
        "kind": "deviceCode",
        "url": prompt.verification_uri,
        **({} if complete is None else {"completeUrl": complete.reveal()}),
        "userCode": prompt.user_code.reveal(),
        "expiresAt": format_rfc3339(prompt.expires_at),
        "message": f"Enter the code on the page to sign in to Codex. {DEVICE_CODE_WARNING}",
    }
