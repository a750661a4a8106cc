"""The sandbox's remote control for tests and editor authors, below `/sandbox`.

It gives out every secret that the sandbox minted, so a web page must not reach it: a request with
an Origin, or one that a browser marks as another site's, is refused, and JSON is all it takes.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.sandbox.authorization import AuthorizationRequest, judge_request
from codex_auth_lsp.sandbox.faults import Fault
from codex_auth_lsp.sandbox.fields import error_response, json_response, read_query
from codex_auth_lsp.sandbox.ledger import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from codex_auth_lsp.http1 import Request, Response
    from codex_auth_lsp.sandbox.device import DeviceLogin
    from codex_auth_lsp.sandbox.state import State

_POLICY_NAMES = {
    "codeSeconds": "code_seconds",
    "accessSeconds": "access_seconds",
    "idSeconds": "id_seconds",
    "refreshSeconds": "refresh_seconds",
    "deviceSeconds": "device_seconds",
    "deviceIntervalSeconds": "device_interval_seconds",
    "deviceEnabled": "device_enabled",
    "graceSeconds": "grace_seconds",
    "familyRevocation": "family_revocation",
}


class Control:
    """Answers what stands below `/sandbox`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._posts: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "/sandbox/faults": self._faults,
            "/sandbox/release": self._release,
            "/sandbox/reset": self._reset,
            "/sandbox/account": self._account,
            "/sandbox/token-lifetime": self._policy,
            "/sandbox/policy": self._policy,
            "/sandbox/expire": self._expire,
            "/sandbox/revoke-all": self._revoke_all,
            "/sandbox/keys": self._keys,
            "/sandbox/approve": self._approve,
        }
        self._gets: dict[str, Callable[[], dict[str, Any]]] = {
            "/sandbox": self._list,
            "/sandbox/log": state.log.to_json,
            "/sandbox/secrets": self._secrets,
            "/sandbox/people": lambda: {
                "people": [person.to_json() for person in state.people.values()]
            },
        }

    def answer(self, request: Request) -> Response:
        """Answer a request below `/sandbox`."""
        if request.header("origin") is not None or (
            request.header("sec-fetch-site") or "none"
        ) not in ("none", "same-origin"):
            return error_response("forbidden", "Web pages do not control the sandbox.", 403)
        if request.method == "GET" and (get := self._gets.get(request.path)):
            return json_response(get())
        post = self._posts.get(request.path)
        if request.method != "POST" or post is None:
            return error_response("not_found", "There is no such control.", 404)
        try:
            return json_response(post(_payload(request.body or b"{}")))
        except ValueError as exc:
            return error_response("invalid_request", f"Not understood: {exc}.")

    def _list(self) -> dict[str, Any]:
        gets, posts = (
            (f"GET {path}" for path in self._gets),
            (f"POST {path}" for path in self._posts),
        )
        return {"controls": [*gets, *posts]}

    def _faults(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._state.faults.add(Fault.from_json(payload))
        return {}

    def _release(self, _: dict[str, Any]) -> dict[str, Any]:
        self._state.faults.release()
        return {}

    def _reset(self, _: dict[str, Any]) -> dict[str, Any]:
        self._state.reset()
        return {}

    def _account(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Put a person at the head of the sign-in page: `person` (an id), with the changes."""
        person_id = payload.pop("person", None)
        return {"person": self._state.put_first(person_id, payload).to_json()}

    def _policy(self, payload: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, value in payload.items():
            field = _POLICY_NAMES.get(name)
            is_flag = isinstance(getattr(Policy(), field or "", 0), bool)
            fits = isinstance(value, int | float) and isinstance(value, bool) is is_flag
            if field is None or not fits:
                raise ValueError(name)
            values[field] = value
        self._state.ledger.policy = replace(self._state.ledger.policy, **values)
        return {}

    def _expire(self, payload: dict[str, Any]) -> dict[str, Any]:
        which = payload.get("tokens", "refresh")
        if which not in ("refresh", "access", "all"):
            raise ValueError("tokens")
        self._state.ledger.expire(
            refresh_tokens=which != "access", access_tokens=which != "refresh"
        )
        return {}

    def _revoke_all(self, _: dict[str, Any]) -> dict[str, Any]:
        self._state.ledger.revoke_all()
        return {}

    def _keys(self, payload: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(payload.get("key"), str) or not payload["key"]:
            raise ValueError("key")
        self._state.ledger.register_api_key(payload["key"])
        return {}

    def _approve(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Be the person: `person` (an id, else the first) makes a `decision` at once."""
        people = self._state.people
        person = people.get(str(payload.get("person", next(iter(people)))))
        if person is None:
            raise ValueError("person")
        decision = payload.get("decision", "allow")
        if decision not in ("allow", "deny"):
            raise ValueError("decision")
        response = self._state.sign_in.answer(
            self._subject(payload), person, allows=decision == "allow"
        )
        location = dict(response.headers).get("Location")
        return {} if location is None else {"callbackUrl": location}

    def _subject(self, payload: dict[str, Any]) -> AuthorizationRequest | DeviceLogin:
        if "userCode" in payload:
            login = self._state.devices.find(str(payload["userCode"]))
            if login is None:
                raise ValueError("userCode")
            return login
        address, _, query = str(payload.get("url")).partition("?")
        judged = judge_request(read_query(query), self._state.client_ids)
        if address != f"{self._state.issuer}/oauth/authorize" or not isinstance(
            judged, AuthorizationRequest
        ):
            raise ValueError("url")
        return judged

    def _secrets(self) -> dict[str, Any]:
        minted = self._state.ledger.mint.minted
        return {"secrets": [{"kind": kind, "value": value} for kind, value in minted]}


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise ValueError("body")
    return payload
