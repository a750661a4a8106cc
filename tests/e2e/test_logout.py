"""Signing out: the local part always first and complete, the issuer told afterwards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e.logins import sign_in_with_key
from e2e.promises import status_changes
from e2e.shapes import api_key_login, chatgpt_login, codex_bytes, example_key
from e2e.waiting import eventually
from support.secrets_guard import ACCESS_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.logins import Browser
    from e2e.shapes import CodexHome
    from support.sandbox import Sandbox
    from support.secrets_guard import SecretsGuard


async def test_a_key_is_removed_and_there_is_nobody_to_tell(start: Starter, home: CodexHome):
    """The file is gone, and the lock files are all that stays."""
    home.write(api_key_login(example_key("removed")))
    client = await start()

    result = await client.request("auth/logout", {})

    assert {name: result[name] for name in ("removed", "remaining", "revoked")} == {
        "removed": ["file"],
        "remaining": [],
        "revoked": "notApplicable",
    }
    assert result["status"]["state"] == "signedOut"
    assert {path.name for path in home.path.iterdir()} <= {"auth.lock", "auth.json.lock"}


async def test_a_chatgpt_login_is_removed_and_revoked(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """The issuer takes back the refresh token, and with it the whole login."""
    client = await start(sandbox)
    await browser.sign_in(client)
    login = home.read()

    result = await client.request("auth/logout", {})

    assert (result["removed"], result["revoked"]) == (["file"], "yes")
    assert home.bytes() is None
    assert sandbox.refresh(login["tokens"]["refresh_token"]).status_code == 401
    bearer = {"Authorization": f"Bearer {login['tokens']['access_token']}"}
    assert sandbox.models(bearer).status_code == 401


async def test_the_change_is_announced_before_the_answer(start: Starter, home: CodexHome):
    """Cause `logout`, and the account is another one now: nobody."""
    home.write(chatgpt_login(issuer="http://127.0.0.1:9"))
    client = await start()

    result = await client.request("auth/logout", {"revoke": False})

    (answer,) = [message for message in client.messages if message.answers == "auth/logout"]
    change = client.all("auth/statusChanged")[-1]
    assert change.index < answer.index
    assert (change.params["cause"], change.params["accountChanged"]) == ("logout", True)
    assert change.params["status"] == result["status"]
    assert len(status_changes(client)) == 2


async def test_without_revocation_nobody_is_told(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """`revoke: false` is `skipped`: the login is gone here and valid elsewhere."""
    client = await start(sandbox)
    await browser.sign_in(client)
    refresh_token = home.read()["tokens"]["refresh_token"]

    result = await client.request("auth/logout", {"revoke": False})

    assert (result["removed"], result["revoked"]) == (["file"], "skipped")
    assert sandbox.requests("revoke") == []
    assert sandbox.refresh(refresh_token).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 400},
        {"kind": "close"},
        {"kind": "redirect"},
        {"kind": "huge"},
    ],
    ids=["500", "503", "400", "closed", "redirect", "20 MB"],
)
async def test_a_revocation_that_fails_is_said_and_the_login_is_gone_all_the_same(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, fault
):
    """(P22) `revoked: failed` tells that the login may still be valid elsewhere."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("revoke", **fault)

    result = await client.request("auth/logout", {})

    assert (result["removed"], result["revoked"]) == (["file"], "failed")
    assert result["status"]["state"] == "signedOut"
    assert home.bytes() is None


async def test_the_removal_does_not_wait_for_the_revocation(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """(P22) An issuer that hangs holds up the answer alone, and no longer than ten seconds."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("revoke", "hang")

    logout = await client.start_request("auth/logout", {})
    await sandbox.saw("revoke")
    meanwhile = home.bytes(), (await client.request("auth/status", {}))["state"]
    result = await logout.result(timeout=12)
    sandbox.release()

    assert meanwhile == (None, "signedOut")
    assert (result["removed"], result["revoked"]) == (["file"], "failed")


async def test_an_issuer_that_is_not_there_does_not_hold_a_logout_up(
    start: Starter, home: CodexHome
):
    """(P22) Offline, one signs out at once."""
    home.write(chatgpt_login(issuer="http://127.0.0.1:9"))
    client = await start("http://127.0.0.1:9")

    result = await client.request("auth/logout", {})

    assert (result["removed"], result["revoked"]) == (["file"], "failed")


async def test_nothing_stored_is_a_success(start: Starter, sandbox: Sandbox):
    """Being signed out already is what was asked for."""
    client = await start(sandbox)

    result = await client.request("auth/logout", {})

    assert {name: result[name] for name in ("removed", "remaining", "revoked")} == {
        "removed": [],
        "remaining": [],
        "revoked": "notApplicable",
    }
    assert result["status"]["state"] == "signedOut"
    assert [change["cause"] for change in status_changes(client)] == ["startup"]


@pytest.mark.parametrize(
    "content",
    [b"", b"no JSON", b"[]", codex_bytes(chatgpt_login())[:-30]],
    ids=["empty", "words", "a list", "cut short"],
)
async def test_a_corrupt_file_is_removed(start: Starter, home: CodexHome, content):
    """An explicit logout removes what nobody can read."""
    home.write(content)
    client = await start()

    result = await client.request("auth/logout", {})

    assert (result["removed"], result["revoked"]) == (["file"], "notApplicable")
    assert result["status"]["state"] == "signedOut"
    assert home.bytes() is None


async def test_of_a_symbolic_link_the_target_is_removed(
    start: Starter, home: CodexHome, tmp_path: Path
):
    """The login is in the target. The link stays, and the next login goes where it leads."""
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir()
    target = elsewhere / "auth.json"
    target.write_bytes(codex_bytes(api_key_login(example_key("linked"))))
    home.auth_file.symlink_to(target)
    client = await start()

    result = await client.request("auth/logout", {})
    removed = not target.exists()
    await sign_in_with_key(client, example_key("linked-again"))

    assert result["removed"] == ["file"]
    assert result["status"]["state"] == "signedOut"
    assert removed
    assert home.auth_file.is_symlink()
    assert target.read_bytes() == codex_bytes(api_key_login(example_key("linked-again")))


async def test_a_folder_that_cannot_be_written_is_an_error_and_the_login_stays(
    start: Starter, home: CodexHome, make_read_only: Callable[[], None]
):
    """Nothing at all could be removed: `storeReadOnly`, and the status still says who is in."""
    before = home.write(api_key_login(example_key("stuck")))
    client = await start()
    make_read_only()

    error = await client.request_error("auth/logout", {})

    assert error.summary == (-32803, "storeReadOnly")
    assert (await client.request("auth/status", {}))["state"] == "signedIn"
    assert home.bytes() == before


async def test_a_folder_that_cannot_be_written_keeps_the_tokens_valid(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome, make_read_only
):
    """What could not be removed here is not revoked there: the login would be dead and stay."""
    client = await start(sandbox)
    await browser.sign_in(client)
    make_read_only()

    error = await client.request_error("auth/logout", {})

    assert error.kind == "storeReadOnly"
    assert sandbox.requests("revoke") == []


async def test_the_token_that_is_stored_now_is_revoked(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """Another window has renewed the login meanwhile: the newest token is the one that counts.

    (P23)
    """
    first, second = await start(sandbox), await start(sandbox)
    await browser.sign_in(first)
    await second.request("auth/refresh", {"force": True})
    newest = home.read()["tokens"]["refresh_token"]

    result = await first.request("auth/logout", {})

    assert result["revoked"] == "yes"
    assert sandbox.refresh(newest).json()["error"]["code"] == "refresh_token_invalidated"


async def test_every_window_hears_of_it(start: Starter, home: CodexHome):
    """One window signs out, the other one says so."""
    home.write(api_key_login(example_key("shared")))
    first, second = await start(), await start()

    await first.request("auth/logout", {})
    heard = await second.wait_for(
        "auth/statusChanged", lambda params: params["cause"] == "externalChange", timeout=1
    )

    assert heard.params["status"]["state"] == "signedOut"
    assert (heard.params["origin"], heard.params["accountChanged"]) == ("otherProcess", True)


async def test_a_variable_still_signs_in_after_a_logout(
    start: Starter, home: CodexHome, guard: SecretsGuard
):
    """The status names what is still in force; only its owner can unset it."""
    guard.add("at-environment-token-of-the-test", ACCESS_TOKEN)
    home.write(api_key_login(example_key("shadowed")))
    client = await start(environment={"CODEX_ACCESS_TOKEN": "at-environment-token-of-the-test"})

    result = await client.request("auth/logout", {})

    assert result["removed"] == ["file"]
    assert home.bytes() is None
    assert result["status"]["state"] == "signedIn"
    assert result["status"]["source"] == {"kind": "environment", "name": "CODEX_ACCESS_TOKEN"}
    assert result["status"]["shadowed"] == []


async def test_a_cancelled_logout_is_finished_all_the_same(
    start: Starter, sandbox: Sandbox, browser: Browser, home: CodexHome
):
    """What has begun is done: `$/cancelRequest` ends the waiting alone."""
    client = await start(sandbox)
    await browser.sign_in(client)
    sandbox.fault("revoke", "hang")
    logout = await client.start_request("auth/logout", {})
    await sandbox.saw("revoke")

    await logout.cancel()
    error = await logout.error()
    sandbox.release()

    assert error.code == -32800
    await eventually(lambda: home.bytes() is None, "the end of the login")
    assert (await client.request("auth/status", {}))["state"] == "signedOut"


async def test_two_logouts_at_the_same_time_are_both_a_success(
    start: Starter, sandbox: Sandbox, browser: Browser
):
    """The second finds nothing left to do."""
    client = await start(sandbox)
    await browser.sign_in(client)

    requests = [await client.start_request("auth/logout", {}) for _ in range(2)]
    results = [await request.result() for request in requests]

    assert sorted(result["removed"] for result in results) == [[], ["file"]]
    assert {result["status"]["state"] for result in results} == {"signedOut"}
    assert len(sandbox.requests("revoke")) == 1


async def test_logouts_that_come_together_are_one(start: Starter, home: CodexHome):
    """The first is told what was removed, the others that nothing was left."""
    home.write(api_key_login(example_key("once")))
    client = await start()
    asked = [
        json.dumps({"jsonrpc": "2.0", "id": number, "method": "auth/logout", "params": params})
        for number, params in enumerate([{}, {"revoke": True}, None], 900)
    ]
    await client.send_raw(
        "".join(f"Content-Length: {len(text)}\r\n\r\n{text}" for text in asked).encode()
    )
    answers = [
        await client.wait_until(
            lambda message, number=number: message.body.get("id") == number, "the answer"
        )
        for number in (900, 901, 902)
    ]
    results = [answer.result() for answer in answers]

    assert [result["removed"] for result in results] == [["file"], [], []]
    assert {result["revoked"] for result in results} == {"notApplicable"}
    assert {result["status"]["revision"] for result in results} == {
        (await client.request("auth/status", {}))["revision"]
    }
