"""A model endpoint on loopback that records what arrives and answers with one fixed sentence."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MESSAGE = {
    "type": "message",
    "id": "msg_test",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
}
_COMPLETED = {
    "id": "resp_test",
    "object": "response",
    "status": "completed",
    "output": [_MESSAGE],
    "usage": {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0},
}
_EVENTS = (
    {"type": "response.created", "response": {"id": "resp_test"}},
    {"type": "response.output_item.done", "output_index": 0, "item": _MESSAGE},
    {"type": "response.completed", "response": _COMPLETED},
)


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request: the target of its request line, and its fields with names in lower case."""

    method: str
    target: str
    headers: dict[str, str]


@dataclass(slots=True)
class ModelEndpoint:
    """What has arrived until now."""

    port: int
    arrived: list[Arrived] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def start(cls) -> AsyncIterator[ModelEndpoint]:
        """Listen on a free port."""
        endpoint = cls(0)
        server = await asyncio.start_server(endpoint._answer, "127.0.0.1", 0)
        async with server:
            endpoint.port = server.sockets[0].getsockname()[1]
            yield endpoint

    def turn(self) -> Arrived | None:
        """Return the request for an answer of the model, None where none has arrived."""
        return next((request for request in self.arrived if request.method == "POST"), None)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request_line, *lines = head.rstrip().split("\r\n")
            method, target, _ = request_line.split(" ", 2)
            headers = {
                name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
            }
            self.arrived.append(Arrived(method, target, headers))
            await reader.readexactly(int(headers.get("content-length", "0")))
            writer.write(_reply(method, headers))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def _reply(method: str, headers: dict[str, str]) -> bytes:
    if "upgrade" in headers:  # Codex then asks by HTTP at once, without a WebSocket
        status, kind, body = "426 Upgrade Required", "text/plain", b""
    elif method == "POST":
        events = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in _EVENTS)
        status, kind, body = "200 OK", "text/event-stream", "".join(events).encode()
    else:
        status, kind, body = "404 Not Found", "application/json", b"{}"
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode() + body
