"""What the doctor says of the browser: the same facts as the ranking of the methods."""

from __future__ import annotations

import pytest

from codex_auth_lsp.doctor.check import Health
from codex_auth_lsp.doctor.machine import _browser
from codex_auth_lsp.domain.login_method import (
    ClientFacts,
    LoginMethodId,
    ServerFacts,
    rank_methods,
)

SCENES: dict[str, tuple[ServerFacts, Health, str]] = {
    "a desktop": (ServerFacts(), Health.OK, "can be opened"),
    "no screen": (ServerFacts(has_screen=False), Health.WARNING, "no screen"),
    "a screen and no browser": (ServerFacts(has_browser=False), Health.WARNING, "no browser"),
    "WSL without a screen": (ServerFacts(wsl=True, has_screen=False), Health.OK, "can be opened"),
    "SSH with a forwarded screen": (ServerFacts(ssh=True), Health.WARNING, "of SSH"),
    "a container": (ServerFacts(container=True), Health.WARNING, "in a container"),
    "Codespaces": (ServerFacts(codespaces=True, ssh=True), Health.WARNING, "in GitHub Codespaces"),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_doctor_finds_the_browser_that_the_ranking_counts_on(name):
    """Where the doctor warns, the browser is not what a terminal is offered first."""
    server, health, words = SCENES[name]

    check = _browser(server)
    best = rank_methods(None, ClientFacts(), server)[0].id

    assert (check.health, words in check.summary) == (health, True)
    assert (best is LoginMethodId.BROWSER) == (health is Health.OK)
