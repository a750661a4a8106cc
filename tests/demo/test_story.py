"""The tour's story with somebody at a browser, and with programs that fail."""

from __future__ import annotations

import asyncio
import io
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from codex_auth_lsp.clock import SystemClock
from codex_auth_lsp.demo.failure import DemoFailed
from codex_auth_lsp.demo.person import Person
from codex_auth_lsp.demo.programs import Programs
from codex_auth_lsp.demo.screen import Screen, Style
from codex_auth_lsp.demo.story import Story
from codex_auth_lsp.sandbox.issuer import SandboxIssuer
from codex_auth_lsp.sandbox.visitor import Visitor
from e2e.logins import parameters
from support.lsp_client import clean_environment, mask

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Desktop:
    """A desktop whose browser goes through the pages beside the tour, as a person would."""

    opens: bool = True
    acts: bool = True
    person: str | None = None
    decision: str = "allow"
    visits: set[asyncio.Task[object]] = field(default_factory=set)
    urls: list[str] = field(default_factory=list)

    async def open_browser(self, url: str) -> bool:
        self.urls.append(url)
        if self.opens and self.acts:
            visit = Visitor().visit(url, person=self.person, decision=self.decision)
            self.visits.add(asyncio.ensure_future(visit))
        return self.opens


PIECE = 12
"""Characters of a secret that are found nowhere by chance; the screen may have cut the rest."""


def shows(text: str, secret: str) -> bool:
    """Say whether any piece of a secret stands in a text."""
    starts = range(max(len(secret) - PIECE, 0) + 1)
    return any(secret[start : start + PIECE] in text for start in starts)


async def tell(folder: Path, person: Person, kind: type[Programs] = Programs) -> str:
    """Tell the story and return what the screen shows, which is held to show no secret."""
    shown = io.StringIO()
    async with SandboxIssuer.start() as issuer:
        programs = kind(folder, issuer.url, clean_environment(folder))
        programs.make_home()
        screen = Screen(shown, Style())
        try:
            await Story(screen, programs, issuer, person, SystemClock()).tell()
        finally:
            text = shown.getvalue()
            minted = issuer.state.ledger.mint.minted
            assert [kind for kind, value in minted if shows(text, value)] == []
            assert mask(text) == text
    assert {kind for kind, _ in minted} >= {"code", "idToken", "accessToken", "refreshToken"}
    return text


async def test_person_signs_in_with_their_own_browser(tmp_path):
    """Whom the person chooses on the sandbox's page is who both windows show."""
    desktop = Desktop(person="sso")

    text = await tell(tmp_path, Person(desktop.open_browser))

    assert "Window A signs in. Your browser opens" in text
    assert "plays" not in text
    assert not any(shows(text, parameters(url)["state"]) for url in desktop.urls)
    assert len(desktop.urls) == 1
    assert text.count("● member@example.com") == 2


async def test_browser_that_does_not_open_is_played(tmp_path):
    """The tour goes on where a desktop has no browser after all, and says so."""
    text = await tell(tmp_path, Person(Desktop(opens=False).open_browser))

    assert "browser             did not open, so the demo plays one" in text
    assert text.count("● plus@example.com") == 2


async def test_person_who_does_nothing_is_played_after_a_while(tmp_path):
    """Nobody has to stay until the end: the tour goes on by itself, and says so."""
    text = await tell(tmp_path, Person(Desktop(acts=False).open_browser, seconds=0.1))

    assert "so the demo plays it" in text
    assert text.count("● plus@example.com") == 2


async def test_person_who_refuses_ends_the_tour_with_the_servers_sentence(tmp_path):
    """A refusal is respected, and told as the editor would tell it."""
    desktop = Desktop(decision="deny")

    with pytest.raises(DemoFailed, match="refused on the sign-in page"):
        await tell(tmp_path, Person(desktop.open_browser))


class BrokenServers(Programs):
    """Language servers that end at once."""

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-I", "-c", "import sys; sys.exit('no such luck')"]


async def test_server_that_ends_is_named_with_its_last_words(tmp_path):
    """Whoever reads the one line knows which part failed, and why."""
    with pytest.raises(DemoFailed) as failure:
        await tell(tmp_path, Person(), BrokenServers)

    assert str(failure.value) == "The language server of window A ended: no such luck"


class BrokenLogout(Programs):
    """A subcommand that fails."""

    def command(self, *arguments: str) -> list[str]:
        command = super().command(*arguments)
        return [*command, "--surprise"] if arguments else command


async def test_subcommand_that_fails_is_named_with_its_last_words(tmp_path):
    """A failure of the second program ends the tour as well."""
    with pytest.raises(DemoFailed, match=r"`codex-auth-lsp logout` failed: .*no such option"):
        await tell(tmp_path, Person(), BrokenLogout)
