"""A request's fields and the answers' forms (RFC 6749 section 3.1, 3.2, 5.2; RFC 8259)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from codex_auth_lsp.http1 import Request, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAXIMUM_FIELDS = 64
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Fields:
    """The parameters of a request as they came; `problem` says why they must be refused."""

    pairs: tuple[tuple[str, str], ...] = ()
    content_type: str | None = None
    problem: str | None = None

    def get(self, name: str) -> str:
        """Return a parameter, empty where it is absent: the two are the same (RFC 6749, 3.1)."""
        return next((value for key, value in self.pairs if key == name), "")

    def names(self) -> list[str]:
        """Return the names, which are no secrets."""
        return [name for name, _ in self.pairs]


def read_fields(request: Request) -> Fields:
    """Return the query of a GET, the form or the flat JSON object of a POST."""
    if request.method != "POST":
        return read_query(request.query)
    content_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if request.query:
        return Fields((), content_type, "Parameters stand in the query of a POST.")
    if content_type == _FORM:
        return _pairs(request.body.decode("latin-1"), content_type)
    if content_type == _JSON:
        return _members(request.body)
    return Fields((), content_type, "The content type is neither a form nor JSON.")


def read_query(query: str) -> Fields:
    """Return the parameters of an address."""
    return _pairs(query, None)


def _pairs(text: str, content_type: str | None) -> Fields:
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MAXIMUM_FIELDS
        )
    except ValueError:
        return Fields((), content_type, "The parameters cannot be read.")
    return _checked(tuple(pairs), content_type)


def _members(body: bytes) -> Fields:
    try:
        pairs = json.loads(body, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return Fields((), _JSON, "The body is not JSON.")
    if not isinstance(pairs, tuple) or not all(isinstance(value, str) for _, value in pairs):
        return Fields((), _JSON, "The body is not an object of strings.")
    return _checked(pairs, _JSON)


def _checked(pairs: tuple[tuple[str, str], ...], content_type: str | None) -> Fields:
    repeated = len({name for name, _ in pairs}) < len(pairs)
    return Fields(pairs, content_type, "A parameter stands twice." if repeated else None)


def json_response(
    payload: Mapping[str, Any], status: int = 200, headers: tuple[tuple[str, str], ...] = ()
) -> Response:
    """Return a JSON answer."""
    return Response(status, json.dumps(payload).encode("utf-8"), _JSON, headers)


def error_response(error: str, description: str, status: int = 400) -> Response:
    """Return the error of RFC 6749 section 5.2."""
    return json_response({"error": error, "error_description": description}, status)


def redirect(location: str) -> Response:
    """Return a redirect that turns a POST into a GET (RFC 9700 section 4.12)."""
    return Response(303, headers=(("Location", location),))
