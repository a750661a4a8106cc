"""What the doctor says of the place where logins are kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.config.settings import Settings
from codex_auth_lsp.doctor.check import Health
from codex_auth_lsp.doctor.store import _store
from codex_auth_lsp.domain.store_report import StoreReport

if TYPE_CHECKING:
    from pathlib import Path


def test_a_keyring_that_does_not_answer_is_started_or_replaced(tmp_path: Path):
    """No folder is missing, and another store needs no keyring."""
    report = StoreReport(mode="keyring", backend="keyring", health="unavailable")
    scene = SimpleNamespace(
        options=SimpleNamespace(home=CodexHome(tmp_path, "option")),
        view=SimpleNamespace(
            snapshot=SimpleNamespace(report=report), settings=Settings(), settings_known=True
        ),
    )

    check = _store(cast("Any", scene))

    assert check.health is Health.ERROR
    (advice,) = check.remediation
    assert "keyring" in advice.title
    assert '"file" or "auto"' in advice.title
    assert "folder" not in advice.title
