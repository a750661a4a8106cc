"""The command line where a stream is closed, or cannot take every letter."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from e2e.shapes import chatgpt_login, id_token
from support.lsp_client import clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.shapes import CodexHome

DEADLINE = 15.0


@pytest.mark.parametrize(
    ("redirection", "encoding", "said"),
    [
        (">&-", "utf-8", ""),
        ("2>&-", "utf-8", "zo\u00eb@example.com"),
        ("<&-", "utf-8", "zo\u00eb@example.com"),
        ("", "ascii", "zo\\xeb@example.com"),
    ],
    ids=["no stdout", "no stderr", "no stdin", "ASCII"],
)
def test_what_cannot_be_said_there_fails_nothing(
    home: CodexHome, tmp_path: Path, redirection, encoding, said
):
    """Somebody is signed in, whoever can read it."""
    home.write(chatgpt_login(id_token=id_token(email="zo\u00eb@example.com")))
    command = [sys.executable, "-m", "codex_auth_lsp", "--codex-home", str(home.path), "status"]

    outcome = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *command],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env=clean_environment(tmp_path, {"PYTHONIOENCODING": encoding}),
        timeout=DEADLINE,
    )

    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert said in outcome.stdout.decode()
