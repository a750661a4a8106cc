"""The server on one machine, the person's browser on another: two network namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.logins import begin
from support import elsewhere, raw_callback

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard

pytestmark = pytest.mark.skipif(
    not elsewhere.is_possible(), reason="this user may make no network namespaces"
)


async def ssh_client(start: Starter, sandbox: Sandbox) -> LanguageClient:
    return await start(
        sandbox,
        auth={"loginPrompt": True, "environment": "ssh"},
        environment={"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"},
    )


async def test_l25_a_redirect_that_gets_lost_between_two_machines_is_pasted(
    start: Starter, sandbox: Sandbox, home: CodexHome, guard: SecretsGuard, tmp_path: Path
):
    """The browser's last page does not load there; its address signs in here."""
    client = await ssh_client(start, sandbox)
    offered = (await client.request("auth/methods", {}))["methods"]
    attempt = await begin(client)

    seen = await elsewhere.visit(tmp_path, attempt.url, "password")
    guard.add_callback(seen.callback_url)
    waiting = await raw_callback.is_listening(attempt.port)
    await client.request("auth/submitCallback", {"url": seen.callback_url})
    result = await attempt.request.result()

    assert offered[0]["id"] == "deviceCode"
    assert (seen.arrived, waiting) == (False, True)
    assert result["status"]["account"]["email"] == "pro@example.com"
    assert home.read()["auth_mode"] == "chatgpt"
