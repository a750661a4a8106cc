"""The tokens under which a client sees sign-ins."""

from __future__ import annotations

from typing import Any

import pytest

from codex_auth_lsp.transport.progress import WorkDoneProgress


class Shown:
    """A progress, and what it has sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, str]] = []
        self.progress = WorkDoneProgress(self._notify)

    def _notify(self, _method: str, params: Any) -> None:
        self.sent.append((params["token"], params["value"]["kind"]))


def test_token_that_is_in_use_shows_what_it_shows():
    """Each begins once and ends once, whoever names it again."""
    shown = Shown()
    shown.progress.begin("token", "first")
    shown.progress.begin("token", "second")
    shown.progress.report("second", "…", cancellable=True)
    attempt = shown.progress.attempt_of("token")
    shown.progress.end("token")
    shown.progress.end("token")

    assert attempt == "first"
    assert shown.sent == [("token", "begin"), ("token", "end")]


@pytest.mark.parametrize("token", [True, 1.0, None, [1], {"token": 1}])
def test_what_is_no_token_is_none_of_ours(token):
    """`true` and `1.0` equal the number 1 in Python, and are no tokens; a list has no hash."""
    shown = Shown()
    shown.progress.begin(1, "attempt")

    assert shown.progress.attempt_of(token) is None
    assert shown.progress.attempt_of(1) == "attempt"
