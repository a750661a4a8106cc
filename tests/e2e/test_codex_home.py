"""A Codex folder that is missing, no folder or not to be written: said before anybody is asked."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import api_key_login, codex_bytes, example_key
from support import raw_callback
from support.lsp_client import clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

KEY = example_key("folder")

LOGINS = {
    "browser": {"method": "browser"},
    "apiKey": {"method": "apiKey", "apiKey": KEY},
}


async def refused(client: LanguageClient, method: str) -> str | None:
    """Return the kind of error that a login gets before anybody is asked for anything."""
    error = await client.request_error("auth/login", LOGINS[method])
    assert error.code == -32803
    assert client.all("auth/loginPrompt") == []
    assert not await raw_callback.is_listening(1455)
    return error.kind


@pytest.mark.parametrize("method", LOGINS)
async def test_a_missing_folder_is_said_and_not_made(
    start: Starter, sandbox: Sandbox, tmp_path: Path, method
):
    """A folder that was named has to exist: a typing mistake must not become a second login.

    (S20)
    """
    missing = tmp_path / "missing"
    client = await start(sandbox, home=missing)

    status = await client.request("auth/status", {})
    kind = await refused(client, method)

    assert (status["state"], status["store"]["health"]) == ("unavailable", "unavailable")
    assert str(missing) in status["store"]["detail"]
    assert kind == "storeUnavailable"
    assert not missing.exists()


@pytest.mark.parametrize("method", LOGINS)
async def test_a_file_in_the_place_of_the_folder_is_said_and_kept(
    start: Starter, sandbox: Sandbox, tmp_path: Path, method
):
    """(S20) Nothing is done to what is there."""
    file = tmp_path / "file"
    file.write_text("not a folder")
    client = await start(sandbox, home=file)

    status = await client.request("auth/status", {})
    kind = await refused(client, method)

    assert (status["state"], status["store"]["health"]) == ("unavailable", "unavailable")
    assert kind == "storeUnavailable"
    assert file.read_text() == "not a folder"


@pytest.mark.parametrize("method", LOGINS)
async def test_a_folder_that_cannot_be_written_is_said(
    start: Starter,
    sandbox: Sandbox,
    home: CodexHome,
    make_read_only: Callable[[], None],
    method,
):
    """(S10) `storeReadOnly`: nobody signs in for nothing. What is stored can still be used."""
    before = home.write(api_key_login(example_key("readable")))
    make_read_only()
    client = await start(sandbox)

    status = await client.request("auth/status", {})
    kind = await refused(client, method)

    assert (status["state"], status["method"]) == ("signedIn", "apiKey")
    assert kind == "storeReadOnly"
    assert home.bytes() == before


async def test_a_missing_folder_that_appears_is_used(
    start: Starter, sandbox: Sandbox, tmp_path: Path
):
    """The person makes the folder: the window hears of it and works."""
    folder = tmp_path / "later"
    client = await start(sandbox, home=folder)

    folder.mkdir(mode=0o700)
    await client.wait_for(
        "auth/statusChanged", lambda params: params["status"]["state"] == "signedOut"
    )
    await sign_in_with_key(client, KEY)

    assert (folder / "auth.json").read_bytes() == codex_bytes(api_key_login(KEY))


# Which folder it is


async def test_the_default_folder_is_made_by_the_first_login(
    start: Starter, sandbox: Sandbox, tmp_path: Path
):
    """`~/.codex` may be missing; it is made private, and only when there is something to store."""
    folder = default_folder(tmp_path)
    client = await start(sandbox, home=None)
    state = (await client.request("auth/status", {}))["state"]
    before = folder.exists()

    await sign_in_with_key(client, KEY)

    assert (state, before) == ("signedOut", False)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / "auth.json").read_bytes() == codex_bytes(api_key_login(KEY))


async def test_an_empty_variable_is_no_folder(start: Starter, sandbox: Sandbox, tmp_path: Path):
    """An empty `CODEX_HOME` is none: the default counts."""
    client = await start(sandbox, home=None, environment={"CODEX_HOME": ""})

    status = await client.request("auth/status", {})

    assert status["store"]["path"] == str(default_folder(tmp_path) / "auth.json")


async def test_the_variable_names_the_folder(start: Starter, sandbox: Sandbox, home: CodexHome):
    """`CODEX_HOME` is the Codex CLI's own variable."""
    home.write(api_key_login(KEY))
    client = await start(sandbox, home=None, environment={"CODEX_HOME": str(home.path)})

    status = await client.request("auth/status", {})

    assert status["state"] == "signedIn"
    assert status["source"]["name"] == str(home.auth_file)


async def test_a_missing_folder_of_the_variable_is_said_and_not_made(
    start: Starter, sandbox: Sandbox, tmp_path: Path
):
    """The Codex CLI does not make it either."""
    missing = tmp_path / "missing"
    client = await start(sandbox, home=None, environment={"CODEX_HOME": str(missing)})

    status = await client.request("auth/status", {})
    kind = await refused(client, "apiKey")

    assert status["state"] == "unavailable"
    assert "CODEX_HOME" in status["store"]["detail"]
    assert kind == "storeUnavailable"
    assert not missing.exists()


async def test_a_tilde_is_not_expanded(start: Starter, sandbox: Sandbox):
    """The shell does that; in a variable it is a name like any other, as for the Codex CLI."""
    client = await start(sandbox, home=None, environment={"CODEX_HOME": "~/.codex"})

    assert (await client.request("auth/status", {}))["state"] == "unavailable"


async def test_the_option_wins_over_the_variable(
    start: Starter, sandbox: Sandbox, home: CodexHome, tmp_path: Path
):
    """What was typed for this process counts before what is set for all."""
    home.write(api_key_login(KEY))
    client = await start(sandbox, environment={"CODEX_HOME": str(tmp_path)})

    assert (await client.request("auth/status", {}))["source"]["name"] == str(home.auth_file)


async def test_a_relative_folder_is_the_one_beside_the_start(
    start: Starter, sandbox: Sandbox, home: CodexHome
):
    """(S20) It is resolved once, where the process was started."""
    home.write(api_key_login(KEY))
    client = await start(sandbox, home=None, environment={"CODEX_HOME": home.path.name})

    assert (await client.request("auth/status", {}))["source"]["name"] == str(home.auth_file)


async def test_a_link_to_a_folder_is_a_folder(
    start: Starter, sandbox: Sandbox, home: CodexHome, tmp_path: Path
):
    """People keep their settings elsewhere."""
    link = tmp_path / "link"
    link.symlink_to(home.path)
    client = await start(sandbox, home=link)

    await sign_in_with_key(client, KEY)

    assert home.bytes() == codex_bytes(api_key_login(KEY))
    assert link.is_symlink()


@pytest.mark.parametrize("name", ["with space", "ünï-cödé", "x" * 200], ids=["space", "é", "long"])
async def test_the_name_of_a_folder_may_be_anything(
    start: Starter, sandbox: Sandbox, tmp_path: Path, name
):
    """(S20) Spaces, letters beyond ASCII and long names are names."""
    folder = tmp_path / name
    folder.mkdir(mode=0o700)
    client = await start(sandbox, home=folder)

    result = await sign_in_with_key(client, KEY)

    assert result["status"]["source"]["name"] == str(folder / "auth.json")
    assert (folder / "auth.json").read_bytes() == codex_bytes(api_key_login(KEY))


def default_folder(tmp_path: Path) -> Path:
    """Return `~/.codex` of the person whose environment the tests use."""
    return Path(clean_environment(tmp_path)["HOME"]) / ".codex"
