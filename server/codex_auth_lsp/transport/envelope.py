"""JSON-RPC 2.0 messages as values: what came, judged before anybody acts on it.

Pure. Params stay plain dicts and lists; each method reads its own. They may hold secrets, and are
left out of `repr`.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from codex_auth_lsp.values import field, frozen

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_NOT_INITIALIZED: Final = -32002
REQUEST_CANCELLED: Final = -32800
SERVER_CANCELLED: Final = -32802
REQUEST_FAILED: Final = -32803

MAXIMUM_DEPTH = 64
"""Objects and arrays inside one another."""

MAXIMUM_CONTAINERS = 100_000
"""Objects and arrays of one message: each takes many times the memory of its brackets."""

MAXIMUM_ID = 65_536
"""Characters of an id, which each answer repeats."""

MessageId = str | int


@frozen
class Request:
    """A request; `params` is None where it has none."""

    id: MessageId
    method: str
    params: Any = field(default=None, repr=False)


@frozen
class Notification:
    """A notification; `params` is None where it has none."""

    method: str
    params: Any = field(default=None, repr=False)


@frozen
class Reply:
    """An answer to a request of ours; `error` is None where it worked.

    `id` is None where it can be that of no request, as in an error about a message of ours that the
    client could not read.
    """

    id: MessageId | None
    result: Any = None
    error: dict[str, Any] | None = None


@frozen
class Malformed:
    """Something that is no message; `id` is that of the request it tried to be, if known."""

    code: int
    reason: str
    id: MessageId | None = None


Message = Request | Notification | Reply | Malformed


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)  # NaN and Infinity are no JSON


def read_message(content: bytes) -> Message:
    """Return what a frame's content is.

    A response is never malformed, since it is never answered: one that is not as it should be tells
    of an error, and one without an id that could be ours does so to nobody.
    """
    if content.count(b"{") + content.count(b"[") > MAXIMUM_CONTAINERS:
        return Malformed(PARSE_ERROR, "The message has too many objects and arrays.")
    try:
        body = _JSON.decode(content.decode("utf-8"))
    except RecursionError:
        return Malformed(PARSE_ERROR, "The message is nested too deeply.")
    except ValueError:  # not UTF-8, not JSON, a number of too many digits
        return Malformed(PARSE_ERROR, "The message is not JSON.")
    if not isinstance(body, dict):
        return Malformed(INVALID_REQUEST, "A message must be one JSON object.")
    has_id, message_id = "id" in body, message_id_of(body.get("id"))
    is_too_deep, is_of_version_2 = _is_too_deep(content, body), body.get("jsonrpc") == "2.0"
    if body.get("method") is None and ("result" in body or "error" in body):
        return _reply(body, message_id, is_sound=is_of_version_2 and not is_too_deep)
    if is_too_deep:
        return Malformed(PARSE_ERROR, "The message is nested too deeply.", message_id)
    if not is_of_version_2:
        return Malformed(INVALID_REQUEST, 'A message must say "jsonrpc": "2.0".', message_id)
    if has_id and message_id is None:
        return Malformed(INVALID_REQUEST, "An id must be a string or a whole number.")
    method = body.get("method")
    if method is None:
        return Malformed(INVALID_REQUEST, "A message needs a method.", message_id)
    if not isinstance(method, str):
        return Malformed(INVALID_REQUEST, "A method must be a string.", message_id)
    if message_id is None:
        return Notification(method, body.get("params"))
    return Request(message_id, method, body.get("params"))


def _reply(body: dict[str, Any], message_id: MessageId | None, *, is_sound: bool) -> Reply:
    error = body.get("error")
    if is_sound and error is None and message_id is not None:
        return Reply(message_id, body.get("result"))
    return Reply(message_id, error=error if is_sound and isinstance(error, dict) else {})


def message_id_of(value: Any) -> MessageId | None:
    """Return the value where it can be an id; `true` is none, although it equals 1."""
    if isinstance(value, str):
        return value if len(value) <= MAXIMUM_ID else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _is_too_deep(content: bytes, body: Any) -> bool:
    if content.count(b"{") + content.count(b"[") <= MAXIMUM_DEPTH:
        return False
    level, depth = [body], 0
    while level:
        depth += 1
        if depth > MAXIMUM_DEPTH:
            return True
        children: list[Any] = []
        for value in level:
            children.extend(value.values() if isinstance(value, dict) else value)
        level = [value for value in children if isinstance(value, dict | list)]
    return False
