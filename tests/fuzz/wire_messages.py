"""Odd JSON-RPC messages and frames, as a broken or hostile editor would send them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fuzz.values import MARKER, altered, json_bytes, json_value, nested, spoiled, text

if TYPE_CHECKING:
    from random import Random

PARAMS: dict[str, Any] = {
    "auth/status": {},
    "auth/methods": {},
    "auth/login": {"method": "deviceCode", "ifRunning": "join", "timeoutSeconds": 1},
    "auth/cancelLogin": {"attemptId": "a"},
    "auth/submitCallback": {"attemptId": "a", "url": f"http://127.0.0.1:1455/?state={MARKER}"},
    "auth/reopenBrowser": {},
    "auth/logout": {"revoke": False},
    "auth/refresh": {"force": True, "minValiditySeconds": 5},
    "auth/credential": {"providerId": "openai", "rejectedRevision": 3},
    "auth/providers": {},
    "workspace/executeCommand": {"command": "codexAuth.status", "arguments": []},
    "initialize": {"capabilities": {}},
    "$/cancelRequest": {"id": 1},
    "$/setTrace": {"value": "verbose"},
    "window/workDoneProgress/cancel": {"token": "t"},
    "textDocument/didOpen": {"textDocument": {"uri": "file:///x", "text": "x"}},
    "no/such": {"a": 1},
}
_LOGIN_WITH_KEY = {"method": "apiKey", "apiKey": f"not a key {MARKER}"}


def message(rng: Random, message_id: int) -> bytes:
    """Return the content of one frame: a request, notification or answer, mostly with a fault."""
    kind = rng.random()
    if kind < 0.01:
        return nested(rng)
    if kind < 0.04:
        return json_bytes(rng, json_value(rng))
    if kind < 0.10:
        return _reply(rng, message_id)
    name = rng.choice(list(PARAMS))
    params = _LOGIN_WITH_KEY if name == "auth/login" and rng.random() < 0.5 else PARAMS[name]
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": message_id, "method": name, "params": params}
    for _ in range(rng.randrange(3)):
        body["params"] = altered(rng, body["params"])
    fault = rng.random()
    if fault < 0.10:
        del body["params"]
    elif fault < 0.20:
        del body["id"]
    elif fault < 0.30:
        body = altered(rng, body)
    return json_bytes(rng, body)


def _reply(rng: Random, message_id: int) -> bytes:
    """Return an answer to a request that the server never made."""
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": rng.choice((message_id, 0, 1, text(rng)))}
    body[rng.choice(("result", "error"))] = json_value(rng)
    return json_bytes(rng, body)


def frame(rng: Random, content: bytes) -> bytes:
    """Return a frame around a content that a strict reader takes, however its header looks."""
    name = rng.choice((b"Content-Length", b"content-length", b"CONTENT-LENGTH"))
    blanks = b" " * (6_000 if rng.random() < 0.01 else 3)
    colon = rng.choice((b": ", b":", b" :\t", b":" + blanks))
    kind = b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
    before, after = rng.choice(
        ((b"", b""), (b"", b""), (kind, b""), (b"", kind), (b"X-A: b\r\n", b""))
    )
    return b"%b%b%b%d\r\n%b\r\n%b" % (before, name, colon, len(content), after, content)


def broken_frame(rng: Random) -> bytes:
    """Return bytes after which nobody can say where the next frame begins."""
    content = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "auth/status"}).encode()
    length = rng.choice(
        (
            b"-1",
            b"abc",
            b"",
            b"+5",
            b"0x10",
            b"5 5",
            b"5000000000",
            b"9" * 5_000,
            b"8388609",
            b"1.5",
        )
    )
    return rng.choice(
        (
            b"Content-Length: %b\r\n\r\n%b" % (length, content),
            b"Content-Length: 5\nX: y\n\n%b" % content,
            b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n%b" % content,
            b"Content-Length 5\r\n\r\n%b" % content,
            b"X-Nothing: 1\r\n\r\n%b" % content,
            b"\r\n\r\n%b" % content,
            b"A: " + b"b" * 9_000,
            b"{%b\r\n\r\n" % content,
            b"Content-Length: 3\r\n\r\n%b\r\n\r\n" % content,
            b"X:" + rng.choice((b" ", b"\t", b"a ", b"\t:")) * rng.randrange(4_000) + b"\n\r\n",
        )
    )


def stream(rng: Random) -> bytes:
    """Return bytes for the decoder alone: frames, some of them spoiled."""
    data = b"".join(frame(rng, message(rng, number)) for number in range(rng.randrange(1, 4)))
    kind = rng.random()
    if kind < 0.5:
        return spoiled(rng, data)
    return data + broken_frame(rng) if kind < 0.7 else data
