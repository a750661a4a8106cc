"""What the clients for Neovim and Emacs say of a useless login, a code's time and the billing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.shapes import api_key_login
from parts.test_editors import every_editor
from parts.test_editors_distrust import fake_server

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.shapes import CodexHome
    from parts.test_editors import Opener

KEY = "sk-example-kept-for-an-editor"

LAB = """model_provider = "lab"
[model_providers.lab]
name = "The lab"
base_url = "https://lab.example/v1"
"""

UNSEEN: dict[str, dict[str, Any]] = {
    "Codex: Keyring Locked": {
        "state": "unavailable",
        "store": {"backend": "keyring", "health": "locked"},
    },
    "Codex: Provider Not Ready": {"state": "notRequired", "provider": {"ready": False}},
    "Codex: Login Unreadable": {"state": "of a later server"},
}
"""What no file of this test can bring about, by what is said of it."""


@every_editor
async def test_status_line_tells_why_a_login_is_of_no_use(run: Opener, home: CodexHome):
    """The same words as in VS Code, while the files change below the editor."""
    config, variables = home.path / "config.toml", home.path / ".env"
    config.write_text("model_provider = \n")
    async with run() as one:
        await one.says("Codex: config.toml Unusable")
        home.write(api_key_login(KEY))
        await one.says("Codex: API key")
        config.write_text('model_provider = "nowhere"\n')
        await one.says("Codex: Provider Unknown")
        config.write_text(f'{LAB}env_key = "LAB_KEY"\n')
        await one.says("Codex: Key Not Set")
        variables.write_text("LAB_KEY=lab-0123456789\n")
        await one.says("Codex: Environment Key")
        config.write_text(LAB)
        await one.says("Codex: No Sign-In Needed")
        home.auth_file.write_text("{ damaged")
        config.unlink()
        await one.says("Codex: Login Unreadable")


@every_editor
@pytest.mark.parametrize("words", UNSEEN)
async def test_status_line_has_words_for_every_status(run: Opener, tmp_path: Path, words: str):
    """Also for those of a locked keyring and of a server that knows more."""
    async with run(fake_server(tmp_path, [], UNSEEN[words])) as one:
        await one.says(words)


@every_editor
async def test_cancelling_where_no_sign_in_waits_is_told(run: Opener):
    """A command is never without an answer."""
    async with run() as one:
        await one.says("Codex: Signed Out")
        start = one.command("cancel")
        await one.shows("No sign-in waits", start)


@every_editor
async def test_code_has_the_time_until_which_it_is_good(run: Opener, tmp_path: Path):
    """By the clock on the wall, also in summer; without one in the prompt nothing is said."""
    prompt = {
        "kind": "deviceCode",
        "url": "https://issuer.example/device",
        "userCode": "ABCD-EFGH",
        "message": "Enter the code.",
        "expiresAt": "2030-07-02T22:32:42.5Z",
    }
    clock = "TEST-2SUMMER,M3.5.0,M10.5.0"  # two hours ahead of UTC, and three in summer
    async with run(fake_server(tmp_path, [prompt]), TZ=clock) as one:
        await one.says("Codex: Signed Out")
        await one.sign_in("deviceCode")
        await one.prompts("Code: ABCD-EFGH, good until 01:32")


@pytest.mark.parametrize("part", [pytest.param("neovim", marks=pytest.mark.part("neovim"))])
async def test_neovim_health_has_the_billing(run: Opener, home: CodexHome):
    """What the use of the login costs stands above the checks."""
    home.write(api_key_login(KEY))
    async with run() as one:
        await one.says("Codex: API key")
        one.type(":checkhealth codex_auth\r")
        await one.shows("billing: by use, at API rates")
