"""The system's `config.toml`, where the administrator has closed its folder to everybody."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from e2e.logins import sign_in_with_key
from e2e.shapes import example_key
from support.system_layer import system_layer

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.conftest import Starter
    from e2e.shapes import CodexHome

LIKE_ANYBODY = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
)
"""What to put before a command of root for which the modes of folders are to count."""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("setpriv") is None,
    reason="a folder cannot be closed to root without setpriv",
)


async def test_closed_folder_of_the_system_keeps_nobody_from_signing_in(
    start: Starter, home: CodexHome, tmp_path: Path
):
    """It is as if it were not there, the doctor says so, and it counts once it is opened."""
    system = tmp_path / "etc-codex"
    system.mkdir()
    (system / "config.toml").write_text('model_provider = "ollama"\n')
    system.chmod(0o000)
    client = await start(prefix=(*system_layer(system), *LIKE_ANYBODY))

    status = (await sign_in_with_key(client, example_key("kept")))["status"]
    report = await client.request("auth/doctor", {})
    system.chmod(0o700)
    opened = await client.request("auth/status", {})

    check = next(check for check in report["checks"] if check["id"] == "configuration")
    assert (status["state"], "lastError" in status) == ("signedIn", False)
    assert check["status"] == "warning"
    assert check["summary"].startswith("/etc/codex/config.toml does not count")
    assert opened["provider"]["id"] == "ollama"
