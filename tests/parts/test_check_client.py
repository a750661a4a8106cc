"""The clients for Neovim and Emacs, in the real editors, make no mistake that the checker sees."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from codex_auth_lsp.conformance.scenarios import SCENARIOS
from support import parts
from support.editors import FOLDER
from support.lsp_client import clean_environment

HERE = Path(__file__).parent

DEADLINE = 90.0
"""Seconds that all scenarios may take together: a ceiling against hangs."""


def check(tmp_path: Path, client: list[str | Path]) -> dict[str, list[str]]:
    """Check a client in every scenario; return the mistakes of each."""
    checker = [sys.executable, "-I", "-m", "codex_auth_lsp", "check-client"]
    done = subprocess.run(
        [*checker, "--json", "--seconds", "20", "--", *map(str, client)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
        env=clean_environment(tmp_path),
    )
    assert done.stdout, done.stderr
    played = json.loads(done.stdout)["scenarios"]
    assert [one["outcome"] for one in played if one["outcome"] == "skipped"] == []
    return {one["name"]: one["mistakes"] for one in played}


NO_MISTAKES: dict[str, list[str]] = {scenario.name: [] for scenario in SCENARIOS}


@pytest.mark.part("neovim")
def test_the_neovim_client_makes_no_mistake(tmp_path: Path):
    """From `initialize` to the end, by the plugin's own functions and Neovim's own opener."""
    plugin = f"set runtimepath+={FOLDER / 'nvim'}"
    script = f"luafile {HERE / 'check_client.lua'}"

    mistakes = check(
        tmp_path,
        [parts.newer_editor("nvim"), "--headless", "--clean", "-n", "--cmd", plugin, "-c", script],
    )

    assert mistakes == NO_MISTAKES


@pytest.mark.part("emacs")
def test_the_emacs_client_makes_no_mistake(tmp_path: Path):
    """The same by its commands and `browse-url`."""
    client, script = FOLDER / "emacs" / "codex-auth.el", HERE / "check_client.el"

    mistakes = check(tmp_path, [parts.emacs(), "-Q", "--batch", "-l", client, "-l", script])

    assert mistakes == NO_MISTAKES
