"""The cause of a change, where several things happened between two looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from codex_auth_lsp.config.home import CodexHome
from codex_auth_lsp.domain.issuer import IssuerSettings
from codex_auth_lsp.secret import Secret
from codex_auth_lsp.service.auth_service import AuthService, ServiceOptions
from codex_auth_lsp.service.refresh_record import DONE, RefreshRecord, write_record
from e2e.shapes import chatgpt_login, codex_bytes

if TYPE_CHECKING:
    from pathlib import Path

LAB = 'model_provider = "lab"\n[model_providers.lab]\nname = "Lab"\nbase_url = "https://lab.example"\n'
LOGIN = chatgpt_login()


def record(outcome: str) -> RefreshRecord:
    """Return what another window leaves beside the login after a refresh."""
    token = Secret(LOGIN["tokens"]["refresh_token"])
    return RefreshRecord(token.fingerprint(), datetime.now(UTC), outcome)


@pytest.mark.parametrize(
    ("outcome", "config", "cause", "state"),
    [
        pytest.param(DONE, LAB, "configChange", "notRequired", id="a refresh that worked"),
        pytest.param("refreshTokenRevoked", "", "externalChange", "needsReauth", id="a refusal"),
    ],
)
async def test_record_of_another_window_is_the_cause_only_of_what_it_can_change(
    tmp_path: Path, outcome: str, config: str, cause: str, state: str
):
    """A refresh elsewhere that worked changes no state: something else has."""
    (tmp_path / "auth.json").write_bytes(codex_bytes(LOGIN))
    service = AuthService(ServiceOptions(CodexHome(tmp_path, "option"), IssuerSettings(), {}))
    heard: list[Any] = []
    service.start()
    service.events.subscribe(heard.append)

    write_record(tmp_path / "auth.json.refresh.json", record(outcome))
    (tmp_path / "config.toml").write_text(config)
    await service.sync()
    service.status()
    changes = [(event.cause, event.status["state"]) for event in heard if hasattr(event, "cause")]
    await service.close(hurried=True)

    assert changes == [(cause, state)]
