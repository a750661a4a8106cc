"""The browser of this machine."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import webbrowser

import pytest

from codex_auth_lsp import desktop
from codex_auth_lsp.desktop import is_local, open_browser


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
        ({"SSH_TTY": "/dev/pts/0"}, False),
        ({"CODESPACES": "true"}, False),
        ({"container": "podman"}, False),
        ({"SSH_CONNECTION": ""}, True),
    ],
)
def test_person_is_near_unless_something_stands_between(monkeypatch, environment, expected):
    """SSH and containers put the browser on another machine."""
    monkeypatch.setattr(desktop, "_CONTAINER_FILES", ())

    assert is_local(environment) is expected


def test_file_of_a_container_puts_the_person_elsewhere(monkeypatch, tmp_path):
    """Docker and podman leave one."""
    monkeypatch.setattr(desktop, "_CONTAINER_FILES", (tmp_path,))

    assert is_local({}) is False


async def test_opener_that_ends_is_believed(monkeypatch):
    """What it says is what is returned."""
    answers = []
    for program in ("true", "false"):
        monkeypatch.setattr(webbrowser, "open", webbrowser.GenericBrowser(program).open)
        answers.append(await open_browser("https://example.com/"))

    assert answers == [True, False]


async def test_opener_that_stays_is_abandoned_and_keeps_no_process(tmp_path):
    """A browser that runs in the foreground must not hold up the end of the server."""
    script = (
        "import asyncio, sys, webbrowser\n"
        "from codex_auth_lsp import desktop\n"
        "desktop._OPENER_SECONDS = 0.2\n"
        "webbrowser.open = webbrowser.GenericBrowser(['sleep', '15', '%s']).open\n"
        "print(asyncio.run(desktop.open_browser('0')))\n"
    )
    output = tmp_path / "output"
    # A file, since a pipe would be kept open by the opener.
    with output.open("wb") as file:
        ended = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-I", "-c", script], stdout=file, timeout=10
        )

    assert (output.read_bytes(), ended.returncode) == (b"False\n", 0)
