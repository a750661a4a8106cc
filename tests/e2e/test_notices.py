"""What a person should hear once: a login in the clear, and a file that is open to others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import api_key_login, example_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from e2e.conftest import CommandLine, Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient

KEY = example_key("of-a-notice")


@pytest.fixture
def no_desktop(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a session without a bus, so without a keyring."""
    return {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": str(tmp_path)}


@pytest.fixture
def auto(home: CodexHome, no_desktop: dict[str, str]) -> dict[str, str]:
    home.configure('cli_auth_credentials_store = "auto"\n')
    return no_desktop


def notices(window: LanguageClient) -> list[dict[str, Any]]:
    """Return what a window was told."""
    return [message.params for message in window.all("auth/notice")]


async def test_login_that_has_to_go_to_a_file_is_told_once(
    start: Starter, home: CodexHome, auto: dict[str, str]
):
    """(S16) After the status and before the end of the attempt; a second login says nothing new."""
    window = await start(environment=auto)
    assert notices(window) == []
    await sign_in_with_key(window, KEY)
    await sign_in_with_key(window, KEY)
    (notice,) = notices(window)
    status = await window.request("auth/status", {})
    methods = [message.method for message in window.messages]

    assert notice["code"] == "plaintextFallback"
    assert notice["severity"] == "warning"
    assert notice["message"].endswith(f"Logins are kept in {home.auth_file}, unencrypted.")
    assert len(notice["actions"]) == 2
    assert status["store"]["detail"] == notice["message"]
    assert (status["store"]["mode"], status["store"]["backend"]) == ("auto", "file")
    told_at = methods.index("auth/notice")
    assert methods[told_at - 1] == "auth/statusChanged"
    assert "auth/loginCompleted" not in methods[:told_at]


async def test_window_that_starts_on_such_a_file_is_told_too(
    start: Starter, home: CodexHome, auto: dict[str, str]
):
    """Once for each process."""
    home.write(api_key_login(KEY))
    window = await start(environment=auto)
    notice = await window.wait_for("auth/notice")

    assert notice.params["code"] == "plaintextFallback"


async def test_client_without_code_for_it_shows_a_message(
    start: Starter, home: CodexHome, auto: dict[str, str]
):
    """Standard LSP alone, as everything that it gets."""
    home.write(api_key_login(KEY))
    window = await start(auth=None, environment=auto)
    message = await window.wait_for("window/showMessage")

    assert message.params["type"] == 2
    assert message.params["message"].endswith("unencrypted.")


async def test_mode_file_is_a_choice_and_no_fallback(
    start: Starter, home: CodexHome, no_desktop: dict[str, str]
):
    """Nobody is told what they asked for."""
    window = await start(environment=no_desktop)
    await sign_in_with_key(window, KEY)

    assert notices(window) == []


async def test_file_that_others_may_read_is_told_until_the_next_login(
    start: Starter, home: CodexHome
):
    """It is used, its mode is left alone, and a login makes it private."""
    home.write(api_key_login(KEY), mode=0o644)
    window = await start()
    notice = await window.wait_for("auth/notice")
    status = await window.request("auth/status", {})
    mode = home.mode()
    await sign_in_with_key(window, KEY)
    after = await window.request("auth/status", {})

    assert notice.params["code"] == "storePermissions"
    assert str(home.auth_file) in notice.params["message"]
    assert (status["state"], status["store"]["health"]) == ("signedIn", "ok")
    assert "detail" not in status["store"]
    assert (mode, home.mode()) == (0o644, 0o600)
    assert "detail" not in after["store"]
    assert len(notices(window)) == 1


@pytest.mark.parametrize(
    ("let_others_in", "words"),
    [
        (lambda path: path.chmod(0o644), "Other people on this computer may use"),
        (lambda path: os.link(path, path.with_name("copy")), "a hard link"),
    ],
    ids=["mode", "hard link"],
)
async def test_file_that_others_get_at_while_a_window_is_open_is_told_at_once(
    start: Starter, home: CodexHome, let_others_in: Callable[[Path], None], words: str
):
    """(S3) Once, and with no change of the status: the login is the same."""
    home.write(api_key_login(KEY))
    window = await start()
    before = await window.request("auth/status", {})
    let_others_in(home.auth_file)
    notice = await window.wait_for("auth/notice")
    home.auth_file.chmod(0o644)
    after = await window.request("auth/status", {})
    (home.path / "copy").unlink(missing_ok=True)

    assert notice.params["code"] == "storePermissions"
    assert words in notice.params["message"]
    assert before == after


async def test_terminal_says_where_the_login_went(
    command_line: CommandLine, home: CodexHome, auto: dict[str, str]
):
    """Once after the login, with what can be done about it, and in the status."""
    login = await command_line("login", "--with-api-key", stdin=KEY.encode(), environment=auto)
    status = await command_line("status", environment=auto)

    where = f"Logins are kept in {home.auth_file}, unencrypted."
    note, *advice = login.stderr.splitlines()

    assert (login.returncode, status.returncode) == (0, 0)
    assert note.startswith("Note: ")
    assert note.endswith(where)
    assert len(advice) == 2
    assert where not in login.stdout
    assert where in status.stdout


async def test_status_right_after_a_change_of_the_mode_is_of_the_new_mode(
    start: Starter, home: CodexHome, no_desktop: dict[str, str]
):
    """At once, also where the new place has to be looked at first."""
    home.write(api_key_login(KEY))
    window = await start(environment=no_desktop)
    home.configure('cli_auth_credentials_store = "auto"\n')
    status = await window.request("auth/status", {})

    assert (status["store"]["mode"], status["store"]["backend"]) == ("auto", "file")
    assert status["state"] == "signedIn"
