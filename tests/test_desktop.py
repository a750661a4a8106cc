"""The browser of this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys

import pytest

from codex_auth_lsp import desktop
from codex_auth_lsp.desktop import is_local, open_browser, read_server_facts
from codex_auth_lsp.domain.login_method import ServerFacts


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


@pytest.mark.parametrize(("program", "expected"), [("true", True), ("false", False)])
async def test_opener_that_ends_is_believed(monkeypatch, tmp_path, program, expected):
    """What it says is what is returned."""
    path = shutil.which(program)
    assert path is not None
    monkeypatch.setenv("BROWSER", f"{path} %s")
    monkeypatch.setenv("PATH", str(tmp_path))  # no other opener may step in

    assert await open_browser("https://example.com/") is expected


async def test_opener_gets_the_address_and_its_output_goes_nowhere(monkeypatch, tmp_path, capfd):
    """An opener that finds no browser prints the whole address, with the state in it."""
    opener = tmp_path / "opener"
    opener.write_text('#!/bin/sh\nprintf %s "$1" > "$0.got"\necho "$1"\necho "$1" >&2\n')
    opener.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{opener} %s")
    url = "https://example.com/?state=one&scope=a%20b"

    opened = await open_browser(url)

    assert (opened, (tmp_path / "opener.got").read_text()) == (True, url)
    assert capfd.readouterr() == ("", "")


async def test_opener_that_stays_is_abandoned_and_keeps_no_process(tmp_path):
    """A browser that runs in the foreground must not hold up the end of the server."""
    script = (
        "import asyncio\n"
        "from codex_auth_lsp import desktop\n"
        "desktop._OPENER_SECONDS = 0.2\n"
        "print(asyncio.run(desktop.open_browser('0')))\n"
    )
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-I", "-c", script],
        stdout=subprocess.PIPE,
        env={**os.environ, "BROWSER": "sleep 15 %s"},
        timeout=10,
    )

    assert (ended.stdout, ended.returncode) == (b"False\n", 0)


FACTS: dict[str, tuple[dict[str, str], dict[str, str], ServerFacts]] = {
    "a desktop": ({"DISPLAY": ":0", "BROWSER": "firefox"}, {}, ServerFacts()),
    "a desktop with Wayland": ({"WAYLAND_DISPLAY": "w", "BROWSER": "x"}, {}, ServerFacts()),
    "a console": ({}, {}, ServerFacts(has_screen=False, has_browser=False)),
    "SSH": (
        {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"},
        {},
        ServerFacts(ssh=True, has_screen=False, has_browser=False),
    ),
    "SSH with a forwarded screen": (
        {"SSH_TTY": "/dev/pts/0", "DISPLAY": "localhost:10", "BROWSER": "x"},
        {},
        ServerFacts(ssh=True),
    ),
    "docker": (
        {},
        {".dockerenv": ""},
        ServerFacts(container=True, has_screen=False, has_browser=False),
    ),
    "podman": (
        {"container": "podman"},
        {},
        ServerFacts(container=True, has_screen=False, has_browser=False),
    ),
    "Codespaces": (
        {"CODESPACES": "true"},
        {".dockerenv": ""},
        ServerFacts(codespaces=True, has_screen=False, has_browser=False),
    ),
    "WSL by its variable": (
        {"WSL_DISTRO_NAME": "Debian"},
        {},
        ServerFacts(wsl=True, has_screen=False, has_browser=False),
    ),
    "WSL by its kernel": (
        {},
        {"proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2\n"},
        ServerFacts(wsl=True, has_screen=False, has_browser=False),
    ),
    "another kernel": (
        {},
        {"proc/sys/kernel/osrelease": "6.1.0-18-amd64\n"},
        ServerFacts(has_screen=False, has_browser=False),
    ),
    "variables that are empty": (
        {"SSH_TTY": "", "DISPLAY": "", "BROWSER": "", "WSL_INTEROP": "", "container": ""},
        {},
        ServerFacts(has_screen=False, has_browser=False),
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_surroundings_are_read_from_variables_and_files(tmp_path, name):
    """Nothing is started for it."""
    environment, files, expected = FACTS[name]
    for path, content in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)

    assert read_server_facts(environment, root=tmp_path, platform="linux") == expected


def test_a_browser_is_found_on_the_path_and_not_on_a_drive_of_windows(tmp_path):
    """Only what could be run counts."""
    program = tmp_path / "xdg-open"
    program.write_text("#!/bin/sh\n")

    def has_browser(path: str) -> bool:
        return read_server_facts({"PATH": path}, root=tmp_path, platform="linux").has_browser

    before = has_browser(f"/nowhere::{tmp_path}")
    program.chmod(0o755)

    assert not before
    assert has_browser(f"/nowhere::{tmp_path}")
    assert not has_browser("/mnt/c/Windows/System32")


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_a_desktop_system_has_screen_and_browser(tmp_path, platform):
    """Their openers are part of them."""
    assert read_server_facts({}, root=tmp_path, platform=platform) == ServerFacts()


async def test_opener_of_the_working_directory_is_not_found(monkeypatch, tmp_path):
    """The working directory of a language server is a workspace, and a PATH may be relative."""
    program = tmp_path / "xdg-open"
    program.write_text('#!/bin/sh\ntouch "$0.ran"\n')
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([".", "", "bin"]))
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.delenv("BROWSER", raising=False)

    opened = await open_browser("https://example.com/")

    assert (opened, [path.name for path in tmp_path.iterdir()]) == (False, ["xdg-open"])
