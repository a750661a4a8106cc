"""Credentials in the environment, as the Codex CLI treats them: what is in force, what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import api_key_login, chatgpt_login, example_key

if TYPE_CHECKING:
    from e2e.conftest import Starter
    from e2e.shapes import CodexHome
    from support.lsp_client import LanguageClient

TOKEN = {"CODEX_ACCESS_TOKEN": "at-environment-token-of-the-test"}
EXEC_KEY = {"CODEX_API_KEY": example_key("of-the-environment")}
OPENAI_KEY = {"OPENAI_API_KEY": example_key("of-openai")}
OWN_PROVIDER = (
    'model_provider = "lab"\n'
    '[model_providers.lab]\nname = "Lab"\nbase_url = "https://lab.example/v1"\n'
    'env_key = "OPENAI_API_KEY"\n'
)


def told(window: LanguageClient) -> list[dict[str, Any]]:
    return [message.params for message in window.all("auth/notice")]


CASES = {
    "access token over ChatGPT": (
        TOKEN, "", "accessToken", "subscription", ["file"], "CODEX_ACCESS_TOKEN", "warning",
    ),
    "exec key beside ChatGPT": (
        EXEC_KEY, "", "chatgpt", "subscription", ["CODEX_API_KEY"], "CODEX_API_KEY", "warning",
    ),
    "both": (
        TOKEN | EXEC_KEY, "", "accessToken", "subscription", ["file", "CODEX_API_KEY"],
        "CODEX_ACCESS_TOKEN", "warning",
    ),
    "OpenAI's key, which nobody asked for": (
        OPENAI_KEY, "", "chatgpt", "subscription", [], None, None,
    ),
    "OpenAI's key for a provider of one's own": (
        OPENAI_KEY, OWN_PROVIDER, "environmentKey", "provider", ["file"], "OPENAI_API_KEY",
        "warning",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
async def test_what_is_in_force_what_it_shadows_and_what_it_costs_is_told(
    start: Starter, home: CodexHome, name
):
    """Source, method and billing of what is used, the rest in `shadowed`, and one notice."""
    environment, config, method, billing, shadowed, named, severity = CASES[name]
    home.write(chatgpt_login())
    home.configure(config)
    window = await start(environment=environment)

    status = await window.request("auth/status", {})
    entries = [
        entry["source"]["name"]
        if entry["source"]["kind"] == "environment"
        else entry["source"]["kind"]
        for entry in status["shadowed"]
    ]

    assert (status["method"], status["billing"]) == (method, billing)
    assert entries == shadowed
    assert [notice["code"] for notice in told(window)] == (
        ["environmentKeyOverridesLogin"] if named else []
    )
    assert [notice["severity"] for notice in told(window)] == ([severity] if named else [])
    assert all(str(named) in notice["message"] for notice in told(window))


async def test_the_notice_comes_once_however_often_the_login_changes(
    start: Starter, home: CodexHome
):
    """Once for each cause in the life of a process."""
    home.write(api_key_login(example_key("first")))
    window = await start(environment=TOKEN)

    await sign_in_with_key(window, example_key("second"))
    await sign_in_with_key(window, example_key("third"))

    assert len(told(window)) == 1


async def test_a_logout_names_the_variable_that_is_still_in_force(start: Starter, home: CodexHome):
    """The login is gone, the token is not: the notice says which variable it is in."""
    home.write(api_key_login(example_key("gone")))
    window = await start(environment=TOKEN)

    result = await window.request("auth/logout", {"revoke": False})
    messages = [notice["message"] for notice in told(window)]

    assert result["removed"] == ["file"]
    assert result["status"]["state"] == "signedIn"
    assert len(messages) == 2
    assert "CODEX_ACCESS_TOKEN" in messages[-1]
