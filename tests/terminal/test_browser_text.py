"""What stands in a terminal while a sign-in waits for the browser: true where it stands."""

from __future__ import annotations

import pytest

from codex_auth_lsp.domain.login_method import ServerFacts
from codex_auth_lsp.terminal.browser_text import Waiting, browser_text

URL = "https://issuer.example/oauth/authorize?state=of-the-tests"
UNTIL = "The sign-in waits until 12:34 (10 minutes) and then gives up."

FAR = {
    "SSH": (ServerFacts(ssh=True), "This program runs at the other end of SSH"),
    "a container": (ServerFacts(container=True), "This program runs in a container"),
    "Codespaces": (ServerFacts(codespaces=True, ssh=True), "runs in GitHub Codespaces"),
    "no screen": (ServerFacts(has_screen=False), "This computer seems to have no browser."),
    "no browser": (ServerFacts(has_browser=False), "This computer seems to have no browser."),
}


def text(server: ServerFacts, *, can_paste: bool = True, port: int = 1455) -> str:
    return browser_text(Waiting(URL, port, can_paste, UNTIL), server)


@pytest.mark.parametrize("server", [ServerFacts(), ServerFacts(wsl=True, has_screen=False)])
def test_a_browser_that_is_here_is_all_that_is_needed(server):
    """Nothing of codes, pasting or forwarding; and when it ends."""
    shown = text(server)

    assert "open this address on this computer" in shown
    assert "--device-auth" not in shown
    assert "paste" not in shown
    assert shown.endswith(f"\n\n  {URL}\n\n{UNTIL} Ctrl-C cancels.\n")


@pytest.mark.parametrize("name", FAR)
def test_where_the_browser_is_elsewhere_a_code_is_offered_first(name):
    """Nobody is told of "this computer"; the last page can be pasted."""
    server, words = FAR[name]
    shown = text(server)

    assert words in shown
    assert shown.index("--device-auth") < shown.index(URL) < shown.index("paste it here")
    assert "on this computer" not in shown
    assert "opens by itself" not in shown
    assert shown.endswith(f"{UNTIL} Ctrl-C cancels.\n")


def test_the_port_that_is_in_use_is_the_one_to_forward():
    """And only SSH forwards so."""
    assert "`ssh -L 1457:127.0.0.1:1457 HOST`" in text(ServerFacts(ssh=True), port=1457)
    assert "ssh -L" not in text(ServerFacts(container=True))
    assert "ssh -L" not in text(ServerFacts(codespaces=True, ssh=True))


def test_where_nothing_can_be_typed_nobody_is_asked_to_paste():
    """A script's stdin is not read."""
    shown = text(ServerFacts(container=True), can_paste=False)

    assert "paste" not in shown
    assert "1455, loads only where that port is forwarded to" in shown


def test_the_only_address_that_can_be_opened_is_the_page():
    """A terminal makes links of them, and programs look for the first."""
    for server, _ in FAR.values():
        assert text(server).count("://") == 1
