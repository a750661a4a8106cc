"""What the tests share that put a third-party part beside our server: the bench, and a desktop."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.conftest import (  # noqa: F401 - fixtures and a hook, found here by pytest
    browser,
    command_line,
    guard,
    home,
    pytest_runtest_makereport,
    sandbox,
    sandbox_process,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stores.desktop_session import DesktopSession


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a path short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="ks-") as folder:
        yield Path(folder)


@pytest.fixture
def bare_session(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DesktopSession]:
    """Give this process a desktop session without a keyring."""
    from stores.desktop_session import desktop_session

    with desktop_session(folder) as session:
        session.enter(monkeypatch)
        yield session


@pytest.fixture
def session(bare_session: DesktopSession) -> DesktopSession:
    """Give this process a desktop session whose keyring is unlocked."""
    bare_session.start_keyring()
    return bare_session


@pytest.fixture
def seen_session(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DesktopSession]:
    """Give this process a session with an unlocked keyring, before which a person sits."""
    from stores.desktop_session import desktop_session, virtual_display

    with virtual_display() as display, desktop_session(folder, display=display) as session:
        session.enter(monkeypatch)
        session.start_keyring()
        yield session


@pytest.fixture
def desktop(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the variables by which a program finds the test's session."""
    name = "seen_session" if "seen_session" in request.fixturenames else "session"
    environment = request.getfixturevalue(name).environment
    return {name: environment[name] for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")}
