"""Misbehaviour that a test can ask for: what networks, proxies and issuers do on bad days."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.http1 import DropConnectionError, Response
from codex_auth_lsp.sandbox.fields import error_response, json_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ENDPOINTS = frozenset(
    {
        "metadata",
        "jwks",
        "authorize",
        "token",
        "apiKeyExchange",
        "refresh",
        "revoke",
        "usercode",
        "deviceToken",
        "models",
    }
)
KINDS = frozenset({"status", "html", "redirect", "huge", "hang", "close", "delay", "json"})

_HUGE_BYTES = 20 * 1024 * 1024
_HTML = b"<!doctype html><html><head><title>Gateway</title></head><body>Gateway</body></html>"


@dataclass(slots=True)
class Fault:
    """One misbehaviour.

    Kinds: `status` (`status`, `body`, `oauthError`), `html`, `redirect` (`body`: where to),
    `json` (`body`), `huge`, `hang` (for `seconds`, else until released; then the connection
    closes), `close`, `delay` (`seconds`, then the true answer). With `processed` the request takes
    effect before its answer is replaced, as when an answer is lost.
    """

    endpoint: str
    kind: str
    status: int | None = None
    body: Any = None
    seconds: float | None = None
    times: int = 1
    oauth_error: str | None = None
    retry_after: int | None = None
    processed: bool = False

    @classmethod
    def from_json(cls, payload: dict[str, Any]) -> Fault:
        """Return the fault of a control request.

        Raises:
            ValueError: It names something unknown or of the wrong type; the text says what.
        """
        for name, value in payload.items():
            if name not in _FIELDS or not isinstance(value, _FIELDS[name][1]):
                raise ValueError(name)
        if payload.get("endpoint") not in ENDPOINTS:
            raise ValueError("endpoint")
        if payload.get("kind") not in KINDS:
            raise ValueError("kind")
        if not 200 <= payload.get("status", 500) <= 599:
            raise ValueError("status")
        return cls(**{_FIELDS[name][0]: value for name, value in payload.items()})


_FIELDS: dict[str, tuple[str, Any]] = {
    "endpoint": ("endpoint", str),
    "kind": ("kind", str),
    "status": ("status", int),
    "body": ("body", object),
    "seconds": ("seconds", (int, float)),
    "times": ("times", int),
    "oauthError": ("oauth_error", str),
    "retryAfter": ("retry_after", int),
    "processed": ("processed", bool),
}


class Faults:
    """The faults that wait for their request."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._released = asyncio.Event()

    def add(self, fault: Fault) -> None:
        """Let the next `times` requests of its endpoint meet the fault."""
        self._waiting.append(fault)

    def release(self) -> None:
        """Forget what waits and end what hangs."""
        self._waiting.clear()
        self._released.set()
        self._released = asyncio.Event()

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault of this request, if there is one."""
        fault = next((fault for fault in self._waiting if fault.endpoint == endpoint), None)
        if fault is not None:
            fault.times -= 1
            if fault.times < 1:
                self._waiting.remove(fault)
        return fault

    async def answer(self, fault: Fault, handle: Callable[[], Awaitable[Response]]) -> Response:
        """Return the answer that the fault makes of a request, whose true handler is `handle`.

        Raises:
            DropConnectionError: It makes none.
        """
        if fault.kind == "delay":
            await self._wait(fault.seconds or 0.0)
            return await handle()
        if fault.processed:
            await handle()
        if fault.kind == "hang":
            await self._wait(fault.seconds)
            raise DropConnectionError
        if fault.kind == "close":
            raise DropConnectionError
        return _false_answer(fault)

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._released.wait()
        except TimeoutError:
            pass


def _false_answer(fault: Fault) -> Response:
    if fault.kind == "html":
        return Response(fault.status or 200, _HTML, "text/html; charset=utf-8")
    if fault.kind == "huge":
        return Response(fault.status or 200, b'"' + b"x" * _HUGE_BYTES + b'"', "application/json")
    if fault.kind == "redirect":
        target = fault.body if isinstance(fault.body, str) else "/elsewhere"
        return Response(fault.status or 302, headers=(("Location", target),))
    status = fault.status or (400 if fault.oauth_error else 200 if fault.kind == "json" else 500)
    wait = (("Retry-After", str(fault.retry_after)),) if fault.retry_after is not None else ()
    if fault.oauth_error:
        refusal = error_response(fault.oauth_error, "A test asked for this error.", status)
        return Response(status, refusal.body, refusal.content_type, wait)
    if fault.kind == "json":
        return json_response(fault.body if fault.body is not None else {}, status, wait)
    text = fault.body if isinstance(fault.body, str) else json.dumps(fault.body or "")
    return Response(status, text.encode("utf-8"), headers=wait)
