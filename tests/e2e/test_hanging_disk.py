"""A disk that hangs delays no status: what is known comes in time, and what was missed follows."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from prove.login import key_login
from support.hanging_disk import hanging_disk
from support.lsp_client import LanguageClient

if TYPE_CHECKING:
    from pathlib import Path

PROMISED_SECONDS = 3.0
"""Within these `auth/status` is answered: protocol.md."""

FILES = {"auth.json": json.dumps(key_login("sk-example-on-a-slow-disk")), "config.toml": ""}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "codex"
    path.mkdir(mode=0o700)
    return path


async def status_in_time(client: LanguageClient) -> dict[str, Any]:
    at = time.monotonic()
    status = await client.request("auth/status")
    assert time.monotonic() - at < PROMISED_SECONDS
    return status


async def test_disk_that_hangs_later_is_told_and_so_is_its_return(tmp_path, home):
    """(S15) Each status is in time, and the login is there again when the disk is."""
    disk = hanging_disk(home, FILES)
    client = await LanguageClient.start(tmp_path, home=home, prefix=disk.prefix)
    try:
        await client.initialize()
        first = await client.wait_for("auth/statusChanged")
        assert first.params["status"]["state"] == "signedIn"

        disk.hang()
        mark = len(client.messages)
        statuses = [await status_in_time(client) for _ in range(3)]
        assert [status["state"] for status in statuses] == ["unavailable"] * 3
        assert [status["store"]["health"] for status in statuses] == ["unavailable"] * 3
        assert "does not answer" in statuses[0]["store"]["detail"]
        told = [change.params for change in client.all("auth/statusChanged", mark)]
        assert [(one["cause"], one["status"]["state"]) for one in told] == [
            ("storeHealth", "unavailable")
        ]
        error = await client.request_error("auth/credential")
        assert error.kind == "storeUnavailable"

        mark = len(client.messages)
        disk.go_on()
        change = await client.wait_for("auth/statusChanged", since=mark)
        assert (change.params["cause"], change.params["status"]["state"]) == (
            "storeHealth",
            "signedIn",
        )
        assert (await status_in_time(client))["state"] == "signedIn"
        assert await client.close() == 0
    finally:
        await client.kill()


async def test_disk_that_hangs_from_the_beginning_keeps_no_window_from_starting(tmp_path, home):
    """(S15) The first status is in time, and the true one follows."""
    disk = hanging_disk(home, FILES, hangs=True)
    client = await LanguageClient.start(tmp_path, home=home, prefix=disk.prefix)
    try:
        await client.initialize()
        status = await status_in_time(client)
        assert (status["state"], status["store"]["health"]) == ("unavailable", "unavailable")
        change = await client.wait_for("auth/statusChanged")
        assert (change.params["cause"], change.params["status"]["state"]) == (
            "startup",
            "unavailable",
        )

        disk.go_on()
        change = await client.wait_for("auth/statusChanged", lambda one: one["cause"] != "startup")
        assert (change.params["cause"], change.params["status"]["state"]) == (
            "storeHealth",
            "signedIn",
        )
        assert await client.close() == 0
    finally:
        await client.kill()


async def test_window_on_a_hanging_disk_ends_when_it_is_told_to(tmp_path, home):
    """Nobody has to end it by force."""
    disk = hanging_disk(home, FILES)
    client = await LanguageClient.start(tmp_path, home=home, prefix=disk.prefix)
    try:
        await client.initialize()
        await client.wait_for("auth/statusChanged")
        disk.hang()
        await status_in_time(client)

        assert await client.close() == 0
    finally:
        await client.kill()
