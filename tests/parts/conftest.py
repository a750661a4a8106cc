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
from support import editors
from support.editors import Desk
from support.lsp_client import server_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from e2e.shapes import CodexHome
    from stores.desktop_session import DesktopSession
    from support.editors import Editor
    from support.sandbox import Sandbox

    Opener = Callable[..., AbstractAsyncContextManager[Editor]]


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def run(
    part: str,
    tmp_path: Path,
    home: CodexHome,  # noqa: F811 - the fixture that is imported above
    sandbox: Sandbox,  # noqa: F811
    desk: Desk,
) -> Opener:
    """Return what runs the editor on the test's folder, with this server or the real one."""
    real = server_command(home=home.path, issuer=sandbox.issuer)

    def opener(server: list[str] = real, **more: str) -> AbstractAsyncContextManager[Editor]:
        return editors.editor(part, tmp_path, desk, server, **more)

    return opener


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
