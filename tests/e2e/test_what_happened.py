"""The table "what happened" of `protocol.md`, each of its rows brought about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from e2e.shapes import OPENAI_ISSUER, api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient
    from support.sandbox import Sandbox

TEXT = (Path(__file__).parents[2] / "protocol.md").read_text(encoding="utf-8")

NOBODY = "http://127.0.0.1:9"

KEY = api_key_login(example_key("of-the-table"))

FORCE = {"force": True}


def what_happened() -> dict[str, list[str]]:
    """Return the cells of the table by what happened, without their quotes."""
    found = re.search(r"^\| what happened \|.*\n\| ---.*\n((?:\|.*\n)*)", TEXT, re.MULTILINE)
    assert found is not None
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in found[1].splitlines()]
    return {what: [cell.strip("`") for cell in told] for what, *told in rows}


TABLE = what_happened()

ELSEWHERE = {
    "the keyring is locked, or does not answer": (
        "tests/parts/test_keyring.py",
        "test_locked_keyring_is_told_at_once_on_a_machine_without_a_display",
    ),
}
"""Rows that need what is not everywhere, with the test that has it."""

CONFIGURED = {
    "config.toml forbids the kind of the stored login": 'forced_login_method = "api"\n',
    "config.toml allows other workspaces only": 'forced_chatgpt_workspace_id = "another"\n',
    "config.toml names a provider without OpenAI sign-in": 'model_provider = "ollama"\n',
    "config.toml names a provider that is nowhere": 'model_provider = "nowhere"\n',
    "config.toml cannot be used": "model_provider = [\n",
}

EVENTS: dict[str, Callable[[CodexHome, Sandbox], Any]] = {
    "another window or the Codex CLI signed in": lambda home, _: home.write(KEY),
    "another window or the Codex CLI signed out": lambda home, _: home.auth_file.unlink(),
    "auth.json holds what is no login": lambda home, _: home.write(b"{ this is no login"),
    "the folder is gone, or no file is in the file's place": (
        lambda home, _: home.path.rename(home.path.with_name("codex-elsewhere"))
    ),
    **{
        row: lambda home, _, text=text: home.configure(text)  # type: ignore[misc]
        for row, text in CONFIGURED.items()
    },
}
"""What happens while a window is open in which somebody is signed in."""

REFRESHES: dict[str, Callable[[Sandbox], Any]] = {
    "the issuer cannot renew the login for the moment": (
        lambda sandbox: sandbox.fault("refresh", "status", status=503)
    ),
    "the issuer has refused the login for good": (
        lambda sandbox: sandbox.fault(
            "refresh", "status", status=401, body={"error": {"code": "refresh_token_invalidated"}}
        )
    ),
}

ISSUERS = {
    "the login was made with OpenAI, and another issuer is configured": OPENAI_ISSUER,
    "the login was made with neither": NOBODY,
}

ENVIRONMENTS = {
    "CODEX_ACCESS_TOKEN is set beside a login": {
        "CODEX_ACCESS_TOKEN": "at-environment-token-of-the-test"
    },
    "CODEX_API_KEY is set beside a login": {"CODEX_API_KEY": example_key("of-the-environment")},
}

STORES = {
    "there is no keyring, with keyring": "keyring",
    "there is no keyring and a login in the file, with auto": "auto",
}

OTHERS_READ = "other people can read auth.json"
NOT_WRITTEN = "the file cannot be written"

STARTS = [*ISSUERS, *ENVIRONMENTS, *STORES, OTHERS_READ, NOT_WRITTEN]


def plain(row: str) -> str:
    return row.replace("`", "")


def told(client: LanguageClient, since: int = 0) -> list[str]:
    """Return what a window was told of one change, as the table has it."""
    (change,) = [message.params for message in client.all("auth/statusChanged", since)]
    status = change["status"]
    error = status.get("lastError", {}).get("kind", "")
    notices = [message.params["code"] for message in client.all("auth/notice", since)]
    return [
        change["cause"], status["state"], status["store"]["health"], error, "".join(notices),
    ]  # fmt: skip


def row(name: str) -> list[str]:
    """Return the cells of a row."""
    return next(cells for what, cells in TABLE.items() if plain(what) == name)


def test_every_row_is_brought_about():
    """A row that nobody plays is one that nobody knows to be true."""
    played = {*EVENTS, *REFRESHES, *STARTS, *ELSEWHERE}
    assert {plain(what) for what in TABLE} == played
    for path, name in ELSEWHERE.values():
        assert f"def {name}(" in (Path(__file__).parents[2] / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EVENTS)
async def test_what_happens_beside_an_open_window_is_told_as_the_table_says(
    start: Starter, sandbox: Sandbox, home: CodexHome, name: str
):
    """One change, with this cause."""
    home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    since = client.mark()

    EVENTS[name](home, sandbox)
    await client.request("auth/status", {})

    assert told(client, since) == row(name)


@pytest.mark.parametrize("name", REFRESHES)
async def test_refresh_that_fails_is_told_as_the_table_says(
    start: Starter, sandbox: Sandbox, home: CodexHome, name: str
):
    """The state says whether anybody has to do something."""
    home.write(chatgpt_login(issuer=sandbox.issuer))
    client = await start(sandbox)
    since = client.mark()
    REFRESHES[name](sandbox)

    await client.request_error("auth/refresh", FORCE)

    assert told(client, since) == row(name)


@pytest.mark.parametrize("name", STARTS)
async def test_what_is_so_when_a_window_opens_is_told_as_the_table_says(
    start: Starter, sandbox: Sandbox, home: CodexHome, make_read_only: Callable[[], None], name: str
):
    """The first status and the notices after it."""
    home.write(chatgpt_login(issuer=ISSUERS.get(name, sandbox.issuer)))
    if name in STORES:
        home.configure(f'cli_auth_credentials_store = "{STORES[name]}"\n')
    if name == OTHERS_READ:
        home.auth_file.chmod(0o644)
    if name == NOT_WRITTEN:
        make_read_only()

    client = await start(sandbox, environment=ENVIRONMENTS.get(name))
    if row(name)[-1]:
        await client.wait_for("auth/notice")

    assert told(client) == row(name)
