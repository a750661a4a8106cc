"""A window in a container whose `auth.json` is mounted by itself, so that no rename replaces it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from e2e.shapes import api_key_login, codex_bytes, example_key
from support.bind_mount import mounted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox

FORCE = {"force": True}


@pytest.fixture
def shared(home: CodexHome, tmp_path: Path) -> Iterator[Path]:
    """The empty file that the host shares, for longer than any window is there."""
    path = tmp_path / "host" / "auth.json"
    path.parent.mkdir()
    path.touch(0o600)
    with mounted(path, home.auth_file):
        yield path


@pytest.fixture
def seal(shared: Path, home: CodexHome) -> Iterator[Callable[[], None]]:
    """Offer to let nobody in the container write the file any more."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(mounted(shared, home.auth_file, read_only=True))


async def test_a_renewed_login_reaches_the_host_and_the_other_windows(
    shared: Path, start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """One request for it, a whole file, and a change that everybody hears of."""
    client, other = await start(sandbox), await start(sandbox)
    assert (await client.request("auth/status", {}))["state"] == "signedOut"
    await browser.sign_in(client)
    before = home.read()
    status = await client.request("auth/refresh", FORCE)
    after = home.read()

    assert (status["state"], status.get("lastError")) == ("signedIn", None)
    assert len(sandbox.requests("refresh")) == 1
    assert before["tokens"]["refresh_token"] != after["tokens"]["refresh_token"]
    assert shared.read_bytes() == codex_bytes(after)
    assert (await other.request("auth/status", {}))["expiresAt"] == status["expiresAt"]


async def test_a_logout_empties_it_everywhere(
    shared: Path, start: Starter, sandbox: Sandbox, browser: Browser
):
    """Nobody takes the empty file for a broken login."""
    client, other = await start(sandbox), await start(sandbox)
    await browser.sign_in(client)
    result = await client.request("auth/logout", {})
    status = await other.request("auth/status", {})

    assert (result["removed"], result["remaining"]) == (["file"], [])
    assert (shared.read_bytes(), status["state"]) == (b"", "signedOut")
    assert status["store"]["health"] == "ok"


async def test_a_read_only_one_is_found_out_before_the_token_is_spent(
    seal: Callable[[], None], start: Starter, sandbox: Sandbox, browser: Browser
):
    """(S10) The folder can be written, and the file cannot."""
    client = await start(sandbox)
    await browser.sign_in(client)
    seal()
    error = await client.request_error("auth/refresh", FORCE)
    status = await client.request("auth/status", {})

    assert error.kind == "storeReadOnly"
    assert sandbox.requests("refresh") == []
    assert (status["state"], status["store"]["health"]) == ("signedIn", "readOnly")


async def test_the_doctor_says_how_it_is_written(
    shared: Path, start: Starter, sandbox: Sandbox, browser: Browser
):
    """In the report that people attach."""
    client = await start(sandbox)
    await browser.sign_in(client)
    report = await client.request("auth/doctor", {"network": False})
    summary = next(c["summary"] for c in report["checks"] if c["id"] == "permissions")

    assert summary.endswith("mounted by itself and so written in place.")


async def test_the_doctor_says_that_the_host_has_another_file_now(
    shared: Path, start: Starter, sandbox: Sandbox, browser: Browser
):
    """A program there has replaced it; the mount still shows the old one."""
    client = await start(sandbox)
    await browser.sign_in(client)
    other = shared.with_name("other.json")
    other.touch()
    other.replace(shared)
    report = await client.request("auth/doctor", {"network": False})
    check = next(c for c in report["checks"] if c["id"] == "permissions")

    assert check["status"] == "warning"
    assert check["summary"].endswith("was replaced where it comes from.")


async def test_a_change_by_the_host_is_heard(shared: Path, start: Starter):
    """It writes in place too, for otherwise nobody here would ever see it."""
    client = await start()
    mark = client.mark()
    shared.write_bytes(codex_bytes(api_key_login(example_key("host"))))
    message = await client.wait_for(
        "auth/statusChanged",
        lambda params: params["status"]["state"] == "signedIn",
        since=mark,
    )

    assert (message.params["cause"], message.params["origin"]) == (
        "externalChange",
        "otherProcess",
    )
