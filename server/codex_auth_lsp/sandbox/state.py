"""Everything that a running sandbox remembers, and the way to forget it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from codex_auth_lsp.sandbox.device import DeviceLogins
from codex_auth_lsp.sandbox.faults import Faults
from codex_auth_lsp.sandbox.ledger import Ledger, Policy
from codex_auth_lsp.sandbox.people import Person, patched
from codex_auth_lsp.sandbox.resources import Resources
from codex_auth_lsp.sandbox.signin import SignIn
from codex_auth_lsp.sandbox.tokens import TokenEndpoint

if TYPE_CHECKING:
    from codex_auth_lsp.clock import Clock
    from codex_auth_lsp.sandbox.fields import Fields


class RequestLog:
    """Which requests came, without any value that could be a secret."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[dict[str, Any]] = []

    def add(self, method: str, path: str, endpoint: str | None, fields: Fields) -> dict[str, Any]:
        """Note a request when it comes; the caller adds status and seconds to the answer."""
        at = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        entry = {
            "method": method,
            "path": path,
            "endpoint": endpoint,
            "grantType": fields.get("grant_type") or None,
            "contentType": fields.content_type,
            "fields": fields.names(),
            "status": None,
            "at": at,
        }
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget every request."""
        self._entries.clear()

    def to_json(self) -> dict[str, Any]:
        """Return what `GET /sandbox/log` tells: the requests and how many each endpoint had."""
        counts: dict[str, int] = {}
        for entry in self._entries:
            if entry["endpoint"]:
                counts[entry["endpoint"]] = counts.get(entry["endpoint"], 0) + 1
        requests = [
            {name: value for name, value in entry.items() if value is not None}
            for entry in self._entries
        ]
        return {"requests": requests, "counts": counts}


class State:
    """The parts of one sandbox; `reset` makes all but the address and `api_key` new.

    The models accept that key from the start, so that a person can try one.
    """

    def __init__(
        self,
        issuer: str,
        clock: Clock,
        policy: Policy,
        people: tuple[Person, ...],
        client_ids: frozenset[str],
    ) -> None:
        self.issuer = issuer
        self.client_ids = client_ids
        self.faults = Faults()
        self.log = RequestLog(clock)
        self.clock = clock
        self.api_key = f"sk-sandbox-{secrets.token_urlsafe(32)}"
        self._first_policy = policy
        self._first_people = people
        self._begin()

    def _begin(self) -> None:
        self.people = {person.id: person for person in self._first_people}
        self.ledger = Ledger(self.issuer, self.clock, replace(self._first_policy))
        self.ledger.register_api_key(self.api_key)
        self.devices = DeviceLogins(self.ledger, self.issuer, self.client_ids)
        self.sign_in = SignIn(
            self.ledger, self.devices, self.client_ids, lambda: tuple(self.people.values())
        )
        self.tokens = TokenEndpoint(self.ledger, self.client_ids)
        self.resources = Resources(self.ledger)

    def reset(self) -> None:
        """Forget grants, requests, faults and changes, as after a restart on the same port."""
        self.faults.release()
        self.log.clear()
        self._begin()

    def put_first(self, person_id: str | None, changes: dict[str, Any]) -> Person:
        """Change a person, the first where none is named, and offer them first.

        Raises:
            ValueError: The person or a change is unknown.
        """
        known = self.people.get(person_id or next(iter(self.people)))
        if known is None:
            raise ValueError("person")
        person = patched(known, changes)
        self.people = {person.id: person, **self.people, person.id: person}
        return person
