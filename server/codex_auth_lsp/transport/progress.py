"""`$/progress` for sign-ins (LSP 3.17, "Work Done Progress"): phases in words, no percentage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_TITLE = "Signing in to Codex"


class WorkDoneProgress:
    """The tokens under which clients see attempts; each begins once and ends once."""

    def __init__(self, notify: Callable[[str, Any], None]) -> None:
        self._notify = notify
        self._attempts: dict[str | int, str] = {}
        self._latest: tuple[str, str] | None = None  # one attempt runs at a time

    def begin(self, token: str | int, attempt_id: str) -> None:
        """Show an attempt under a token, unless something is shown under it already."""
        if token not in self._attempts:
            self._attempts[token] = attempt_id
            value: dict[str, Any] = {"kind": "begin", "title": _TITLE, "cancellable": True}
            if self._latest is not None and self._latest[0] == attempt_id:
                value["message"] = self._latest[1]
            self._send(token, value)

    def report(self, attempt_id: str, message: str, *, cancellable: bool) -> None:
        """Show what an attempt does now."""
        self._latest = (attempt_id, message)
        value = {"kind": "report", "message": message, "cancellable": cancellable}
        for token in self._tokens(attempt_id):
            self._send(token, value)

    def end_attempt(self, attempt_id: str) -> None:
        """End what an attempt is shown under."""
        for token in self._tokens(attempt_id):
            self.end(token)

    def end(self, token: str | int) -> None:
        """End what is shown under a token, if anything is."""
        if self._attempts.pop(token, None) is not None:
            self._send(token, {"kind": "end"})

    def attempt_of(self, token: Any) -> str | None:
        """Return the attempt that is shown under a token."""
        if isinstance(token, bool) or not isinstance(token, str | int):
            return None
        return self._attempts.get(token)

    def _tokens(self, attempt_id: str) -> list[str | int]:
        return [token for token, shown in self._attempts.items() if shown == attempt_id]

    def _send(self, token: str | int, value: dict[str, Any]) -> None:
        self._notify("$/progress", {"token": token, "value": value})
