"""What holds for every test: loopback alone, a silent environment, parts that are there.

The report's header names the versions that were tested.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import signal
import subprocess
from typing import TYPE_CHECKING

import hypothesis
import pytest

import loopback_only
from support import parts

if TYPE_CHECKING:
    from collections.abc import Generator

_VERSION_SECONDS = 20.0
"""How long a program may take to say its version; a browser's first start is slow."""

_SAYS_SOMETHING = re.compile(
    r"(?:all|ftp|https?|no)_proxy|(?:curl|requests)_ca_bundle|ssl_cert_(?:dir|file)|sslkeylogfile"
    r"|(?:codex|openai|xdg|ssh|python_?keyring|keyring|vscode|remote_containers|wsl)_?.*"
    r"|codespaces?|container|browser|display|wayland_display|dbus_session_bus_address",
    re.IGNORECASE,
)
"""Variables by which a developer's own machine could change what a test sees."""

# A noisy machine makes no test fail, and CI tries the same examples each time.
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


def pytest_configure(config: pytest.Config) -> None:
    """Close the way out before the first test module is imported.

    Whoever started the tests in the background, or with nohup, may have had signals ignored, and
    every program that a test starts and ends by them would ignore them, too.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGQUIT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    config.stash[_NETWORK] = loopback_only.enforce()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return what was tested with what."""
    versions = {
        "Python": platform.python_version(),
        "pygls": importlib.metadata.version("pygls"),
        "node": _program_version(parts.node()),
        "codex": _npm_version("@openai/codex"),
        "chromium": _program_version(parts.chromium()),
        "nvim": _program_version(parts.nvim()),
        "emacs": _program_version(parts.emacs()),
        "newer nvim": _program_version(parts.newer_editor("nvim")),
        "newer emacs": _program_version(parts.newer_editor("emacs")),
    }
    told = (f"{name} {version or 'missing'}" for name, version in versions.items())
    return ["versions: " + ", ".join(told), f"network: {config.stash[_NETWORK]}"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose third-party parts are missing, or fail it in CI."""
    parts.check_marker(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let CI fail on whatever skips a test: there everything is to be had."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, and CI has to run it: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def no_home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a HOME that is not there, so that nobody's own login is read or written."""
    return str(tmp_path_factory.mktemp("home") / "nobody")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, no_home: str) -> None:
    """Forget what the environment says of proxies, certificates, Codex, desktops and editors."""
    for name in os.environ:
        if _SAYS_SOMETHING.fullmatch(name):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", no_home)


_NETWORK = pytest.StashKey[str]()


def _program_version(program: object) -> str | None:
    if program is None:
        return None
    command = [str(program), "--version"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=_VERSION_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+(?:\.\d+)+", said.stdout)
    return found[0] if found else None


def _npm_version(name: str) -> str | None:
    package = parts.npm_package(name)
    return json.loads((package / "package.json").read_text())["version"] if package else None
