"""What others do to the login cache is heard by every window, once, and within a second."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from e2e.promises import status_changes
from e2e.shapes import api_key_login, chatgpt_login, codex_bytes, example_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient

SOON = 1.0
"""Seconds within which a window has told of a change: the promise of the protocol."""

ADA = chatgpt_login()
KEY = api_key_login(example_key("external"))


async def heard(
    windows: list[LanguageClient], change: Callable[[], Any], state: str
) -> list[dict[str, Any]]:
    """Make a change; return what each window said of it, which must come soon and only once."""
    marks = [window.mark() for window in windows]
    change()
    changed_at = time.monotonic()
    for window, mark in zip(windows, marks, strict=True):
        message = await window.wait_for(
            "auth/statusChanged",
            lambda params: params["status"]["state"] == state,
            since=mark,
            timeout=SOON,
        )
        assert message.at - changed_at < SOON
    return [
        params
        for window, mark in zip(windows, marks, strict=True)
        for params in status_changes(window, mark)
    ]


def told(changes: list[dict[str, Any]]) -> list[tuple[str, str, str, bool]]:
    """Return what matters of changes: state, cause, origin and whether the account changed."""
    return [
        (change["status"]["state"], change["cause"], change["origin"], change["accountChanged"])
        for change in changes
    ]


def external(state: str, *, account_changed: bool) -> tuple[str, str, str, bool]:
    return (state, "externalChange", "otherProcess", account_changed)


async def test_a_login_of_another_program_is_heard(start: Starter, home: CodexHome):
    """A file appears: everybody is signed in."""
    windows = [await start(), await start()]

    changes = await heard(windows, lambda: home.write(KEY), "signedIn")

    assert told(changes) == [external("signedIn", account_changed=True)] * 2


async def test_a_logout_of_another_program_is_heard(start: Starter, home: CodexHome):
    """The file goes: everybody is signed out."""
    home.write(KEY)
    windows = [await start(), await start()]

    changes = await heard(windows, home.auth_file.unlink, "signedOut")

    assert told(changes) == [external("signedOut", account_changed=True)] * 2


async def test_another_account_is_heard(start: Starter, home: CodexHome):
    """The file is replaced by one of somebody else."""
    home.write(ADA)
    windows = [await start(), await start()]

    changes = await heard(windows, lambda: home.write(KEY), "signedIn")

    assert told(changes) == [external("signedIn", account_changed=True)] * 2
    assert {change["status"]["method"] for change in changes} == {"apiKey"}


async def test_a_renewal_by_another_program_is_heard_and_the_account_is_the_same(
    start: Starter, home: CodexHome
):
    """The time of the last refresh is part of the state; the account did not change."""
    home.write(ADA)
    windows = [await start(), await start()]
    renewed = chatgpt_login(refresh_token="next-token-of-the-test")

    changes = await heard(windows, lambda: home.write(renewed), "signedIn")

    assert told(changes) == [external("signedIn", account_changed=False)] * 2


async def test_a_write_in_place_is_heard(start: Starter, home: CodexHome):
    """Older Codex versions write the file anew in place; what is half done may be skipped."""
    home.write(ADA)
    windows = [await start(), await start()]

    changes = await heard(
        windows,
        lambda: home.auth_file.write_bytes(codex_bytes(KEY)),
        "signedIn",
    )

    assert {change["origin"] for change in changes} == {"otherProcess"}
    for window in windows:
        assert status_changes(window)[-1]["status"]["method"] == "apiKey"


async def test_a_file_that_is_cut_to_nothing_is_heard_as_corrupt(start: Starter, home: CodexHome):
    """Nobody is signed out by a broken file, and nobody is signed in."""
    home.write(KEY)
    windows = [await start(), await start()]

    changes = await heard(windows, lambda: os.truncate(home.auth_file, 0), "unavailable")

    assert told(changes) == [external("unavailable", account_changed=True)] * 2
    assert {change["status"]["store"]["health"] for change in changes} == {"corrupt"}


async def test_a_mended_file_is_heard(start: Starter, home: CodexHome):
    """From corrupt back to a login."""
    home.write(b"{")
    windows = [await start(), await start()]

    changes = await heard(windows, lambda: home.write(KEY), "signedIn")

    assert told(changes) == [external("signedIn", account_changed=True)] * 2


async def test_a_link_that_leads_elsewhere_is_heard(start: Starter, home: CodexHome, tmp_path):
    """A swapped symbolic link is a change of the login like any other."""
    for name, login in (("one", KEY), ("two", ADA)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "auth.json").write_bytes(codex_bytes(login))
    home.guard.add_login(ADA)
    home.auth_file.symlink_to(tmp_path / "one" / "auth.json")
    windows = [await start(), await start()]

    def swap() -> None:
        link = home.path / "link"
        link.symlink_to(tmp_path / "two" / "auth.json")
        link.replace(home.auth_file)

    changes = await heard(windows, swap, "signedIn")

    assert told(changes) == [external("signedIn", account_changed=True)] * 2
    assert {change["status"]["method"] for change in changes} == {"chatgpt"}


async def test_a_change_behind_a_link_is_heard(start: Starter, home: CodexHome, tmp_path):
    """The login lies where the link leads."""
    target = tmp_path / "dotfiles" / "auth.json"
    target.parent.mkdir()
    target.write_bytes(codex_bytes(KEY))
    home.auth_file.symlink_to(target)
    windows = [await start(), await start()]

    changes = await heard(windows, target.unlink, "signedOut")

    assert told(changes) == [external("signedOut", account_changed=True)] * 2


async def test_a_folder_that_is_moved_away_and_back_is_heard(start: Starter, home: CodexHome):
    """Without the folder the store cannot be read; with it all is as before."""
    home.write(KEY)
    windows = [await start(), await start()]
    elsewhere = home.path.with_name("moved")

    away = await heard(windows, lambda: home.path.rename(elsewhere), "unavailable")
    back = await heard(windows, lambda: elsewhere.rename(home.path), "signedIn")

    assert {change["status"]["store"]["health"] for change in away} == {"unavailable"}
    assert [change["status"]["state"] for change in back] == ["signedIn"] * 2
    assert {(change["cause"], change["origin"]) for change in away + back} == {
        ("storeHealth", "thisServer")
    }


async def test_a_folder_in_the_place_of_the_file_is_heard(start: Starter, home: CodexHome):
    """The store cannot be read, which says nothing of who was signed in or out."""
    home.write(KEY)
    windows = [await start(), await start()]

    def replace() -> None:
        home.auth_file.unlink()
        home.auth_file.mkdir()

    changes = await heard(windows, replace, "unavailable")
    # A window may see the moment between, in which there is no file.
    last = [change for change in changes if change["status"]["state"] == "unavailable"]

    assert {change["status"]["store"]["health"] for change in last} == {"unavailable"}
    assert [change["cause"] for change in last] == ["storeHealth"] * 2


async def test_another_store_mode_is_heard_as_a_change_of_the_configuration(
    start: Starter, home: CodexHome
):
    """Whoever is signed in there, no other process has signed them in or out."""
    home.write(KEY)
    windows = [await start(), await start()]

    def choose() -> None:
        home.configure('cli_auth_credentials_store = "ephemeral"\n')

    away = await heard(windows, choose, "signedOut")
    back = await heard(windows, lambda: home.configure(""), "signedIn")

    assert {(change["cause"], change["origin"]) for change in away + back} == {
        ("configChange", "thisServer")
    }


async def test_a_change_of_the_configuration_is_heard(start: Starter, home: CodexHome):
    """Cause `configChange`, and it is no other process that signed anybody in or out."""
    home.write(KEY)
    windows = [await start(), await start()]

    def change_provider() -> None:
        home.configure('model_provider = "ollama"\n')

    changes = await heard(windows, change_provider, "notRequired")

    assert {(change["cause"], change["origin"]) for change in changes} == {
        ("configChange", "thisServer")
    }
    assert {change["status"]["provider"]["id"] for change in changes} == {"ollama"}


async def test_a_broken_configuration_is_heard_and_nobody_is_signed_out(
    start: Starter, home: CodexHome
):
    """The last good settings stay in force; `lastError` says where the mistake is."""
    home.write(KEY)
    home.configure('forced_login_method = "api"\n')
    windows = [await start(), await start()]

    changes = await heard(windows, lambda: home.configure("forced_login_method = [\n"), "signedIn")

    assert {change["cause"] for change in changes} == {"configChange"}
    assert {change["status"]["lastError"]["kind"] for change in changes} == {"configurationInvalid"}
    assert "line" in changes[0]["status"]["lastError"]["message"]


def rewritten(home: CodexHome) -> None:
    home.write(home.bytes())


def rewritten_in_place(home: CodexHome) -> None:
    home.auth_file.write_bytes(home.bytes() or b"")


def other_layout(home: CodexHome) -> None:
    home.write(codex_bytes(KEY).replace(b"\n", b"").replace(b"  ", b""))


def more_members(home: CodexHome) -> None:
    home.write(KEY | {"x_future": {"deep": True}})


def other_mode(home: CodexHome) -> None:
    home.auth_file.chmod(0o640)
    home.auth_file.chmod(0o600)


def touched(home: CodexHome) -> None:
    os.utime(home.auth_file)


def other_files(home: CodexHome) -> None:
    for name in ("auth.lock", "auth.json.lock", ".auth-x1y2z3", "history.jsonl"):
        (home.path / name).write_text("")


def configured(home: CodexHome) -> None:
    home.configure("# a comment\nmodel = 'gpt-sandbox'\n")


@pytest.mark.parametrize(
    "change",
    [
        rewritten,
        rewritten_in_place,
        other_layout,
        more_members,
        other_mode,
        touched,
        other_files,
        configured,
    ],
    ids=lambda change: change.__name__,
)
async def test_what_means_nothing_is_not_announced(start: Starter, home: CodexHome, change):
    """An equal state is never told; the next real change is, once."""
    home.write(KEY)
    windows = [await start(), await start()]
    marks = [window.mark() for window in windows]

    change(home)
    for window in windows:
        await window.request("auth/status", {})  # it has looked at the change
    await heard(windows, home.auth_file.unlink, "signedOut")

    after = [
        told(status_changes(window, mark)) for window, mark in zip(windows, marks, strict=True)
    ]
    assert after == [[external("signedOut", account_changed=True)]] * 2


async def test_a_burst_of_changes_ends_in_the_last_one(start: Starter, home: CodexHome):
    """Intermediate states may be skipped, never the last; each window agrees with the file."""
    windows = [await start(), await start()]

    def burst() -> None:
        for number in range(100):
            home.write(api_key_login(example_key(f"burst-{number}")))
            home.auth_file.unlink()
        home.write(ADA)

    burst()
    for window in windows:
        await window.wait_for(
            "auth/statusChanged",
            lambda params: params["status"].get("method") == "chatgpt",
            timeout=SOON,
        )

    for window in windows:
        assert status_changes(window)[-1]["status"]["method"] == "chatgpt"


async def test_a_login_and_a_logout_of_one_window_are_heard_by_the_other(
    start: Starter, home: CodexHome
):
    """Windows learn of each other as they learn of the Codex CLI."""
    first, second = await start(), await start()
    since = second.mark()

    await first.request("auth/login", {"method": "apiKey", "apiKey": example_key("first")})
    await second.wait_for(
        "auth/statusChanged",
        lambda params: params["status"]["state"] == "signedIn",
        since=since,
        timeout=SOON,
    )
    await first.request("auth/logout", {})
    await second.wait_for(
        "auth/statusChanged",
        lambda params: params["status"]["state"] == "signedOut",
        since=since,
        timeout=SOON,
    )

    assert told(status_changes(second, since)) == [
        external("signedIn", account_changed=True),
        external("signedOut", account_changed=True),
    ]
    causes = [change["cause"] for change in status_changes(first)]
    assert causes == ["startup", "pendingLogin", "login", "logout"]


async def test_a_change_before_initialized_is_part_of_the_startup_state(
    start: Starter, home: CodexHome
):
    """Nothing is lost between the start of the process and the first announcement."""
    client = await start.process()
    await client.initialize(initialized=False)
    before = (await client.request("auth/status", {}))["state"]
    home.write(KEY)

    await client.notify("initialized", {})
    client.initialized = True
    startup = await client.wait_for("auth/statusChanged")

    assert before == "signedOut"
    assert startup.params["cause"] == "startup"
    assert startup.params["status"]["state"] == "signedIn"
