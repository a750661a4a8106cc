"""Where the D-Bus session bus listens."""

from __future__ import annotations

import os
import socket

import pytest

from codex_auth_lsp.stores import session_bus as session_bus_module
from codex_auth_lsp.stores.session_bus import session_bus_address


@pytest.fixture
def runtime_folder(tmp_path, monkeypatch):
    """Return a runtime folder that the environment names."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def bus(runtime_folder, monkeypatch):
    """Let something listen at the bus's usual place."""
    monkeypatch.chdir(runtime_folder)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("bus")
        yield runtime_folder / "bus"


def test_variable_says_where_the_bus_is(bus, monkeypatch):
    """It is taken as it is."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:abstract=/tmp/x,guid=1")

    assert session_bus_address() == "unix:abstract=/tmp/x,guid=1"


@pytest.mark.parametrize("variable", [None, ""])
def test_bus_is_found_in_the_runtime_folder_without_the_variable(bus, monkeypatch, variable):
    """Editors are often started without it, and the Codex CLI looks there too."""
    if variable is not None:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", variable)

    assert f"unix:path={bus}" == session_bus_address()


def test_bus_is_found_in_the_usual_runtime_folder_without_any_variable(bus, monkeypatch):
    """The system names it after the user."""
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(session_bus_module.os, "geteuid", lambda: "../.." + str(bus.parent))

    assert session_bus_address() == f"unix:path=/run/user/../..{bus}"


def test_path_is_escaped_where_an_address_would_read_it_otherwise(tmp_path, monkeypatch):
    """D-Bus specification, "Server Addresses"."""
    folder = tmp_path / "a,b ü"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("bus")

        assert f"unix:path={tmp_path}/a%2cb%20%c3%bc/bus" == session_bus_address()


@pytest.mark.parametrize("what", ["nothing", "file"])
def test_there_is_no_bus_where_nobody_listens(runtime_folder, what):
    """A file of that name is none."""
    if what == "file":
        (runtime_folder / "bus").touch()

    assert session_bus_address() is None
    assert os.environ["XDG_RUNTIME_DIR"] == str(runtime_folder)
