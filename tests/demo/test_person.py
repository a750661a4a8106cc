"""Where the tour asks the person, and where it plays them."""

from __future__ import annotations

import sys

import pytest

from codex_auth_lsp.demo.person import has_browser

DESKTOP = {"DISPLAY": ":0"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a desktop")
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (DESKTOP, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": ""}, False),
        ({}, False),
    ],
)
def test_display_tells_a_linux_desktop_from_a_console(environment, expected):
    """Where nothing can be shown, nobody is asked to look."""
    assert has_browser(environment, interactive=True, local=True) is expected


@pytest.mark.parametrize(
    ("environment", "interactive", "local"),
    [
        (DESKTOP, False, True),
        ({**DESKTOP, "CI": "true"}, True, True),
        (DESKTOP, True, False),
    ],
    ids=["no terminal", "CI", "over SSH or in a container"],
)
def test_nobody_is_asked_where_nobody_sits_in_front_of_a_browser(environment, interactive, local):
    """Pipes, CI, remote shells and containers get the tour that runs by itself."""
    assert has_browser(environment, interactive=interactive, local=local) is False
