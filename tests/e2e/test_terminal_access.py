"""A folder, a file or a mode of the store that is in the way: named, with what mends it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from e2e.shapes import api_key_login, example_key
from support.lsp_client import clean_environment, server_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.conftest import CommandLine
    from e2e.shapes import CodexHome
    from support.secrets_guard import SecretsGuard

KEY = example_key("terminal-access")
NO_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@pytest.fixture
def unprivileged(home: CodexHome, tmp_path, guard: SecretsGuard) -> Callable[..., str]:
    """Run a subcommand that rights count for, also where the tests are root's."""
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not here")

    def run(*words: str) -> str:
        command = server_command(home=home.path, issuer=None, log_level=None, arguments=words)
        done = subprocess.run(
            (*NO_PRIVILEGE, *command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=tmp_path,
            env=clean_environment(tmp_path),
            check=False,
        )
        guard.add_output(" ".join(words), done.stdout)
        return done.stdout.decode()

    return run


@pytest.mark.parametrize("has_login", [True, False])
def test_a_folder_that_cannot_be_written_has_its_command(unprivileged, home: CodexHome, has_login):
    """And no sign-in is advised, which would fail there."""
    if has_login:
        home.write(api_key_login(KEY))
    home.path.chmod(0o500)
    try:
        status, doctor = unprivileged("status"), unprivileged("doctor")
        out = unprivileged("logout")
    finally:
        home.path.chmod(0o700)

    command = f"chmod u+w {home.path}\n"
    assert f"  Next         Run: {command}" in status
    assert f"-> Run: {command}" in doctor
    assert "-> Sign in" not in doctor
    if has_login:
        assert f"The folder {home.path} cannot be written by this user" in out
        assert f"chmod u+w {home.path}" in out


def test_a_file_that_is_closed_has_its_command_in_the_status(unprivileged, home: CodexHome):
    """As in the doctor, which calls it good nowhere."""
    home.write(api_key_login(KEY))
    home.auth_file.chmod(0)

    status, doctor = unprivileged("status"), unprivileged("doctor")

    assert f"  Next         Run: chmod u+rw {home.auth_file}\n" in status
    assert "ok       permissions" not in doctor


def test_a_folder_that_is_closed_has_its_command_in_the_status(unprivileged, home: CodexHome):
    """Its config.toml is not what has to be mended."""
    home.write(api_key_login(KEY))
    home.path.chmod(0)
    try:
        status = unprivileged("status")
    finally:
        home.path.chmod(0o700)

    assert f"  Next         Run: chmod u+rwx {home.path}\n" in status


async def test_a_file_in_the_place_of_the_folder_is_replaced_by_naming_another(
    command_line: CommandLine, tmp_path
):
    """Nothing is to be opened in it, and no right is missing."""
    (tmp_path / "file").touch()

    status = await command_line("status", home=tmp_path / "file")
    doctor = await command_line("doctor", home=tmp_path / "file")

    assert "  Next         name another folder with --codex-home or CODEX_HOME\n" in status.stdout
    assert "closed to this user" not in doctor.stdout


async def test_where_logins_are_kept_in_memory_no_command_is_advised_that_refuses(
    command_line: CommandLine, home: CodexHome
):
    """Mode `ephemeral`: an editor's login lasts, a terminal's would not."""
    home.configure('cli_auth_credentials_store = "ephemeral"\n')

    status, doctor = await command_line("status"), await command_line("doctor")
    window_s = await command_line("doctor", "--json")

    for text in (status.stdout, doctor.stdout):
        assert "ign in in an editor" in text
        assert '"file" in config.toml' in text
        assert "codex-auth-lsp login" not in text.replace(f" --codex-home {home.path}", "")
    assert all(c.get("remediation") != [] for c in json.loads(window_s.stdout)["checks"])


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("env_key = 'NOT_SET_ANYWHERE'", "set the variable that the problem names"),
        (
            "base_url = 'http://models.example/v1'\nexperimental_bearer_token = 'x'",
            "mend in config",
        ),
    ],
)
async def test_a_provider_that_lacks_something_has_a_next_step(
    command_line: CommandLine, home: CodexHome, table, expected
):
    """Its own sign-in is not OpenAI's."""
    home.configure(f"model_provider = 'lab'\n[model_providers.lab]\nname = 'Lab'\n{table}\n")

    outcome = await command_line("status")

    assert expected in outcome.stdout


async def test_a_sign_in_names_the_mend_of_the_configuration(
    command_line: CommandLine, home: CodexHome
):
    """Beside what is wrong."""
    home.configure('forced_login_method = "nobody"\n')

    outcome = await command_line("login", "--with-api-key", stdin=KEY.encode())

    assert f"{home.path / 'config.toml'}: `forced_login_method` must be one of" in outcome.stderr
    assert "Mend it; until then no sign-in begins." in outcome.stderr
