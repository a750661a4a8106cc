"""A rotation goes where its login was read from, whatever is configured meanwhile."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from e2e.shapes import chatgpt_login, codex_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

FORCE = {"force": True}


def refresh_token(path: Path) -> str:
    token: str = json.loads(path.read_bytes())["tokens"]["refresh_token"]
    return token


async def test_another_store_while_a_refresh_runs_does_not_get_the_rotation(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The file held the spent token, so it gets the new one, and nothing is revoked."""
    client = await start(sandbox)
    await browser.sign_in(client)
    spent = refresh_token(home.auth_file)
    sandbox.fault("refresh", "delay", seconds=0.5)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    config = home.path / "config.toml"
    config.write_text('cli_auth_credentials_store = "ephemeral"\n')
    error = await refresh.error()
    config.unlink()

    assert error.kind == "notSignedIn"
    assert refresh_token(home.auth_file) != spent
    assert sandbox.requests("revoke") == []
    assert (await client.request("auth/refresh", FORCE))["state"] == "signedIn"


async def test_link_that_leads_elsewhere_while_a_refresh_runs_does_not_get_the_rotation(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The other profile keeps its own login, and the renewed one is in the first."""
    client = await start(sandbox)
    await browser.sign_in(client)
    first, second = (home.path / name / "auth.json" for name in ("first", "second"))
    for profile in (first, second):
        profile.parent.mkdir()
    home.auth_file.rename(first)
    other = codex_bytes(
        chatgpt_login(issuer=sandbox.issuer, refresh_token="refresh-token-of-the-second-profile")
    )
    second.write_bytes(other)
    home.auth_file.symlink_to(first)
    spent = refresh_token(first)
    sandbox.fault("refresh", "delay", seconds=0.5)
    refresh = await client.start_request("auth/refresh", FORCE)
    await sandbox.saw("refresh")

    link = home.path / "link"
    link.symlink_to(second)
    link.rename(home.auth_file)
    await refresh.result()

    assert (other, first.exists()) == (second.read_bytes(), True)
    assert refresh_token(first) != spent
    assert sandbox.requests("revoke") == []


async def test_login_in_memory_is_renewed_where_nothing_can_be_written(
    make_read_only: Callable[[], None],
    start: Starter,
    sandbox: Sandbox,
    browser: Browser,
    home: CodexHome,
):
    """No other process has it, so no lock and no record of a refresh is wanted on the disk."""
    home.configure('cli_auth_credentials_store = "ephemeral"\n')
    make_read_only()
    client = await start(sandbox)
    await browser.sign_in(client)
    before = await client.request("auth/credential", {})
    status = await client.request("auth/refresh", FORCE)
    after = await client.request("auth/credential", {})

    assert (status["state"], status.get("lastError")) == ("signedIn", None)
    assert len(sandbox.requests("refresh")) == 1
    assert before["headers"] != after["headers"]
    assert {path.name for path in home.path.iterdir()} == {"config.toml"}


async def test_refusal_of_a_login_in_memory_is_remembered(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """As of any other: the token is not sent a second time, and the disk knows nothing of it."""
    home.configure('cli_auth_credentials_store = "ephemeral"\n')
    client = await start(sandbox)
    await browser.sign_in(client)
    body = {"error": {"code": "refresh_token_expired", "message": "no"}}
    sandbox.fault("refresh", "json", status=401, body=body)
    errors = [await client.request_error("auth/refresh", FORCE) for _ in range(2)]

    assert [error.kind for error in errors] == ["refreshTokenExpired"] * 2
    assert len(sandbox.requests("refresh")) == 1
    assert not (home.path / "auth.json.refresh.json").exists()
